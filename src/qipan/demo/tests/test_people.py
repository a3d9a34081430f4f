"""The generator: apportioned, deterministic, visibly synthetic, and as the census says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.demo.calendar import START
from qipan.demo.layout import CITY, MARK, apportion, fact_areas, fact_populations, lay_out
from qipan.demo.outbreak import Outbreak, crowd
from qipan.demo.residents import blocks, household_sizes, persons
from qipan.rooms.geography.rules import NewArea, plan_tree
from qipan.terms.areas import AreaLevel


@given(st.integers(0, 10_000), st.lists(st.floats(0.1, 1e6), min_size=1, max_size=40))
def test_apportioning_loses_nobody_and_is_off_by_less_than_one(total: int, weights: list[float]) -> None:
    parts = apportion(total, weights)
    exact = total * np.array(weights) / sum(weights)
    assert parts.sum() == total
    assert (np.abs(parts - exact) < 1 + 1e-6).all()


@given(st.integers(1, 3_000), st.integers(0, 2**32))
def test_households_hold_exactly_the_people(people: int, seed: int) -> None:
    sizes = household_sizes(np.random.default_rng(seed), people)
    assert sizes.sum() == people
    assert sizes.min() >= 1
    assert sizes.max() <= 6


def test_facts_are_those_of_the_census() -> None:
    levels = [area.level for area in fact_areas()]
    assert levels.count(AreaLevel.COUNTY) == 7
    assert levels.count(AreaLevel.TOWNSHIP) == 81
    city = next(area for area in fact_areas() if area.code == CITY)
    assert city.population == 2_034_872
    assert sum(margin.count for margin in fact_populations() if margin.area == CITY) == 2_034_872


@pytest.mark.parametrize("people", [100, 800, 20_000, 2_000_000])
def test_the_tree_is_one_and_what_was_made_up_says_so(people: int) -> None:
    layout = lay_out(people)
    rows = [NewArea(a.code, a.parent, a.level, a.name_zh, a.name_en, a.population) for a in layout.areas]
    placed, problems = plan_tree(rows, {})
    assert problems == []
    assert len(placed) == len(rows)
    assert sum(village.size for village in layout.villages) == people
    made = [area for area in layout.areas if area.level in (AreaLevel.VILLAGE, AreaLevel.GRID)]
    assert made
    assert all(area.name_zh.startswith(MARK) for area in made)
    assert all(area.name_en.startswith("Demonstration") for area in made)
    assert not any(area.name_zh.startswith(MARK) for area in layout.facts)


def test_the_people_do_not_depend_on_the_size_of_a_block() -> None:
    layout = lay_out(3_000)
    whole = [p for part in blocks(layout, seed=5, today=START) for p in persons(layout, part)]
    parts = list(blocks(layout, seed=5, today=START, block=200))
    assert len(parts) > 3
    assert [p for part in parts for p in persons(layout, part)] == whole
    assert [p.source_id for p in whole] == [f"SYN-{number:07d}" for number in range(1, 3_001)]
    assert whole != [p for part in blocks(layout, seed=6, today=START) for p in persons(layout, part)]


def test_nobody_is_synthetic_without_its_mark() -> None:
    layout = lay_out(500)
    for part in blocks(layout, seed=1, today=START):
        for person in persons(layout, part):
            assert person.document_kind == "synthetic"
            assert person.document_number.startswith("SYN-")
            assert person.name.startswith(MARK)
            assert person.phone.startswith("000")
            assert person.address.startswith(MARK)


def test_ages_and_households_are_as_the_census_counted() -> None:
    layout = lay_out(60_000)
    parts = list(blocks(layout, seed=1, today=START))
    age = np.concatenate([part.age for part in parts])
    female = np.concatenate([part.sex for part in parts])
    homes = parts[-1].household[-1] + 1
    margins = [margin for margin in fact_populations() if margin.area == CITY]
    whole = sum(margin.count for margin in margins)
    children = sum(m.count for m in margins if m.age_to is not None and m.age_to < 15) / whole
    women = sum(m.count for m in margins if m.sex == "female") / whole
    # four standard deviations of a binomial share of 60,000 are below 0.8 percent
    assert abs((age < 15).mean() - children) < 0.008
    assert abs(female.mean() - women) < 0.008
    assert abs(len(age) / homes - 2.58) < 0.05


def _outbreak(seed: int, shut_from: int) -> Outbreak:
    layout = lay_out(4_000)
    part = next(blocks(layout, seed=seed, today=START))
    county = np.array([place.county for place in layout.villages], dtype=np.int16)[part.village]
    people = crowd(part.age, part.household, county, seed=seed)
    outbreak = Outbreak(seed)
    for day in range(20):
        shut = set(outbreak.infections) if day >= shut_from else set()
        outbreak.arrive(people, day, shut=shut)
        outbreak.spread(people, day, shut=shut, home=set())
    return outbreak


def test_the_outbreak_obeys_orders_and_its_seed() -> None:
    free, again, bound = _outbreak(3, 99), _outbreak(3, 99), _outbreak(3, 0)
    assert free.infections == again.infections
    assert all(infection.by is None for infection in bound.infections.values())
    assert sum(infection.by is not None for infection in free.infections.values()) > 5
    assert Outbreak.from_json(free.to_json()) == free
