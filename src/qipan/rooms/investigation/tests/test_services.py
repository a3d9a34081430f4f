"""Cases and contacts one by one: what goes to the ledger, who may, who may not."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors.reconciling import reconcile_ledger
from qipan.rooms.control.services import evidence_record
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.selectors import (
    access_case,
    chains,
    contacts_of,
    line_list,
    list_contacts,
)
from qipan.rooms.investigation.services import case_confirm, case_discard, contact_add
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.evidence import Classification, ContactClass, EvidenceKind

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., Case]


@pytest.fixture
def make_case(cast: "Cast", at: datetime) -> MakeCase:
    def make(name: str, person_id: int, area: str = "411202001", **fields: object) -> Case:
        ref = areas_by_code([area])[area]
        values = {
            "source": "cdc",
            "disease": "covid19",
            "classification": "suspected",
            "report_date": date(2022, 7, 19),
            "recorded_at": at - timedelta(hours=1),
            "evidence_key": name.encode().ljust(16, b"."),
            **fields,
        }
        return Case.objects.create(
            case_id=name, person_id=person_id, area_id=ref.id, area_path=ref.path, **values
        )

    return make


def test_a_suspected_case_is_confirmed_in_the_ledger(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    recorded = case_confirm(actor=cast.alice, case_id=case.pk, at=at, onset_date=date(2022, 7, 18))
    case.refresh_from_db()
    assert (case.classification, case.onset_date) == ("confirmed", date(2022, 7, 18))
    fact = Evidence.objects.get(pk=recorded.evidence_id)
    assert (fact.person_id, fact.kind, fact.at) == (cast.xia, "diagnosis", at)
    assert fact.value == {"classification": "confirmed", "onset_date": "2022-07-18"}
    assert AuditEntry.objects.filter(action="case.confirm", subject_id=str(case.pk)).exists()
    with pytest.raises(Refused):
        case_confirm(actor=cast.alice, case_id=case.pk, at=at)


def test_who_may_not_see_a_case_does_not_find_it(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    contact_add(actor=cast.alice, case_id=case.pk, person_id=cast.yun, at=at)
    assert list_contacts(cast.bob).exists()
    for stranger in (cast.dora, cast.chen, cast.eva, cast.ma, cast.fang):
        with pytest.raises(Absent):
            access_case(stranger, case.pk)
        with pytest.raises(Absent):
            contacts_of(stranger, case.pk)
        with pytest.raises(Absent):
            case_confirm(actor=stranger, case_id=case.pk, at=at)
        with pytest.raises(Absent):
            case_discard(actor=stranger, case_id=case.pk, reason="no", at=at)
        with pytest.raises(Absent):
            contact_add(actor=stranger, case_id=case.pk, person_id=cast.wei, at=at)
        assert not line_list(stranger).exists()
        assert not list_contacts(stranger).exists()
        assert chains(stranger).cases == 0
    assert access_case(cast.bob, case.pk) == case
    case.refresh_from_db()
    assert case.classification == "suspected"
    assert not Evidence.objects.exists()


def test_a_tracer_cannot_take_evidence_back(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    case_confirm(actor=cast.bob, case_id=case.pk, at=at)
    with pytest.raises(Denied):
        case_discard(actor=cast.bob, case_id=case.pk, reason="a mistake", at=at + timedelta(hours=1))
    case.refresh_from_db()
    assert case.classification == "confirmed"
    assert AuditEntry.objects.filter(action="denied").exists()


def test_the_log_does_not_tell_in_clear_why_a_case_was_none(
    cast: "Cast", at: datetime, make_case: MakeCase
) -> None:
    case = make_case("c1", cast.xia)
    words = "王小明 13800001234 was negative twice"
    case_discard(actor=cast.alice, case_id=case.pk, reason=words, at=at)
    entry = AuditEntry.objects.get(action="case.discard")
    assert not any(word in json.dumps(entry.detail, ensure_ascii=False) for word in words.split())
    assert open_reason(entry.detail["reason"], write_id=entry.write_id) == words


def test_discarding_takes_diagnosis_and_exposures_back(
    cast: "Cast", at: datetime, make_case: MakeCase
) -> None:
    case = make_case("c1", cast.xia)
    case_confirm(actor=cast.alice, case_id=case.pk, at=at)
    contact_add(actor=cast.alice, case_id=case.pk, person_id=cast.wei, at=at, last_exposure=date(2022, 7, 18))
    later = at + timedelta(hours=2)
    recorded = case_discard(actor=cast.alice, case_id=case.pk, reason="two negative tests", at=later)
    standing = Evidence.objects.filter(voided_by=None).exclude(kind="correction")
    assert [(e.pk, e.value) for e in standing] == [(recorded.evidence_id, {"classification": "discarded"})]
    assert chains(cast.alice).cases == 0
    with pytest.raises(Refused):
        case_discard(actor=cast.alice, case_id=case.pk, reason="again", at=later)
    with pytest.raises(Refused):
        contact_add(actor=cast.alice, case_id=case.pk, person_id=cast.yun, at=later)
    assert reconcile_ledger().agrees


def test_a_contact_is_evidence_only_with_a_day(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    undated, none = contact_add(actor=cast.bob, case_id=case.pk, person_id=cast.wei, at=at)
    assert none is None
    assert undated.evidence_key is None
    contact, recorded = contact_add(
        actor=cast.bob,
        case_id=case.pk,
        person_id=cast.yun,
        at=at,
        first_exposure=date(2022, 7, 17),
        last_exposure=date(2022, 7, 20),
        setting="home",
        minutes=600,
    )
    assert recorded is not None
    fact = Evidence.objects.get()
    assert (fact.person_id, fact.linked_person_id, fact.kind) == (cast.yun, cast.xia, "exposure")
    assert bytes(fact.key) == bytes(contact.evidence_key or b"")
    assert list(contacts_of(cast.bob, case.pk)) == [undated, contact]
    assert list(list_contacts(cast.alice, below=cast.path("411202001"))) == [contact, undated]
    assert not list_contacts(cast.alice, since=at + timedelta(seconds=1)).exists()


def test_a_contacts_contact_is_linked_to_the_contact(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    contact_add(
        actor=cast.alice,
        case_id=case.pk,
        person_id=cast.zhu,
        via_person_id=cast.wei,
        contact_class=ContactClass.SECONDARY,
        last_exposure=date(2022, 7, 19),
        at=at,
    )
    assert Evidence.objects.get().linked_person_id == cast.wei


def test_contacts_that_cannot_be(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    wrong = [
        {"person_id": cast.xia},
        {"person_id": cast.wei, "via_person_id": cast.wei},
        {"person_id": cast.wei, "first_exposure": date(2022, 7, 19), "last_exposure": date(2022, 7, 18)},
        {"person_id": cast.wei, "last_exposure": date(2022, 7, 21)},
    ]
    for fields in wrong:
        with pytest.raises(BadInput):
            contact_add(actor=cast.alice, case_id=case.pk, at=at, **fields)
    with pytest.raises(Absent):
        contact_add(actor=cast.alice, case_id=case.pk, person_id=999_999, at=at)
    assert not Contact.objects.exists()
    assert not Evidence.objects.exists()


def test_a_contact_may_live_in_the_next_county(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    day = date(2022, 7, 19)
    # named in a line list only, nobody across the border is restricted on his account
    with pytest.raises(Denied):
        contact_add(actor=cast.alice, case_id=case.pk, person_id=cast.tao, at=at, last_exposure=day)
    evidence_record(
        actor=cast.alice, person_id=cast.xia, kind=EvidenceKind.DIAGNOSIS, at=at,
        value={"classification": "confirmed"}, source="hospital", now=at,
    )  # fmt: skip
    contact_add(actor=cast.alice, case_id=case.pk, person_id=cast.tao, at=at, last_exposure=day)
    assert Evidence.objects.get(kind="exposure").person_id == cast.tao
    # the neighbour sees neither the case nor a way to name its contacts
    with pytest.raises(Absent):
        contact_add(actor=cast.dora, case_id=case.pk, person_id=cast.tao, at=at, last_exposure=day)


def test_line_list_by_area_and_period(cast: "Cast", make_case: MakeCase) -> None:
    one = make_case("c1", cast.xia, report_date=date(2022, 7, 10))
    two = make_case("c2", cast.zhu, "411202002", report_date=None, onset_date=date(2022, 7, 12))
    three = make_case("c3", cast.wei, report_date=None)
    make_case("c4", cast.tao, "411203100")
    make_case("c5", cast.yun, voided_at=datetime.fromisoformat("2022-07-20T00:00:00+00:00"))
    assert set(line_list(cast.alice)) == {one, two, three}
    assert list(line_list(cast.alice, first=date(2022, 7, 10), last=date(2022, 7, 11))) == [one]
    assert list(line_list(cast.alice, below=cast.path("411202002"))) == [two]
    assert list(line_list(cast.alice, first=date(2022, 7, 11))) == [two]


def test_chains_of_contacts_and_named_sources(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    """Xia -> Wei (a contact who became a case) -> Zhu (names her source); Yun by way of Zhu."""
    xia = make_case("c1", cast.xia, onset_date=date(2022, 7, 10), classification="confirmed")
    wei = make_case("c2", cast.wei, onset_date=date(2022, 7, 14), classification="confirmed")
    make_case("c3", cast.zhu, onset_date=date(2022, 7, 13), classification="confirmed", source_case_id="c2")
    yun = make_case("c4", cast.yun, classification="confirmed")
    make_case("c5", cast.tao, classification="confirmed", source_case_id="c2")  # county A, seen by Alice
    contact_add(actor=cast.alice, case_id=xia.pk, person_id=cast.wei, at=at)
    contact_add(
        actor=cast.alice,
        case_id=wei.pk,
        person_id=cast.yun,
        via_person_id=cast.zhu,
        contact_class=ContactClass.SECONDARY,
        at=at,
    )
    found = chains(cast.alice)
    assert (found.cases, found.pairs, found.chains, found.generations) == (5, 4, 1, 4)
    assert (found.serial_interval.n, found.serial_interval.negative) == (2, 1)
    assert found.serial_interval.mean == 1.5
    links = set(found.table.select("from_case_id", "to_case_id").iter_rows())
    zhu = Case.objects.get(case_id="c3")
    assert (str(zhu.pk), str(yun.pk)) in links
    # a discarded case is in no chain
    case_discard(actor=cast.alice, case_id=wei.pk, reason="not a case", at=at + timedelta(hours=1))
    assert chains(cast.alice).pairs == 1


def test_classification_has_to_confirm(cast: "Cast", at: datetime, make_case: MakeCase) -> None:
    case = make_case("c1", cast.xia)
    with pytest.raises(BadInput):
        case_confirm(actor=cast.alice, case_id=case.pk, at=at, classification=Classification.DISCARDED)
    with pytest.raises(BadInput):
        case_confirm(actor=cast.alice, case_id=case.pk, at=at, onset_date=date(2022, 7, 21))
    with pytest.raises(BadInput):
        case_discard(actor=cast.alice, case_id=case.pk, reason=" ", at=at)
