"""From file to order: what a line list and a contact list lead to under the 9th edition, and back."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qipan.foundation.intake.services import batch_void
from qipan.rooms.control.models import Order, StoredDecision
from qipan.rooms.control.selectors import decision_of, list_orders
from qipan.rooms.control.selectors.reconciling import reconcile_ledger
from qipan.rooms.investigation.models import Case
from qipan.rooms.investigation.services import case_confirm, case_discard, contact_add
from qipan.rooms.investigation.tests.files import csv, take
from qipan.terms.evidence import ContactClass, HealthCode
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db


def kinds(actor: Actor, at: datetime) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for person_id, kind in list_orders(actor, at=at).values_list("person_id", "kind"):
        found.setdefault(person_id, []).append(kind)
    return {person: sorted(orders) for person, orders in found.items()}


def test_files_open_orders_and_their_void_ends_them(town: "Cast", at: datetime, tmp_path: Path) -> None:
    cases = csv(
        tmp_path, "cases.csv", "case_id,person_id,onset_date,report_date,classification",
        f"c1,{person_code(town.xia)},2022-07-18,2022-07-19,confirmed",
    )  # fmt: skip
    contacts = csv(
        tmp_path, "contacts.csv", "from_case_id,to_person_id,last_exposure,class,via_person_id",
        f"c1,{person_code(town.wei)},2022-07-19,,",
        f"c1,{person_code(town.zhu)},2022-07-19,secondary,{person_code(town.wei)}",
        f"c1,{person_code(town.yun)},,,",
    )  # fmt: skip
    first = take("cases", cases, actor=town.alice, at=at)
    assert first.finished["opened"] == {"isolate": 1}
    second = take("contacts", contacts, actor=town.alice, at=at)
    assert second.finished["without_evidence"] == 1
    bound = kinds(town.alice, at)
    assert bound[town.xia] == ["isolate"]
    assert "quarantine_central" in bound[town.wei]
    assert "quarantine_home" in bound[town.zhu]
    # of Yun no day is known: he is bound by nothing
    assert town.yun not in bound
    assert decision_of(town.alice, town.yun, at=at).code is HealthCode.GREEN

    later = at + timedelta(hours=1)
    batch_void(actor=town.alice, batch_id=second.batch, at=later)
    assert set(kinds(town.alice, later)) == {town.xia}
    assert set(Order.objects.exclude(closed_at=None).values_list("closed_as", flat=True)) == {"released"}
    batch_void(actor=town.alice, batch_id=first.batch, at=later)
    assert not kinds(town.alice, later)
    assert not StoredDecision.objects.filter(stale=True).exists()
    assert reconcile_ledger().agrees


def test_a_tracers_file_is_decided_at_once(town: "Cast", at: datetime, tmp_path: Path) -> None:
    # he may not run decisions himself
    cases = csv(
        tmp_path, "cases.csv", "case_id,person_id,onset_date", f"c1,{person_code(town.xia)},2022-07-18"
    )
    assert take("cases", cases, actor=town.bob, at=at).finished["opened"] == {"isolate": 1}


def test_one_contact_is_under_an_order_when_the_call_returns(
    town: "Cast", at: datetime, tmp_path: Path
) -> None:
    cases = csv(
        tmp_path, "cases.csv", "case_id,person_id,onset_date,classification",
        f"c1,{person_code(town.xia)},2022-07-18,suspected",
    )  # fmt: skip
    take("cases", cases, actor=town.alice, at=at)
    case = Case.objects.get()
    case_confirm(actor=town.alice, case_id=case.pk, at=at)
    for person, contact_class, via in (
        (town.wei, ContactClass.CLOSE, None),
        (town.zhu, ContactClass.SECONDARY, town.wei),
    ):
        _, recorded = contact_add(
            actor=town.alice, case_id=case.pk, person_id=person, via_person_id=via, at=at,
            contact_class=contact_class, last_exposure=date(2022, 7, 19),
        )  # fmt: skip
        assert recorded is not None
        assert recorded.refreshed.opened
    bound = kinds(town.alice, at)
    assert set(bound) == {town.xia, town.wei, town.zhu}
    # the case was none: nobody stays bound by it
    later = at + timedelta(hours=2)
    case_discard(actor=town.alice, case_id=case.pk, reason="two negative tests", at=later)
    assert not kinds(town.alice, later)
    assert reconcile_ledger().agrees
