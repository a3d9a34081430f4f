"""What the person himself may know: his code and why, his orders and appeals, what is held, who looked.

Not scoped by roles: the caller has looked up the person's own link. Nothing here names or points to anybody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from qipan.foundation import clock
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import entries_about, entries_listing
from qipan.rooms.control.models import Appeal, Evidence, Order
from qipan.rooms.control.selectors.decisions import CurrentDecision, current_decisions
from qipan.rooms.control.selectors.grounds import Ground, grounds_for_person
from qipan.rooms.control.selectors.orders import is_genuine
from qipan.rulebooks.ledger import voided_keys
from qipan.terms.evidence import EvidenceKind, OrderKind

#: who looked is told for so long back, and at most so often
_BACK, _MOST = timedelta(days=400), 100
_OPENINGS = ("identity.open", "identity.search")


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One order as the person reads it. Days are local; it binds from the start of `starts` to the end of `ends`."""

    kind: OrderKind
    starts: date
    ends: date
    awaiting: bool
    test_days: Sequence[date]
    ground: Ground
    appeal: Appeal | None

    def begins_later(self, today: date) -> bool:
        """Whether it does not bind yet."""
        return self.starts > today


@dataclass(frozen=True, slots=True)
class OwnPage:
    """Everything about one person, for himself."""

    person_id: int
    decision: CurrentDecision
    orders: Sequence[OwnOrder]
    #: grounds of an exemption that suspends something
    others: Sequence[Ground]
    appeals: Sequence[Appeal]
    today: date


def own_page(person_id: int, *, at: datetime, disease: str = "covid19") -> OwnPage:
    """The person's code, orders and appeals at a moment, decided again where what is stored is not fresh."""
    decision = current_decisions([person_id], at=at, disease=disease)[person_id]
    today = clock.local_date(at, clock.civil_zone())
    said = decision.content["orders"]
    reasons = [(order["rule"], order["authority"], order["evidence"]) for order in said]
    rules = {order["rule"] for order in said}
    reasons += [
        (reason["rule"], reason["authority"], reason["evidence"])
        for reason in decision.content["reasons"]
        if reason["rule"] not in rules
    ]
    grounds = grounds_for_person(person_id, decision.rulebook, reasons)
    appeals = list(Appeal.objects.filter(person_id=person_id).select_related("order").order_by("-opened_at", "-pk"))
    running = {appeal.order.kind: appeal for appeal in reversed(appeals) if appeal.state == Appeal.State.OPEN}
    orders = [
        OwnOrder(
            kind=OrderKind(order["kind"]),
            starts=date.fromisoformat(order["starts"]),
            ends=date.fromisoformat(order["latest"] if order["awaiting"] else order["until"]),
            awaiting=order["awaiting"],
            test_days=[date.fromisoformat(day) for day in order["test_days"]],
            ground=ground,
            appeal=running.get(order["kind"]),
        )
        for order, ground in zip(said, grounds, strict=False)
    ]
    return OwnPage(person_id, decision, orders, grounds[len(said) :], appeals, today)


def who_looked(person_id: int, *, at: datetime) -> list[AuditEntry]:
    """The newest entries of the log about a person: changes, openings of his identity, also within a list."""
    evidence = Evidence.objects.filter(person_id=person_id)
    appeals = Appeal.objects.filter(person_id=person_id).values_list("pk", flat=True)
    taken_back = evidence.filter(kind=EvidenceKind.CORRECTION.value).values_list("voids_id", flat=True)
    found = {
        entry.seq: entry
        for entry in [
            *entries_listing(person_id, actions=_OPENINGS, since=at - _BACK, most=_MOST),
            *entries_about("person", [person_id], most=_MOST),
            *entries_about("appeal", appeals, most=_MOST),
            *entries_about("evidence", taken_back, most=_MOST),
        ]
    }
    return [found[seq] for seq in sorted(found, reverse=True)][:_MOST]


def own_evidence(person_id: int) -> list[tuple[Evidence, bool]]:
    """The facts about a person, the newest first, each with whether it was taken back."""
    rows = list(Evidence.objects.filter(person_id=person_id).order_by("-recorded_at", "-pk"))
    gone = voided_keys((row.pk, row.voids_id) for row in rows if row.voids_id is not None)
    return [(row, row.pk in gone) for row in rows if row.kind != EvidenceKind.CORRECTION.value]


def own_orders(person_id: int) -> list[Order]:
    """The orders that were ever made about a person, the newest first, as the decision machinery wrote them."""
    rows = Order.objects.filter(person_id=person_id).order_by("-opened_at", "-pk")
    return [order for order in rows if is_genuine(order)]
