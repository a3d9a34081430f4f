"""The area tree: what is a tree, who loads it, who sees it; and the shipped facts about Sanmenxia."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import (
    AREAS,
    AT,
    CITY,
    COUNTY_A,
    COUNTY_B,
    GRID_A1,
    GRID_B1,
    PROVINCE,
    TOWNSHIP_A1,
    VILLAGE_A1,
    Cast,
)

import qipan.demo
from qipan.rooms.geography import selectors, services
from qipan.rooms.geography.models import Area, PopulationCount
from qipan.rooms.geography.rules import NewArea, plan_tree
from qipan.rooms.geography.services import NewPopulation
from qipan.rooms.organizations.selectors import INSTALLER
from qipan.terms.areas import LEVEL_ORDER, AreaLevel
from qipan.terms.errors import Absent, BadInput, Denied
from qipan.terms.roles import Actor

DATA = Path(qipan.demo.__file__).parent / "data"
L = AreaLevel


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shipped() -> list[NewArea]:
    return [
        NewArea(row["code"], row["parent"], L(row["level"]), row["name_zh"], row["name_en"],
                int(row["population"]) if row["population"] else None)
        for row in read("sanmenxia_areas.csv")
    ]  # fmt: skip


# --- rules --------------------------------------------------------------------------------------------------


@given(st.permutations(AREAS))
def test_the_order_of_rows_does_not_matter(rows: list[NewArea]) -> None:
    placed, problems = plan_tree(rows, {})
    assert not problems
    paths = {row.code: path for row, path in placed}
    assert paths[GRID_A1] == f"/{PROVINCE}/{CITY}/{COUNTY_A}/{TOWNSHIP_A1}/{VILLAGE_A1}/{GRID_A1}/"
    seen = set()
    for row, path in placed:  # parents first
        assert row.parent in seen or not row.parent
        assert path.endswith(f"/{row.code}/")
        seen.add(row.code)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (NewArea("41120", CITY, L.COUNTY, "x", "x"), "code"),
        (NewArea("411204", CITY, L.TOWNSHIP, "x", "x"), "code"),
        (NewArea("411204", "411299", L.COUNTY, "x", "x"), "parent"),
        (NewArea("411204", COUNTY_A, L.COUNTY, "x", "x"), "parent"),
        (NewArea("411204", "411204", L.COUNTY, "x", "x"), "parent"),
        (NewArea("421204", CITY, L.COUNTY, "x", "x"), "parent"),
        (NewArea("411203099", COUNTY_A, L.TOWNSHIP, "x", "x"), "parent"),
        (NewArea("411202001001-09", GRID_A1, L.GRID, "x", "x"), "parent"),
        (NewArea("411202099", "", L.TOWNSHIP, "x", "x"), "parent"),
        (NewArea("411202099", COUNTY_A, L.TOWNSHIP, " ", "x"), "name_zh"),
        (NewArea(COUNTY_A, CITY, L.COUNTY, "x", "x"), "code"),
    ],
)
def test_rows_without_a_place(row: NewArea, column: str) -> None:
    placed, problems = plan_tree([*AREAS, row], {})
    assert [(problem.position, problem.column) for problem in problems] == [(len(AREAS), column)]
    assert len(placed) == len(AREAS)


def test_a_cycle_and_what_hangs_on_it_have_no_place() -> None:
    rows = [NewArea("410000", "411200", L.PROVINCE, "x", "x"), NewArea("411200", "410000", L.CITY, "x", "x"),
            NewArea("411202", "411200", L.COUNTY, "x", "x")]  # fmt: skip
    placed, problems = plan_tree(rows, {})
    assert not placed
    assert len(problems) == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(LEVEL_ORDER)), max_size=12))
def test_whatever_comes_the_result_is_a_tree(wild: list[tuple[int, int, AreaLevel]]) -> None:
    form = {L.PROVINCE: "41{:04d}", L.CITY: "4112{:02d}", L.COUNTY: "4112{:02d}"}
    rows = [
        NewArea(form.get(level, "411200{:03d}").format(a), form.get(level, "4112{:02d}").format(b), level, "x", "x")
        for a, b, level in wild
    ]
    placed, problems = plan_tree(rows, {})
    assert len(placed) + len(problems) == len(rows)
    paths = {row.code: path for row, path in placed}
    for row, path in placed:
        assert path.count("/") >= 2
        assert not row.parent or path == f"{paths[row.parent]}{row.code}/"


# --- services and selectors -----------------------------------------------------------------------------------


def test_loading_again_changes_nothing_and_renames(cast: Cast) -> None:
    before = list(Area.objects.order_by("pk").values())
    assert services.area_load(actor=INSTALLER, rows=AREAS, at=AT) == 0
    assert list(Area.objects.order_by("pk").values()) == before
    services.area_load(actor=cast.fang, rows=[NewArea(COUNTY_A, CITY, L.COUNTY, "新名", "New", 5)], at=AT)
    area = Area.objects.get(code=COUNTY_A)
    assert (area.name_zh, area.population, area.path) == ("新名", 5, cast.path(COUNTY_A))


def test_an_area_does_not_change_its_parent(cast: Cast) -> None:
    with pytest.raises(BadInput, match="Row 1"):
        services.area_load(actor=INSTALLER, rows=[NewArea(TOWNSHIP_A1, CITY, L.TOWNSHIP, "x", "x")], at=AT)


def test_all_rows_or_none(cast: Cast) -> None:
    rows = [NewArea("411202009", COUNTY_A, L.TOWNSHIP, "x", "x"), NewArea("bad", COUNTY_A, L.TOWNSHIP, "x", "x")]
    with pytest.raises(BadInput, match="2"):
        services.area_load(actor=INSTALLER, rows=rows, at=AT)
    assert not Area.objects.filter(code="411202009").exists()


@pytest.mark.parametrize("name", ["alice", "bob", "chen", "dora", "eva", "gao", "hu", "lin", "ma", "ning", "qiu"])
def test_areas_and_populations_are_loaded_by_administrators(cast: Cast, name: str) -> None:
    with pytest.raises(Denied):
        services.area_load(actor=cast.actors[name], rows=[AREAS[4]], at=AT)
    with pytest.raises(Denied):
        services.population_load(actor=cast.actors[name], rows=[NewPopulation(COUNTY_A, "male", 0, 4, 1)], at=AT)


def test_an_administrator_loads_below_his_own_area_only(cast: Cast) -> None:
    assert services.area_load(actor=cast.fang, rows=[NewArea("411202009", COUNTY_A, L.TOWNSHIP, "x", "x")], at=AT) == 1
    with pytest.raises(Denied):
        services.area_load(actor=cast.fang, rows=[NewArea("420000", "", L.PROVINCE, "x", "x")], at=AT)


def test_populations_are_recorded_and_replaced(cast: Cast) -> None:
    rows = [NewPopulation(COUNTY_A, "male", 0, 4, 10), NewPopulation(COUNTY_A, "female", 85, None, 20)]
    assert services.population_load(actor=cast.fang, rows=rows, at=AT) == 2
    services.population_load(actor=cast.fang, rows=[NewPopulation(COUNTY_A, "male", 0, 4, 11)], at=AT)
    found = selectors.list_populations(cast.alice, COUNTY_A)
    assert [(row.sex, row.age_from, row.age_to, row.count) for row in found] == [
        ("female", 85, None, 20), ("male", 0, 4, 11),
    ]  # fmt: skip
    with pytest.raises(Absent):
        selectors.list_populations(cast.dora, COUNTY_A)
    with pytest.raises(BadInput):
        services.population_load(actor=cast.fang, rows=[NewPopulation("999999", "male", 0, 4, 10)], at=AT)


@pytest.mark.parametrize("name", ["alice", "bob", "chen", "dora", "eva", "fang", "gao", "hu", "lin", "ma", "ning"])
def test_areas_are_seen_in_ones_own_subtree(cast: Cast, name: str) -> None:
    actor = cast.actors[name]
    prefix = actor.grants[0].area_path
    for area in AREAS:
        if cast.path(area.code).startswith(prefix):
            assert selectors.access_area(actor, area.code).code == area.code
        else:
            with pytest.raises(Absent):
                selectors.access_area(actor, area.code)
    expected = sorted(cast.path(area.code) for area in AREAS if cast.path(area.code).startswith(prefix))
    assert [area.path for area in selectors.list_areas(actor)] == expected


def test_forbidden_looks_like_absent(cast: Cast) -> None:
    messages = []
    for code in (COUNTY_B, "999999"):
        with pytest.raises(Absent) as caught:
            selectors.access_area(cast.alice, code)
        messages.append((str(caught.value), caught.value.what))
    assert messages[0] == messages[1]
    assert not selectors.list_areas(Actor(None, None, ())).exists()


def test_lists_by_place_and_level(cast: Cast) -> None:
    assert [a.code for a in selectors.list_areas(cast.ma, level="county")] == [COUNTY_A, COUNTY_B]
    assert [a.code for a in selectors.list_areas(cast.ma, below=cast.path(COUNTY_B), level=L.GRID)] == [GRID_B1]


def test_references_in_one_query(cast: Cast, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):
        refs = selectors.areas_by_code([COUNTY_A, GRID_A1, "999999"])
    assert set(refs) == {COUNTY_A, GRID_A1}
    assert refs[COUNTY_A].path == selectors.area_paths()[COUNTY_A]
    with django_assert_num_queries(1):  # so many codes that they do not fit a query
        many = selectors.areas_by_code([COUNTY_A, *map(str, range(100000, 140000))])
    assert set(many) == {COUNTY_A}
    with django_assert_num_queries(1):
        assert selectors.areas_by_id([refs[COUNTY_A].id])[refs[COUNTY_A].id] == refs[COUNTY_A]


# --- the shipped facts ---------------------------------------------------------------------------------------


def test_sanmenxia_is_a_tree_of_the_census(db: None) -> None:
    assert services.area_load(actor=INSTALLER, rows=shipped(), at=AT) == 90
    counts = {level: Area.objects.filter(level=level).count() for level in ("province", "city", "county", "township")}
    assert counts == {"province": 1, "city": 1, "county": 7, "township": 81}
    city = Area.objects.get(code="411200")
    assert city.population == 2_034_872
    counties = {area.code: area for area in Area.objects.filter(level="county")}
    assert sum(area.population or 0 for area in counties.values()) == city.population
    assert {code: area.name_en for code, area in counties.items()} == {
        "411202": "Hubin District",
        "411203": "Shanzhou District",
        "411221": "Mianchi County",
        "411224": "Lushi County",
        "411271": "Sanmenxia Economic Development Zone",
        "411281": "Yima City",
        "411282": "Lingbao City",
    }
    assert (counties["411202"].population, counties["411271"].population) == (284_641, 42_041)
    # no figures below the county: none are known
    assert not Area.objects.filter(level="township", population__isnull=False).exists()
    assert all(area.name_en.isascii() for area in Area.objects.all())


def test_the_margins_of_the_census_add_up(db: None) -> None:
    services.area_load(actor=INSTALLER, rows=shipped(), at=AT)
    rows = [
        NewPopulation(row["area"], row["sex"], int(row["age_from"]), int(row["age_to"]) if row["age_to"] else None,
                      int(row["count"]))
        for row in read("sanmenxia_population.csv")
    ]  # fmt: skip
    services.population_load(actor=INSTALLER, rows=rows, at=AT)
    by_area: dict[str, int] = {}
    by_band: dict[tuple[str, int], dict[bool, int]] = {}
    for row in rows:
        by_area[row.area] = by_area.get(row.area, 0) + row.count
        city_or_counties = by_band.setdefault((row.sex, row.age_from), {True: 0, False: 0})
        city_or_counties[row.area == "411200"] += row.count
    assert by_area == {a.code: a.population for a in Area.objects.filter(population__isnull=False)}
    assert all(band[True] == band[False] for band in by_band.values())
    # the bands of each area and sex are without gap: 0, 1-4, 5-9 … 85 and above
    for area in by_area:
        for sex in ("male", "female"):
            bands = sorted((r.age_from, r.age_to) for r in rows if (r.area, r.sex) == (area, sex))
            assert bands[0] == (0, 0)
            assert bands[-1] == (85, None)
            assert all(high is not None and low == high + 1
                       for (_, high), (low, _) in pairwise(bands))  # fmt: skip
    assert PopulationCount.objects.count() == len(rows) == 8 * 38
