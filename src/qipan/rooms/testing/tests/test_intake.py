"""Result files: rows, evidence, pools, refusals, taking back."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qipan.foundation.intake.services import batch_void, file_import
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors.reconciling import reconcile_ledger
from qipan.rooms.testing.intake import NOT_YOURS
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.selectors import access_result, list_pool, list_results
from qipan.rooms.testing.services import result_record
from qipan.terms.errors import Absent, BadInput, Conflict, Denied
from qipan.terms.evidence import TestOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db

HEADER = "specimen_id,person_id,pool_id,sampled_at,site,lab,resulted_at,method,result,ct"
T1, T2 = "2022-07-20T08:00:00+08:00", "2022-07-20T11:30:00+08:00"


def take(cast: "Cast", folder: Path, at: datetime, *lines: str, actor: Actor | None = None) -> Any:
    codes = {name: person_code(pk) for name, pk in cast.persons.items()}
    path = folder / "tests.csv"
    path.write_text("\n".join([HEADER, *(line.format(**codes) for line in lines)]) + "\n", encoding="utf-8")
    return file_import(actor=actor or cast.hu, kind="tests", path=path, source="lab", at=at)


def test_results_become_rows_and_evidence(cast: "Cast", at: datetime, tmp_path: Path) -> None:
    result = take(
        cast, tmp_path, at,
        f"s1,{{xia}},,{T1},Gate 1,City lab,{T2},pcr,positive,31.5",
        f"s2,{{wei}},,{T1},,,{T2},pcr,阴性,",
        f"s3,{{zhu}},T9,{T1},,,{T2},pcr,positive,",
        f"s4,{{yun}},T9,{T1},,,{T2},pcr,positive,",
        f"s5,{{tao}},T8,{T1},,,{T2},pcr,negative,",
    )  # fmt: skip
    assert (result.declared, result.accepted, result.rejected) == (5, 5, 0), result.rejects
    assert result.finished["positive_pools"] == 1
    rows = {row.specimen_id: row for row in TestResult.objects.all()}
    facts = {bytes(fact.key): fact for fact in Evidence.objects.all()}
    assert set(facts) == {bytes(row.evidence_key) for row in rows.values()}
    said = {name: facts[bytes(row.evidence_key)] for name, row in rows.items()}
    assert said["s1"].value == {"result": "positive", "method": "pcr", "ct": 31.5}
    assert (said["s1"].person_id, said["s1"].at, said["s1"].recorded_at) == (
        cast.xia,
        datetime.fromisoformat(T1),
        at,
    )
    assert said["s2"].value == {"result": "negative", "method": "pcr"}
    # nobody is positive because a tube is, and the laboratory's word is kept
    assert (
        said["s3"].value
        == said["s4"].value
        == {
            "result": "indeterminate",
            "method": "pcr",
            "x_pool": "T9",
        }
    )
    assert rows["s3"].result == "positive"
    assert said["s5"].value["result"] == "negative"
    assert (rows["s1"].site, rows["s1"].laboratory, rows["s2"].ct) == ("Gate 1", "City lab", None)
    assert reconcile_ledger().agrees
    assert {row.specimen_id for row in list_pool(cast.hu, source="lab", pool_id="T9")} == {"s3", "s4"}


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (f"s,nobody,,{T1},,,{T2},pcr,negative,", "person_id", NOT_YOURS),
        (f"s,{{xia}},,{T2},,,{T1},pcr,negative,", "resulted_at", "The result cannot be before"),
        (f"s,{{xia}},,{T1},,,2022-07-20T12:00:01+08:00,pcr,negative,", "resulted_at", "This result lies"),
        (f"s,{{xia}},,{T1},,,{T2},pcr,maybe,", "result", ""),
        (f"s,{{xia}},,2022-07-20 08:00,,,{T2},pcr,negative,", "sampled_at", ""),
        (f"s,{{xia}},,{T1},,,{T2},,negative,", "method", ""),
        (f",{{xia}},,{T1},,,{T2},pcr,negative,", "specimen_id", ""),
        (f"s,{{xia}},,{T1},,,{T2},pcr,negative,99", "ct", ""),
    ],
)
def test_what_is_wrong_is_named(
    cast: "Cast", at: datetime, tmp_path: Path, line: str, column: str, reason: str
) -> None:
    good = f"ok,{{wei}},,{T1},,,{T2},pcr,negative,"
    result = take(cast, tmp_path, at, good, line)
    assert (result.accepted, result.rejected) == (1, 1)
    assert (result.rejects[0]["row"], result.rejects[0]["column"]) == (3, column)
    assert result.rejects[0]["reason"].startswith(reason)
    assert TestResult.objects.count() == Evidence.objects.count() == 1


def test_only_laboratories_and_clinicians_and_only_for_their_people(
    cast: "Cast", at: datetime, tmp_path: Path
) -> None:
    line = f"s1,{{tao}},,{T1},,,{T2},pcr,negative,"
    with pytest.raises(Denied):
        take(cast, tmp_path, at, line, actor=cast.chen)
    for actor in (cast.alice, cast.ning, cast.fang):  # Ning is a clinician, but not of Tao's county
        result = take(cast, tmp_path, at, line, actor=actor)
        assert result.rejects[0]["reason"] == NOT_YOURS
    assert take(cast, tmp_path, at, line, actor=cast.hu).accepted == 1
    row = TestResult.objects.get()
    assert access_result(cast.hu, row.pk) == row
    assert list(list_results(cast.dora)) == [row]
    for stranger in (cast.alice, cast.chen, cast.bob, cast.eva, cast.ma):
        assert not list_results(stranger).exists()
        with pytest.raises(Absent):
            access_result(stranger, row.pk)


def test_the_same_specimen_is_one_result(cast: "Cast", at: datetime, tmp_path: Path) -> None:
    line = f"s1,{{xia}},,{T1},,,{T2},pcr,negative,"
    take(cast, tmp_path, at, line)
    assert take(cast, tmp_path, at, line).duplicate == 1
    other = take(cast, tmp_path, at, f"s1,{{xia}},,{T1},,,{T2},pcr,positive,")
    assert (other.accepted, other.rejected) == (0, 1)
    assert TestResult.objects.count() == 1


def test_a_voided_batch_is_taken_back_and_may_come_again(cast: "Cast", at: datetime, tmp_path: Path) -> None:
    line = f"s1,{{xia}},,{T1},,,{T2},pcr,positive,30"
    batch = take(cast, tmp_path, at, line).batch
    counts = batch_void(actor=cast.hu, batch_id=batch, at=at + timedelta(hours=1))
    assert (counts["tests"], counts["evidence_rows"]) == (1, 1)
    assert not list_results(cast.hu).exists()
    assert Evidence.objects.get(kind="correction").voids.kind == "test"
    corrected = take(cast, tmp_path, at + timedelta(hours=2), line.replace("positive,30", "negative,"))
    assert corrected.accepted == 1
    assert list_results(cast.hu).get().result == "negative"
    assert reconcile_ledger().agrees


def test_queries_do_not_grow_with_rows(cast: "Cast", at: datetime, tmp_path: Path) -> None:
    def queries(first: int, count: int) -> int:
        lines = [f"s{i},{{xia}},,{T1},,,{T2},pcr,negative," for i in range(first, first + count)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert take(cast, tmp_path, at, *lines).accepted == count
        return len(seen)

    few = queries(0, 3)
    assert queries(1000, 300) <= few


def single(cast: "Cast", actor: Actor, at: datetime, **fields: Any) -> Any:
    values = {
        "person_id": cast.xia,
        "source": "hospital",
        "specimen_id": "h1",
        "sampled_at": at - timedelta(hours=5),
        "resulted_at": at - timedelta(hours=1),
        "method": "pcr",
        "result": TestOutcome.POSITIVE,
        **fields,
    }
    return result_record(actor=actor, at=at, **values)


def test_one_result_is_recorded_with_its_evidence(cast: "Cast", at: datetime) -> None:
    row, recorded = single(cast, cast.ning, at)
    fact = Evidence.objects.get(pk=recorded.evidence_id)
    assert bytes(fact.key) == bytes(row.evidence_key)
    assert (fact.at, fact.value) == (row.sampled_at, {"result": "positive", "method": "pcr"})
    with pytest.raises(Conflict):
        single(cast, cast.ning, at)
    pooled, recorded = single(cast, cast.ning, at, specimen_id="h2", pool_id="T1")
    assert pooled.result == "positive"
    assert Evidence.objects.get(pk=recorded.evidence_id).value["result"] == "indeterminate"
    assert reconcile_ledger().agrees


def test_one_result_denied_absent_or_impossible(cast: "Cast", at: datetime) -> None:
    for stranger in (cast.alice, cast.bob, cast.chen, cast.fang):
        with pytest.raises(Denied):
            single(cast, stranger, at)
    with pytest.raises(Denied):
        single(cast, cast.ning, at, person_id=cast.tao)
    with pytest.raises(Absent):
        single(cast, cast.hu, at, person_id=999_999)
    for fields in ({"resulted_at": at + timedelta(seconds=1)}, {"sampled_at": at}, {"method": " "}):
        with pytest.raises(BadInput):
            single(cast, cast.hu, at, **fields)
    assert not TestResult.objects.exists()
    assert not Evidence.objects.exists()


def test_a_specimen_recorded_singly_is_refused_from_a_file(
    cast: "Cast", at: datetime, tmp_path: Path
) -> None:
    single(cast, cast.hu, at, source="lab", specimen_id="s1")
    result = take(cast, tmp_path, at, f"s1,{{xia}},,{T1},,,{T2},pcr,positive,")
    assert (result.rejected, result.rejects[0]["column"]) == (1, "specimen_id")


def test_a_tube_shows_everybody_the_people_whom_he_may_see(cast: "Cast", at: datetime, tmp_path: Path) -> None:
    lines = [f"s{n},{{{name}}},T9,{T1},,,{T2},pcr,negative," for n, name in enumerate(("xia", "yun", "tao"))]
    take(cast, tmp_path, at, *lines, f"s9,{{wei}},T8,{T1},,,{T2},pcr,negative,")

    def seen(actor: Actor, source: str = "lab", pool: str = "T9") -> set[int]:
        return {row.person_id for row in list_pool(actor, source=source, pool_id=pool)}

    assert seen(cast.hu) == {cast.xia, cast.yun, cast.tao}
    assert seen(cast.alice) == seen(cast.ning) == {cast.xia, cast.yun}
    assert seen(cast.dora) == {cast.tao}
    for stranger in (cast.bob, cast.chen, cast.eva, cast.fang, cast.gao, cast.lin, cast.ma, cast.qiu):
        assert not seen(stranger)
    assert not seen(cast.hu, source="hospital")
    assert seen(cast.hu, pool="T8") == {cast.wei}
