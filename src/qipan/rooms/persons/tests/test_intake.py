"""The file kind `persons`, through `file_import`: rejects, duplicates, people heard of before, taking back."""

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.cast import AT, COUNTY_A, GRID_A1, GRID_A2, GRID_B1, Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.intake.services import batch_void, file_import
from qipan.rooms.persons import selectors, services
from qipan.rooms.persons.models import BlindIndex, Person, SealedIdentity
from qipan.terms.errors import Denied
from qipan.terms.roles import SYSTEM_ACTOR, Actor

HEADER = ["source_id", "name", "document_kind", "document_number", "birth_date", "sex", "phone", "area", "address",
          "household"]  # fmt: skip
LI = ["r1", "李雷", "id", "11010519491231002X", "1949-12-31", "female", "13800138000", GRID_A1, "演示路1号", "h1"]
HAN = ["r2", "韩梅梅", "passport", "E12345678", "", "女", "", GRID_A2, "", "h1"]
NOBODY = ["r3", "", "none", "", "", "", "", GRID_A1, "", ""]


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def make(*rows: list[str], header: list[str] = HEADER, name: str = "persons.csv") -> Path:
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *rows])
        return path

    return make


def take(actor: Actor, path: Path, source: str = "census") -> Any:
    return file_import(actor=actor, kind="persons", path=path, source=source, at=AT)


def totals(result: Any) -> tuple[int, int, int, int]:
    return result.declared, result.accepted, result.rejected, result.duplicate


def test_a_file_of_people(cast: Cast, file: Any) -> None:
    result = take(cast.alice, file(LI, HAN, NOBODY))
    assert totals(result) == (3, 3, 0, 0), result.rejects
    refs = selectors.resolve_persons(["r1", "r2", "r3"], source="census")
    assert refs["r2"].area_path == cast.path(GRID_A2)
    opened = services.identity_open(actor=cast.alice, person_ids=[refs["r1"].id], purpose="follow_up", at=AT)
    assert opened[refs["r1"].id].address == "演示路1号"
    assert Person.objects.get(pk=refs["r2"].id).household_id == Person.objects.get(pk=refs["r1"].id).household_id
    assert Person.objects.get(pk=refs["r1"].id).batch_id == result.batch


def test_chinese_headers(cast: Cast, file: Any) -> None:
    header = ["编号", "姓名", "证件类型", "证件号码", "出生日期", "性别", "手机号", "区划代码", "住址", "户号"]
    row = ["r1", "李雷", "身份证", "11010519491231002X", "1949-12-31", "女", "13800138000", GRID_A1, "", ""]
    assert totals(take(cast.alice, file(row, header=header))) == (1, 1, 0, 0)


def test_the_same_file_again_is_all_duplicates(cast: Cast, file: Any) -> None:
    take(cast.alice, file(LI, HAN, NOBODY))
    before = dict(SealedIdentity.objects.values_list("pk", "sealed"))
    assert totals(take(cast.alice, file(LI, HAN, NOBODY))) == (3, 0, 0, 3)
    # overlapping and shuffled
    more = ["r4", "张三", "none", "", "", "", "", GRID_A1, "", ""]
    assert totals(take(cast.alice, file(more, NOBODY, LI, name="more.csv"))) == (3, 1, 0, 2)
    after = dict(SealedIdentity.objects.values_list("pk", "sealed"))
    assert {pk: after[pk] for pk in before} == before


def test_bad_rows_are_rejected_one_by_one(cast: Cast, file: Any) -> None:
    rows = [
        LI,
        ["b1", "王五", "id", "110105194912310021", "", "", "", GRID_A1, "", ""],
        ["b2", "王五", "synthetic", "SYN-1", "", "", "", GRID_A1, "", ""],
        ["b3", "王五", "none", "", "", "", "", "999999", "", ""],
        ["b4", "王五", "none", "", "", "", "", GRID_B1, "", ""],
        ["b5", "李雷的另一个号", "id", "110105491231002", "", "", "", GRID_A1, "", ""],
        ["b6", "王五", "none", "", "2022-07-21", "", "", GRID_A1, "", ""],
    ]
    result = take(cast.alice, file(*rows))
    assert totals(result) == (7, 1, 6, 0)
    found = {reject["row"]: reject["column"] for reject in result.rejects}
    assert found == {
        3: "document_number", 4: "document_kind", 5: "area", 6: "area", 7: "document_number", 8: "birth_date",
    }  # fmt: skip
    # an area of others and an area that is not there look alike
    reasons = {reject["row"]: reject["reason"] for reject in result.rejects}
    assert reasons[5] == reasons[6]
    assert Person.objects.count() == len(cast.persons) + 1


def test_synthetic_people_where_the_demonstration_is_on(cast: Cast, file: Any, settings: Any) -> None:
    settings.DEMO = True
    row = ["s1", "演示·王五", "synthetic", "SYN-1", "1990-01-01", "male", "00012345678", GRID_A1, "", ""]
    assert totals(take(cast.alice, file(row))) == (1, 1, 0, 0)
    assert Person.objects.latest("pk").synthetic


@pytest.mark.parametrize("name", ["eva", "fang", "gao", "hu", "lin", "ma", "qiu"])
def test_who_does_not_import_people(cast: Cast, file: Any, name: str) -> None:
    with pytest.raises(Denied):
        take(cast.actors[name], file(LI))


def test_somebody_elsewhere_imports_nothing_here(cast: Cast, file: Any) -> None:
    assert totals(take(cast.dora, file(LI, HAN))) == (2, 0, 2, 0)


def test_a_person_first_heard_of_as_a_case_gets_his_identity(cast: Cast, file: Any) -> None:
    made = services.persons_for_references(
        actor=cast.alice, source="census", references=["r1"], area=cast.areas[COUNTY_A], at=AT
    )
    assert totals(take(cast.alice, file(LI))) == (1, 1, 0, 0)
    pk = made["r1"].id
    assert Person.objects.count() == len(cast.persons) + 1
    assert services.identity_open(actor=cast.alice, person_ids=[pk], purpose="follow_up", at=AT)[pk].name == "李雷"
    assert selectors.access_person(cast.alice, pk).birth_year == 1949


def test_a_file_does_not_reach_a_person_who_moved_away(cast: Cast, file: Any) -> None:
    made = services.persons_for_references(
        actor=cast.alice, source="census", references=["r1"], area=cast.areas[COUNTY_A], at=AT
    )
    services.person_move(actor=cast.alice, person_id=made["r1"].id, area=GRID_B1, at=AT)
    assert totals(take(cast.alice, file(LI))) == (1, 0, 1, 0)
    assert not SealedIdentity.objects.filter(pk=made["r1"].id).exists()


def test_a_wrong_file_is_taken_back_and_the_right_one_comes(cast: Cast, file: Any) -> None:
    wrong = take(cast.alice, file(["r1", "张冠", *LI[2:]], NOBODY))
    ids = [ref.id for ref in selectors.resolve_persons(["r1", "r3"], source="census").values()]
    assert batch_void(actor=cast.alice, batch_id=wrong.batch, at=AT) == {"persons": 2}
    assert not SealedIdentity.objects.filter(pk__in=ids).exists()
    assert not BlindIndex.objects.filter(pk__in=ids).exists()
    assert Person.objects.filter(pk__in=ids, purged_at=AT).count() == 2
    assert SealedIdentity.objects.count() == len(cast.persons)
    assert totals(take(cast.alice, file(LI, NOBODY, name="right.csv"))) == (2, 2, 0, 0)
    again = selectors.resolve_persons(["r1"], source="census")["r1"]
    assert again.id not in ids


@pytest.mark.parametrize("name", ["dora", "lin", "eva", "ma"])
def test_who_does_not_take_people_back(cast: Cast, file: Any, name: str) -> None:
    take(cast.alice, file(LI))
    batch_people = Person.objects.filter(batch_id__isnull=False)
    with pytest.raises(Denied):
        services.persons_take_back(actor=cast.actors[name], batch_id=batch_people.get().batch_id, at=AT)
    assert batch_people.filter(purged_at=None).exists()


def test_taking_people_back_takes_those_of_the_batch_once(cast: Cast, file: Any) -> None:
    batch = take(cast.alice, file(LI, NOBODY)).batch
    mine = Person.objects.filter(batch_id=batch)
    assert services.persons_take_back(actor=cast.alice, batch_id=batch, at=AT) == 2
    assert mine.filter(purged_at=AT).count() == 2
    assert Person.objects.filter(purged_at=None).count() == len(cast.persons)
    assert services.persons_take_back(actor=cast.alice, batch_id=batch, at=AT) == 0
    assert AuditEntry.objects.get(action="person.take_back").detail == {"persons": 2}
    # with somebody of the next county in it, it is no longer hers
    both = take(SYSTEM_ACTOR, file(["r8", *LI[1:]], ["r9", *NOBODY[1:7], GRID_B1, "", ""], name="b.csv")).batch
    with pytest.raises(Denied):
        services.persons_take_back(actor=cast.alice, batch_id=both, at=AT)
    assert Person.objects.filter(batch_id=both, purged_at=None).count() == 2
