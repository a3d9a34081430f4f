"""Line lists and contact lists as they arrive: rows, evidence, refusals, late arrival, taking back."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qipan.foundation.intake.exporting import rejects_export
from qipan.foundation.intake.services import batch_void
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors.reconciling import reconcile_ledger
from qipan.rooms.investigation.intake.rows import FUTURE, NO_AREA, NO_CASE, NOT_YOURS
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.tests.files import csv, take, totals
from qipan.rooms.persons.selectors import person_refs
from qipan.terms.errors import Denied, Refused
from qipan.terms.identity import person_code

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db

CASES = (
    "case_id,person_id,onset_date,report_date,classification,sex,age,area,outcome,outcome_date,source_case_id",
    "c1,{xia},2022-07-15,2022-07-17,confirmed,,,,,,",
    "c2,,,2022-07-18,asymptomatic,M,41,411202001001-02,,,c1",
    "c3,,2022-07-10,2022-07-11,,F,30.5,,recovered,2022-07-19,",
)
CONTACTS = (
    "from_case_id,to_person_id,to_case_id,first_exposure,last_exposure,setting,minutes,distance_m,class,via_person_id",
    "c1,{wei},,2022-07-14,2022-07-16,restaurant,45,1.5,,",
    "c1,,c2,,2022-07-16,,,,close,",
    "c1,{zhu},,,,workplace,,,,",
    "c1,{yun},,2022-07-16,2022-07-17,home,,,secondary,{wei}",
)


def named(cast: "Cast", lines: tuple[str, ...]) -> list[str]:
    codes = {name: person_code(pk) for name, pk in cast.persons.items()}
    return [line.format(**codes) for line in lines]


@pytest.fixture
def cases(cast: "Cast", at: datetime, tmp_path: Path) -> Path:
    path = csv(tmp_path, "cases.csv", *named(cast, CASES))
    result = take("cases", path, actor=cast.alice, at=at)
    assert totals(result) == (3, 3, 0, 0), result.rejects
    return path


def test_cases_become_rows_people_and_evidence(cast: "Cast", cases: Path, at: datetime) -> None:
    c1, c2, c3 = Case.objects.order_by("case_id")
    assert (c1.person_id, c1.onset_date, c1.area_path) == (
        cast.xia,
        date(2022, 7, 15),
        person_refs([cast.xia])[cast.xia].area_path,
    )
    # a case without a person made one, where the file says, with what the file says
    assert c2.area_path == cast.path("411202001001-02")
    assert (c2.person.area_path, c2.person.birth_year, c2.person.sex) == (c2.area_path, 1981, "male")
    assert (c2.onset_date, c2.classification, c2.source_case_id) == (None, "asymptomatic", "c1")
    # neither area nor person known: where the importing epidemiologist works
    assert c3.area_path == cast.path("411202")
    assert c3.classification == "confirmed"

    facts = {(e.person_id, e.kind): e for e in Evidence.objects.all()}
    assert len(facts) == 4
    said = facts[cast.xia, "diagnosis"]
    assert said.value == {"classification": "confirmed", "onset_date": "2022-07-15"}
    # the local day of the report begins at 16:00 UTC of the day before
    assert said.at.isoformat() == "2022-07-16T16:00:00+00:00"
    assert said.key == c1.evidence_key
    assert facts[c2.person_id, "diagnosis"].value == {"classification": "asymptomatic"}
    assert facts[c3.person_id, "recovery"].at.isoformat() == "2022-07-18T16:00:00+00:00"
    assert reconcile_ledger().agrees


def test_the_same_file_again_is_all_duplicates(cast: "Cast", cases: Path, at: datetime) -> None:
    result = take("cases", cases, actor=cast.alice, at=at)
    assert totals(result) == (3, 0, 0, 3)
    assert Case.objects.count() == 3


def test_contacts_become_rows_and_exposures(cast: "Cast", cases: Path, at: datetime, tmp_path: Path) -> None:
    path = csv(tmp_path, "contacts.csv", *named(cast, CONTACTS))
    result = take("contacts", path, actor=cast.alice, at=at)
    assert totals(result) == (4, 4, 0, 0), result.rejects
    exposures = {e.person_id: e for e in Evidence.objects.filter(kind="exposure")}
    # of Zhu no day is known: a contact without evidence
    assert set(exposures) == {cast.wei, cast.yun, Case.objects.get(case_id="c2").person_id}
    assert Contact.objects.get(person_id=cast.zhu).evidence_key is None
    wei = exposures[cast.wei]
    assert wei.linked_person_id == cast.xia
    assert wei.value == {
        "first": "2022-07-14",
        "last": "2022-07-16",
        "setting": "restaurant",
        "minutes": 45,
        "distance_m": 1.5,
        "class": "close",
    }
    # one known day is that day's exposure
    other = exposures[Case.objects.get(case_id="c2").person_id]
    assert (other.value["first"], other.value["last"], other.value["setting"]) == (
        "2022-07-16",
        "2022-07-16",
        "unknown",
    )
    # a contact's contact hangs on the contact, not on the case
    assert exposures[cast.yun].linked_person_id == cast.wei
    assert exposures[cast.yun].value["class"] == "secondary"
    assert Contact.objects.get(to_case__case_id="c2").from_case.case_id == "c1"
    assert reconcile_ledger().agrees


def test_a_contact_that_is_earlier_than_its_case_is_rejected_and_can_be_sent_again(
    cast: "Cast", at: datetime, tmp_path: Path
) -> None:
    contacts = csv(tmp_path, "contacts.csv", *named(cast, CONTACTS[:2]))
    early = take("contacts", contacts, actor=cast.alice, at=at)
    assert totals(early) == (1, 0, 1, 0)
    assert (early.rejects[0]["row"], early.rejects[0]["column"]) == (2, "from_case_id")
    assert early.rejects[0]["reason"] == NO_CASE
    assert not Contact.objects.exists()
    cases = csv(tmp_path, "cases.csv", *named(cast, CASES))
    take("cases", cases, actor=cast.alice, at=at)
    # the rejected rows, as intake hands them out, are the file to send again
    again = tmp_path / "again.csv"
    rejects_export(actor=cast.alice, batch_id=early.batch, path=again, at=at)
    later = take("contacts", again, actor=cast.alice, at=at + timedelta(hours=1))
    assert totals(later) == (1, 1, 0, 0)
    assert Evidence.objects.filter(kind="exposure", person_id=cast.wei).count() == 1


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("x,,2022-07-21,,,,,,,,", "onset_date", FUTURE),
        ("x,,,2022-12-07,,,,,,,", "report_date", FUTURE),
        ("x,,2022-07-01,2022-06-01,,,,,,,", "onset_date", "Onset cannot be three weeks"),
        ("x,,2022-07-10,,,,,,recovered,2022-07-01,", "outcome_date", "The outcome cannot be before"),
        ("x,P000000999X,2022-07-10,,,,,,,,", "person_id", NOT_YOURS),
        ("x,{tao},2022-07-10,,,,,,,,", "person_id", NOT_YOURS),
        ("x,,2022-07-10,,,,,999999,,,", "area", NO_AREA),
        ("x,,2022-07-10,,,,,411203,,,", "area", NO_AREA),
        ("x,,2022-07-10,,perhaps,,,,,,", "classification", ""),
        ("x,,20.7.2022?,,,,,,,,", "onset_date", ""),
        (",,2022-07-10,,,,,,,,", "case_id", ""),
    ],
)
def test_what_is_wrong_with_a_case_is_named_and_nothing_of_it_stays(
    cast: "Cast", at: datetime, tmp_path: Path, line: str, column: str, reason: str
) -> None:
    path = csv(tmp_path, "cases.csv", *named(cast, (CASES[0], CASES[1], line)))
    result = take("cases", path, actor=cast.alice, at=at)
    assert totals(result) == (2, 1, 1, 0)
    reject = result.rejects[0]
    assert (reject["row"], reject["column"]) == (3, column)
    assert reject["reason"].startswith(reason)
    assert Case.objects.count() == Evidence.objects.count() == 1


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("c9,{wei},,,,,,,,", "from_case_id", NO_CASE),
        ("c1,,c9,,,,,,,", "to_case_id", NO_CASE),
        ("c1,,,,,,,,,", "to_person_id", "Name the contact"),
        ("c1,{wei},c2,,,,,,,", "to_case_id", "This case is another person"),
        ("c1,{xia},,,,,,,,", "from_case_id", "A case is not a contact of itself"),
        ("c1,nobody,,,2022-07-16,,,,,", "to_person_id", NOT_YOURS),
        ("c1,{wei},,,,,,,secondary,nobody", "via_person_id", NOT_YOURS),
        ("c1,{wei},,,2022-07-21,,,,,", "last_exposure", FUTURE),
        ("c1,{wei},,2022-07-16,2022-07-15,,,,,", "last_exposure", "The last exposure is before"),
    ],
)
def test_what_is_wrong_with_a_contact_is_named(
    cast: "Cast", cases: Path, at: datetime, tmp_path: Path, line: str, column: str, reason: str
) -> None:
    path = csv(tmp_path, "contacts.csv", *named(cast, (CONTACTS[0], line)))
    result = take("contacts", path, actor=cast.alice, at=at)
    assert totals(result) == (1, 0, 1, 0)
    assert result.rejects[0]["column"] == column
    assert result.rejects[0]["reason"].startswith(reason)


def test_only_who_may_import_does_and_only_in_his_area(
    cast: "Cast", cases: Path, at: datetime, tmp_path: Path
) -> None:
    path = csv(tmp_path, "more.csv", CASES[0], "d1,,2022-07-10,,,,,411202,,,")
    with pytest.raises(Denied):
        take("cases", path, actor=cast.chen, at=at)
    # Fang runs the machine: he may import files, but holds no right over cases
    assert totals(take("cases", path, actor=cast.fang, at=at)) == (1, 0, 1, 0)
    # Dora is the neighbouring county's: neither its area nor its cases are hers
    assert totals(take("cases", path, actor=cast.dora, at=at)) == (1, 0, 1, 0)
    contacts = csv(tmp_path, "contacts.csv", *named(cast, (CONTACTS[0], "c1,{tao},,,2022-07-16,,,,,")))
    result = take("contacts", contacts, actor=cast.dora, at=at)
    assert result.rejects[0]["reason"] == NO_CASE
    assert totals(take("cases", path, actor=cast.alice, at=at)) == (1, 1, 0, 0)


def test_a_voided_batch_is_taken_back_as_new_facts(
    cast: "Cast", cases: Path, at: datetime, tmp_path: Path
) -> None:
    contacts = csv(tmp_path, "contacts.csv", *named(cast, CONTACTS))
    batch = take("contacts", contacts, actor=cast.alice, at=at).batch
    cases_batch = Case.objects.get(case_id="c1").batch_id
    later = at + timedelta(hours=1)
    with pytest.raises(Refused):
        batch_void(actor=cast.alice, batch_id=cases_batch, at=later)
    batch_void(actor=cast.alice, batch_id=batch, at=later)
    assert not Contact.objects.filter(voided_at=None).exists()
    voided = Evidence.objects.filter(kind="correction").values_list("voids__kind", flat=True)
    assert list(voided) == ["exposure"] * 3
    assert Evidence.objects.filter(kind="exposure").count() == 3
    # the rows may come again, as new facts
    again = take("contacts", contacts, actor=cast.alice, at=later + timedelta(hours=1))
    assert totals(again) == (4, 4, 0, 0)
    assert Evidence.objects.filter(kind="exposure", voided_by=None).count() == 3
    assert reconcile_ledger().agrees
