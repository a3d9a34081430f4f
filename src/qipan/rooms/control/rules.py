"""Pure decisions of the ledger: what changes when a decision replaces another, and what a seal covers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from qipan.terms.decisions import Decision, OrderSpec
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import Permission

#: an appeal that nobody answered in this time releases (trust: R9)
APPEAL_CLOCK = timedelta(hours=24)


#: kind of fact -> the permissions of which one allows to state it: laboratories results, grid workers follow-ups, the
#: investigating roles all. An exemption answers an appeal and a correction takes a fact back: nobody states them.
WHO_MAY_STATE: Mapping[EvidenceKind, tuple[Permission, ...]] = {
    EvidenceKind.TEST: (Permission.EVIDENCE_RECORD, Permission.TEST_RECORD),
    EvidenceKind.EXPOSURE: (Permission.EVIDENCE_RECORD,),
    EvidenceKind.ARRIVAL: (Permission.EVIDENCE_RECORD,),
    EvidenceKind.RESIDENCE: (Permission.EVIDENCE_RECORD,),
    EvidenceKind.SYMPTOM: (Permission.EVIDENCE_RECORD, Permission.VISIT_RECORD),
    EvidenceKind.DIAGNOSIS: (Permission.EVIDENCE_RECORD,),
    EvidenceKind.RECOVERY: (Permission.EVIDENCE_RECORD,),
    EvidenceKind.FOLLOW_UP: (Permission.EVIDENCE_RECORD, Permission.VISIT_RECORD),
}


class OrderState(StrEnum):
    """What an order is at a moment."""

    COMING = "coming"  # decided, begins on a later day
    BINDING = "binding"
    AWAITING = "awaiting"  # its last day passed, its release lacks a result: the authority is late
    ENDED = "ended"  # its end passed; the next cycle writes that down
    LAPSED = "lapsed"
    RELEASED = "released"
    REPLACED = "replaced"


def order_state(
    *, closed_as: str, closed_at: datetime | None, starts_at: datetime, ends_at: datetime, awaiting: bool, at: datetime
) -> OrderState:
    """What a stored order is at `at`, by what is stored of it."""
    if closed_at is not None and closed_at <= at:
        return OrderState(closed_as)
    if ends_at <= at:
        return OrderState.ENDED
    if awaiting:
        return OrderState.AWAITING
    return OrderState.COMING if starts_at > at else OrderState.BINDING


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order as stored, not closed yet."""

    order_id: int
    kind: str
    rule: str
    rulebook: str
    starts: date
    until: date
    latest: date
    awaiting: bool
    test_days: tuple[date, ...]
    evidence: tuple[str, ...]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """An order to open; `replaces` is the stored order whose place it takes."""

    spec: OrderSpec
    replaces: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What turns the stored orders of a person into the decided ones."""

    openings: tuple[Opening, ...]
    #: (order id, how it closed: lapsed, released or replaced)
    closings: tuple[tuple[int, str], ...]


def same_order(stored: OpenOrder, decided: OrderSpec, rulebook: str) -> bool:
    """Whether a stored order already says what was decided, to the day."""
    return (
        stored.kind == decided.kind
        and stored.rule == decided.rule
        and stored.rulebook == rulebook
        and stored.starts == decided.starts
        and stored.until == decided.until
        and stored.latest == decided.latest
        and stored.awaiting == decided.awaiting
        and stored.test_days == decided.test_days
        and stored.evidence == decided.evidence
    )


def diff_orders(
    stored: Sequence[OpenOrder], decided: Sequence[OrderSpec], *, rulebook: str, moment: datetime
) -> Changes:
    """The least set of openings and closings that makes `stored` equal to `decided`.

    One order of a (kind, rule) is open at a time. A stored order that is no longer decided lapsed if its
    end has passed by `moment`, and was released (by new evidence or a new book) otherwise; one that is
    decided differently is replaced, so that history shows both.
    """
    by_rule = {(order.kind, order.rule): order for order in stored}
    openings: list[Opening] = []
    closings: list[tuple[int, str]] = []
    kept: set[int] = set()
    for spec in decided:
        current = by_rule.get((spec.kind.value, spec.rule))
        if current is None:
            openings.append(Opening(spec, None))
        elif same_order(current, spec, rulebook):
            kept.add(current.order_id)
        else:
            kept.add(current.order_id)
            closings.append((current.order_id, "replaced"))
            openings.append(Opening(spec, current.order_id))
    for order in stored:
        if order.order_id not in kept:
            closings.append((order.order_id, "lapsed" if order.ends_at <= moment else "released"))
    return Changes(tuple(openings), tuple(sorted(closings)))


def instant(moment: datetime) -> str:
    """An instant in the one form that seals and hashes use."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes that a seal covers: JSON with sorted keys, instants in UTC."""

    def plain(item: object) -> str:
        if isinstance(item, datetime):
            return instant(item)
        if isinstance(item, date):
            return item.isoformat()
        raise TypeError(type(item).__name__)

    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=plain).encode()


def order_json(spec: OrderSpec) -> dict[str, Any]:
    """An order as JSON: dates and instants in ISO 8601."""
    return {
        "kind": spec.kind.value,
        "starts": spec.starts.isoformat(),
        "until": spec.until.isoformat(),
        "latest": spec.latest.isoformat(),
        "review": spec.review.isoformat(),
        "rule": spec.rule,
        "authority": spec.authority,
        "evidence": list(spec.evidence),
        "fulfil_by": instant(spec.fulfil_by) if spec.fulfil_by else None,
        "test_days": [day.isoformat() for day in spec.test_days],
        "awaiting": spec.awaiting,
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """What is stored of a decision: code, orders, reasons."""
    return {
        "code": decision.code.value,
        "orders": [order_json(order) for order in decision.orders],
        "reasons": [
            {"rule": reason.rule, "evidence": list(reason.evidence), "authority": reason.authority}
            for reason in decision.reasons
        ],
    }


def exemption_value(*, order_kind: str, until: date) -> dict[str, str]:
    """The evidence that an answered appeal leaves: no order of this kind on these grounds until then."""
    return {"order_kind": order_kind, "until": until.isoformat()}


def may_answer(*, opened_by: int | None, grounds_unit: int | None, user_id: int | None, unit_id: int | None) -> bool:
    """Two persons, two organisations (R5): who answers an appeal neither opened it nor belongs to the unit
    that recorded the grounds. Nobody answers anonymously.
    """
    if user_id is None or user_id == opened_by:
        return False
    return grounds_unit is None or unit_id != grounds_unit
