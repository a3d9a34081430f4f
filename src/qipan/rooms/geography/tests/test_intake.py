"""The file kinds `areas` and `population`, through `file_import`."""

import csv
import random
from pathlib import Path
from typing import Any

import pytest
from tests.cast import AT, COUNTY_A, TOWNSHIP_A1, Cast

import qipan.demo
from qipan.foundation.intake.services import batch_void, file_import
from qipan.rooms.geography.models import Area, PopulationCount
from qipan.rooms.organizations.selectors import INSTALLER
from qipan.terms.errors import Denied, Refused
from qipan.terms.roles import Actor

DATA = Path(qipan.demo.__file__).parent / "data"
AREAS = ["code", "parent", "level", "name_zh", "name_en", "population"]
POPULATION = ["area", "sex", "age_from", "age_to", "count"]


def take(actor: Actor, kind: str, path: Path, source: str = "statistics") -> Any:
    return file_import(actor=actor, kind=kind, path=path, source=source, at=AT)


def totals(result: Any) -> tuple[int, int, int, int]:
    return result.declared, result.accepted, result.rejected, result.duplicate


def write(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return path


def test_the_shipped_city_loads_from_its_files(db: None) -> None:
    assert totals(take(INSTALLER, "areas", DATA / "sanmenxia_areas.csv")) == (90, 90, 0, 0)
    assert totals(take(INSTALLER, "population", DATA / "sanmenxia_population.csv")) == (304, 304, 0, 0)
    assert totals(take(INSTALLER, "areas", DATA / "sanmenxia_areas.csv")) == (90, 0, 0, 90)
    assert Area.objects.get(code="411200").population == 2_034_872
    assert PopulationCount.objects.count() == 304


def test_children_before_parents(db: None, tmp_path: Path) -> None:
    with (DATA / "sanmenxia_areas.csv").open(encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    random.Random(1).shuffle(rows)
    assert totals(take(INSTALLER, "areas", write(tmp_path / "a.csv", header, rows))) == (90, 90, 0, 0)


def test_rows_without_a_place_are_rejected_with_what_hangs_on_them(cast: Cast, tmp_path: Path) -> None:
    rows = [
        ["411202009", COUNTY_A, "township", "好街道", "", ""],
        ["411202010", "411299", "township", "无上级", "", ""],
        ["411202010001", "411202010", "village", "随之", "", ""],
        ["41120", COUNTY_A, "township", "短码", "", ""],
        ["411202011", COUNTY_A, "hamlet", "级别", "", ""],
        [TOWNSHIP_A1, "411203", "township", "换上级", "", ""],
        ["420000", "", "province", "别处", "", ""],
    ]
    path = write(tmp_path / "a.csv", AREAS, rows)
    checked = file_import(actor=cast.fang, kind="areas", path=path, source="statistics", at=AT, dry_run=True)
    result = take(cast.fang, "areas", path)
    assert totals(checked) == totals(result) == (7, 1, 6, 0)
    assert {reject["row"]: reject["column"] for reject in result.rejects} == {
        3: "parent", 4: "parent", 5: "code", 6: "level", 7: "parent", 8: "code",
    }  # fmt: skip
    assert Area.objects.filter(code="411202009").exists()


def test_populations_of_unknown_areas_and_upside_down_bands(cast: Cast, tmp_path: Path) -> None:
    rows = [
        [COUNTY_A, "男", "0", "4", "10"],
        ["999999", "male", "0", "4", "10"],
        [COUNTY_A, "female", "9", "5", "10"],
        [COUNTY_A, "female", "85", "", "10"],
    ]
    result = take(cast.fang, "population", write(tmp_path / "p.csv", POPULATION, rows))
    assert totals(result) == (4, 2, 2, 0)


@pytest.mark.parametrize("name", ["alice", "bob", "chen", "dora", "eva", "gao", "hu", "lin", "ma", "ning", "qiu"])
def test_administrators_only(cast: Cast, tmp_path: Path, name: str) -> None:
    areas = write(tmp_path / "a.csv", AREAS, [["411202009", COUNTY_A, "township", "x", "", ""]])
    population = write(tmp_path / "p.csv", POPULATION, [[COUNTY_A, "male", "0", "4", "10"]])
    for kind, path in (("areas", areas), ("population", population)):
        with pytest.raises(Denied):
            take(cast.actors[name], kind, path)
    assert not Area.objects.filter(code="411202009").exists()


def test_areas_are_not_taken_back(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", AREAS, [["411202009", COUNTY_A, "township", "x", "", ""]])
    batch = take(cast.fang, "areas", path).batch
    with pytest.raises(Refused):
        batch_void(actor=cast.fang, batch_id=batch, at=AT)
    assert Area.objects.filter(code="411202009").exists()
