"""Evidence, decisions and orders as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Field, Schema

from qipan.foundation.http.api import code_of
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.selectors.decisions import CurrentDecision
from qipan.terms.evidence import EvidenceKind, HealthCode, OrderKind
from qipan.terms.identity import person_code


class EvidenceOut(Schema):
    """One line of the ledger."""

    id: int
    person: str
    linked_person: str | None
    kind: EvidenceKind
    at: datetime
    recorded_at: datetime
    value: dict[str, Any]
    source: str
    voids: int | None


class EvidencePage(Schema):
    """A page of evidence."""

    items: list[EvidenceOut]
    next: str


class EvidenceIn(Schema):
    """A fact. `value` holds the keys of its kind; `identity` is its id in `source`: sent again, it counts once."""

    person: Annotated[str, Field(max_length=24)]
    kind: EvidenceKind
    at: datetime
    value: dict[str, Any]
    source: Annotated[str, Field(min_length=1, max_length=80)]
    linked_person: Annotated[str, Field(max_length=24)] = ""
    identity: Annotated[str, Field(max_length=120)] = ""


class RecordedOut(Schema):
    """What recording a fact led to. `new` is false where the same fact was there already."""

    evidence: int
    new: bool
    opened: dict[str, int]
    closed: dict[str, int]


class VoidIn(Schema):
    """Why the fact was wrong."""

    reason: Annotated[str, Field(min_length=1, max_length=300)]


class DecisionOut(Schema):
    """What the rulebook says of a person now: the code, the orders, and why."""

    person: str
    rulebook: str
    at: datetime
    code: HealthCode
    orders: list[dict[str, Any]]
    reasons: list[dict[str, Any]]
    next_change_at: datetime | None


class OrderOut(Schema):
    """An order: rule, authority, from when until when, and whether it is over."""

    id: int
    person: str
    area: str
    kind: OrderKind
    rulebook: str
    rule: str
    authority: str
    starts_on: date
    until: date
    latest: date
    ends_at: datetime
    awaiting: bool
    fulfil_by: datetime | None
    test_days: list[date]
    review_on: date
    appeal_to: str
    opened_at: datetime
    closed_at: datetime | None
    closed_as: str


class OrdersPage(Schema):
    """A page of orders."""

    items: list[OrderOut]
    next: str


def evidence_out(row: Evidence) -> EvidenceOut:
    """One fact."""
    return EvidenceOut(
        id=row.pk, person=person_code(row.person_id),
        linked_person=person_code(row.linked_person_id) if row.linked_person_id else None, kind=EvidenceKind(row.kind),
        at=row.at, recorded_at=row.recorded_at, value=row.value, source=row.source, voids=row.voids_id,
    )  # fmt: skip


def decision_out(decision: CurrentDecision, at: datetime) -> DecisionOut:
    """One decision."""
    return DecisionOut(
        person=person_code(decision.person_id), rulebook=decision.rulebook, at=at, code=decision.code,
        orders=decision.content["orders"], reasons=decision.content["reasons"], next_change_at=decision.next_change_at,
    )  # fmt: skip


def order_out(order: Order) -> OrderOut:
    """One order."""
    return OrderOut(
        id=order.pk, person=person_code(order.person_id), area=code_of(order.person.area_path),
        kind=OrderKind(order.kind), rulebook=order.rulebook, rule=order.rule, authority=order.authority,
        starts_on=order.starts_on, until=order.until, latest=order.latest, ends_at=order.ends_at,
        awaiting=order.awaiting, fulfil_by=order.fulfil_by,
        test_days=[date.fromisoformat(day) for day in order.test_days], review_on=order.review_on,
        appeal_to=order.appeal_to, opened_at=order.opened_at, closed_at=order.closed_at,
        closed_as=str(order.closed_as),
    )  # fmt: skip
