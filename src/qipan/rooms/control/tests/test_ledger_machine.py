"""Whatever happens in whatever order: what is stored is what the rulebook decides, and nothing outlives its end."""

import contextlib
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.cast import Cast

from qipan.foundation import clock
from qipan.rooms.control import selectors
from qipan.rooms.control.models import Appeal, Evidence, Order
from qipan.rooms.control.rules import decision_json
from qipan.rooms.control.services import (
    appeal_open,
    appeals_release_overdue,
    decisions_refresh,
    evidence_record,
    evidence_void,
)
from qipan.rooms.diseases.selectors import book_in_force, tables_in_force
from qipan.rulebooks.single import decide
from qipan.terms.errors import Refused
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db
PEOPLE = ("xia", "yun", "wei")


class Ledger(RuleBasedStateMachine):
    """Facts, corrections, appeals and time, in any order."""

    town: Cast
    start: datetime

    def __init__(self) -> None:
        super().__init__()
        self.now = self.start
        self.number = 0
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def record(self, name: str, kind: EvidenceKind, value: dict[str, Any], linked: str | None = None) -> None:
        self.number += 1
        evidence_record(
            actor=SYSTEM_ACTOR, person_id=self.town.persons[name], kind=kind, at=self.now, value=value,
            source="machine", now=self.now, identity=str(self.number),
            linked_person_id=self.town.persons[linked] if linked else None,
        )  # fmt: skip

    @initialize()
    def begin(self) -> None:
        assert not Evidence.objects.exists()

    @rule(hours=st.integers(1, 120))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(who=st.sampled_from(PEOPLE), of=st.sampled_from(PEOPLE), ago=st.integers(0, 9),
          contact_class=st.sampled_from(["close", "secondary", "general"]))  # fmt: skip
    def exposure(self, who: str, of: str, ago: int, contact_class: str) -> None:
        last = (clock.local_date(self.now, "Asia/Shanghai") - timedelta(days=ago)).isoformat()
        value = {"first": last, "last": last, "setting": "work", "class": contact_class}
        self.record(who, EvidenceKind.EXPOSURE, value, linked=of if of != who else None)

    @rule(result=st.sampled_from(["positive", "negative"]))
    def contact_of_a_contact(self, result: str) -> None:
        """What the dependent rule is about; by chance alone it would come up too seldom."""
        yesterday = (clock.local_date(self.now, "Asia/Shanghai") - timedelta(days=1)).isoformat()
        value = {"first": yesterday, "last": yesterday, "setting": "work"}
        self.record("xia", EvidenceKind.EXPOSURE, {**value, "class": "close"})
        self.record("wei", EvidenceKind.EXPOSURE, {**value, "class": "secondary"}, linked="xia")
        self.now += timedelta(hours=12)
        self.record("xia", EvidenceKind.TEST, {"result": result, "method": "pcr"})

    @rule(who=st.sampled_from(PEOPLE), result=st.sampled_from(["positive", "negative", "negative", "indeterminate"]))
    def test_result(self, who: str, result: str) -> None:
        self.record(who, EvidenceKind.TEST, {"result": result, "method": "pcr"})

    @rule(who=st.sampled_from(PEOPLE), classification=st.sampled_from(["suspected", "confirmed", "discarded"]))
    def diagnosis(self, who: str, classification: str) -> None:
        self.record(who, EvidenceKind.DIAGNOSIS, {"classification": classification})

    @rule(who=st.sampled_from(PEOPLE))
    def recovery(self, who: str) -> None:
        self.record(who, EvidenceKind.RECOVERY, {})

    @precondition(lambda self: Evidence.objects.filter(voided_by=None).exists())
    @rule(data=st.data())
    def correction(self, data: st.DataObject) -> None:
        ids = list(Evidence.objects.filter(voided_by=None).order_by("pk").values_list("pk", flat=True))
        victim = data.draw(st.sampled_from(ids))
        evidence_void(actor=self.town.alice, evidence_id=victim, reason="wrong", now=self.now)

    @precondition(lambda self: selectors.list_orders(self.town.alice, at=self.now).exists())
    @rule(data=st.data())
    def appeal(self, data: st.DataObject) -> None:
        ids = list(selectors.list_orders(self.town.alice, at=self.now).values_list("pk", flat=True))
        order = data.draw(st.sampled_from(ids))
        before = Order.objects.values("until", "latest", "ends_at").get(pk=order)
        # refused where the order is under appeal already: reachable it stays
        with contextlib.suppress(Refused):
            appeal_open(actor=self.town.bob, order_id=order, grounds="It is not so.", at=self.now)
        assert Appeal.objects.filter(order_id=order, state="open").count() == 1
        assert Order.objects.values("until", "latest", "ends_at").get(pk=order) == before

    @rule()
    def cycle(self) -> None:
        decisions_refresh(actor=SYSTEM_ACTOR, at=self.now)
        appeals_release_overdue(actor=SYSTEM_ACTOR, at=self.now)
        self.settled()

    def settled(self) -> None:
        """After a cycle the open orders are exactly the decided ones."""
        assert decisions_refresh(actor=SYSTEM_ACTOR, at=self.now).changed == 0
        for name in PEOPLE:
            decided = self.decided(name)
            stored = Order.objects.filter(person_id=self.town.persons[name], closed_at=None)
            assert {(o.kind, o.rule, o.starts_on, o.until, o.latest, o.awaiting) for o in stored} == {
                (o.kind.value, o.rule, o.starts, o.until, o.latest, o.awaiting) for o in decided.orders
            }

    def decided(self, name: str) -> Any:
        person = self.town.persons[name]
        day: date = clock.local_date(self.now, "Asia/Shanghai")
        book = book_in_force(disease="covid19", area_path=self.town.path("411202001001"), day=day)
        assert book is not None
        items = selectors.ledger_items(person, disease="covid19")
        return decide(book, tables_in_force("covid19"), items, str(person), self.now)

    @invariant()
    def reading_gives_what_the_book_decides(self) -> None:
        for name in PEOPLE:
            read = selectors.decision_of(self.town.alice, self.town.persons[name], at=self.now)
            assert read.content == decision_json(self.decided(name))

    @invariant()
    def nothing_binds_past_its_end_and_everything_is_genuine(self) -> None:
        today = clock.local_date(self.now, "Asia/Shanghai")
        for order in selectors.list_orders(self.town.alice, at=self.now):
            assert order.latest >= today
        assert selectors.forged_orders() == []

    @invariant()
    def the_ledger_agrees_with_the_log(self) -> None:
        assert selectors.reconcile_ledger().agrees


def test_ledger_machine(town: Cast, at: datetime) -> None:
    Ledger.town, Ledger.start = town, at
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=15, stateful_step_count=12, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
