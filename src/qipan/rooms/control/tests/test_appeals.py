"""Appeals: reachable while an order binds, a clock, two people of two units, release by default."""

from datetime import datetime

import pytest
from tests.cast import Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.control import selectors
from qipan.rooms.control.models import Appeal, Evidence, Order
from qipan.rooms.control.services import (
    appeal_decide,
    appeal_open,
    appeals_release_overdue,
    decisions_refresh,
    evidence_void,
)
from qipan.rooms.control.services.appeals import appeal_grounds
from qipan.rooms.control.tests.stories import days, exposed, open_orders
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(town: Cast, at: datetime) -> Order:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    return open_orders(town.xia)[0]


def test_granted_the_order_ends_and_the_grounds_stay_readable(town: Cast, at: datetime, order: Order) -> None:
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="I was away that day.", at=at)
    assert appeal.due_at - at == days(1)
    assert b"away" not in bytes(Appeal.objects.get().grounds)
    assert appeal_grounds(town.lin, appeal.pk) == "I was away that day."
    decided = appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=True, answer="Shown by tickets.", at=at)
    assert decided.state == "granted"
    assert order.kind not in {o.kind for o in open_orders(town.xia)}
    assert selectors.reconcile_ledger().agrees


def test_upheld_the_order_runs_on_unchanged(town: Cast, at: datetime, order: Order) -> None:
    before = Order.objects.values().get(pk=order.pk)
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=False, answer="Seven days, rule 9.", at=at)
    assert Order.objects.values().get(pk=order.pk) == before


def test_unanswered_it_releases_by_default_and_says_so(town: Cast, at: datetime, order: Order) -> None:
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(0.99)) == 0
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(1)) == 1
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(1)) == 0
    appeal.refresh_from_db()
    assert appeal.state == "released"
    assert order.kind not in {o.kind for o in open_orders(town.xia)}
    entry = AuditEntry.objects.get(action="appeal.release")
    assert entry.detail["escalated_to"] == "411202"


def test_an_exemption_does_not_outlive_new_grounds_of_another_kind(town: Cast, at: datetime, order: Order) -> None:
    from qipan.rooms.control.tests.stories import swabbed

    appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(1))
    swabbed(town.hu, town.xia, "positive", now=at + days(2))
    assert "isolate" in {o.kind for o in open_orders(town.xia)}


def test_an_exemption_answers_the_grounds_that_were_there(town: Cast, at: datetime, order: Order) -> None:
    appeal_open(actor=town.bob, order_id=order.pk, grounds="I was away that day.", at=at)
    appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(1))
    assert order.kind not in {o.kind for o in open_orders(town.xia)}
    # exposed once more, while the exemption still runs
    exposed(town.alice, town.xia, last=at + days(1.5), now=at + days(2))
    assert order.kind in {o.kind for o in open_orders(town.xia)}


def test_after_the_end_there_is_nothing_to_appeal_and_late_answers_are_moot(
    town: Cast, at: datetime, order: Order
) -> None:
    eve = order.ends_at - days(0.25)
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=eve)
    decided = appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=True, answer="Late.", at=eve + days(0.5))
    assert decided.state == "moot"
    with pytest.raises(Refused, match="ended"):
        appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at + days(60))


def test_the_clock_binds_whether_anybody_runs_the_cycle_or_not(town: Cast, at: datetime, order: Order) -> None:
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    late = at + days(1.25)
    # nobody has run anything: reading releases by itself, and no answer can be given any more
    assert order.kind not in {o["kind"] for o in selectors.decision_of(town.alice, town.xia, at=late).content["orders"]}
    assert order.pk not in {fact.order_id for fact in selectors.order_facts(town.alice, at=late)}
    with pytest.raises(Refused, match="clock"):
        appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=False, answer="No.", at=late)
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=late) == 1


def test_waiting_for_a_result_an_order_still_binds_and_can_be_appealed(town: Cast, at: datetime) -> None:
    # 9th edition: a contact's contact is kept beyond day 7 while a result is missing
    exposed(town.alice, town.wei, last=at - days(1), now=at, contact_class="secondary")
    home = open_orders(town.wei)[0]
    after = home.ends_at + days(0.05)
    assert selectors.decision_of(town.alice, town.wei, at=after).code == "red"
    facts = selectors.order_facts(town.alice, at=after)
    assert [(fact.person_id, fact.awaiting) for fact in facts] == [(town.wei, True)]
    appeal = appeal_open(actor=town.bob, order_id=home.pk, grounds="The result is yours to bring.", at=after)
    # the cycle replaces the order by its awaiting twin; the appeal goes on, and its silence releases
    decisions_refresh(actor=SYSTEM_ACTOR, at=after + days(0.1))
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=after + days(1)) == 1
    appeal.refresh_from_db()
    assert appeal.state == "released"
    assert open_orders(town.wei) == []


def test_an_exemption_is_not_taken_back(town: Cast, at: datetime, order: Order) -> None:
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="I was away.", at=at)
    appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=True, answer="Shown by tickets.", at=at)
    exemption = Evidence.objects.get(kind="exemption")
    with pytest.raises(Refused, match="exemption"):
        evidence_void(actor=town.alice, evidence_id=exemption.pk, reason="I disagree", now=at)
    assert order.kind not in {o.kind for o in open_orders(town.xia)}


def test_two_persons_of_two_units(town: Cast, at: datetime, order: Order) -> None:
    by_alice = appeal_open(actor=town.lin, order_id=order.pk, grounds="Too long.", at=at)
    # Lin opened it; Alice's unit recorded the grounds
    for actor in (town.lin, town.alice):
        with pytest.raises(Refused):
            appeal_decide(actor=actor, appeal_id=by_alice.pk, granted=True, answer="Yes.", at=at)


def test_one_open_appeal_an_order_and_words_are_needed(town: Cast, at: datetime, order: Order) -> None:
    with pytest.raises(BadInput):
        appeal_open(actor=town.bob, order_id=order.pk, grounds="  ", at=at)
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    with pytest.raises(Refused):
        appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    with pytest.raises(BadInput):
        appeal_decide(actor=town.lin, appeal_id=appeal.pk, granted=True, answer="", at=at)


def test_allowed_and_denied(town: Cast, at: datetime, order: Order) -> None:
    for actor in (town.dora, town.ma, town.fang, town.hu):
        with pytest.raises(Absent):
            appeal_open(actor=actor, order_id=order.pk, grounds="Too long.", at=at)
    with pytest.raises(Denied):
        appeal_open(actor=town.eva, order_id=order.pk, grounds="Too long.", at=at)
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    assert [a.pk for a in selectors.list_appeals(town.alice)] == [appeal.pk]
    for actor in (town.dora, town.bob, town.ma):
        assert list(selectors.list_appeals(actor)) == []
        with pytest.raises(Absent):
            appeal_decide(actor=actor, appeal_id=appeal.pk, granted=True, answer="Yes.", at=at)
    with pytest.raises(Denied):
        appeal_decide(actor=town.eva, appeal_id=appeal.pk, granted=True, answer="Yes.", at=at)
    with pytest.raises(Denied):
        appeals_release_overdue(actor=town.ma, at=at)
