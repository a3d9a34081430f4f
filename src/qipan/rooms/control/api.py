"""The ledger over the API: facts in, decisions and orders out. No operation sets a code: there is none to set."""

from datetime import datetime
from typing import Any

from ninja import Router

from qipan.foundation.http.api import (
    PROBLEMS,
    USUAL,
    ApiRequest,
    Cursor,
    Limit,
    act_once,
    person_in_body,
    person_in_path,
    row_id,
    rows_page,
)
from qipan.rooms.control.schemas import (
    DecisionOut,
    EvidenceIn,
    EvidenceOut,
    EvidencePage,
    OrderOut,
    OrdersPage,
    RecordedOut,
    VoidIn,
    decision_out,
    evidence_out,
    order_out,
)
from qipan.rooms.control.selectors import access_evidence, access_order, decision_of, list_evidence, list_orders
from qipan.rooms.control.services import Recorded, evidence_record, evidence_void
from qipan.rooms.persons.selectors import access_person
from qipan.terms.errors import BadInput
from qipan.terms.evidence import OrderKind

router = Router(tags=["control"])


def _recorded(done: Recorded) -> dict[str, Any]:
    return {
        "evidence": done.evidence_id, "new": done.new, "opened": dict(done.refreshed.opened),
        "closed": dict(done.refreshed.closed),
    }  # fmt: skip


def _instant(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise BadInput("An instant needs its offset from UTC, for example 2022-07-20T12:00:00+08:00.")
    return moment


@router.get("/people/{person}/evidence", response={200: EvidencePage, **PROBLEMS}, summary="The ledger of a person")
def evidence_of(request: ApiRequest, person: str, cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of the evidence about one person, in the order of its entry."""
    found = access_person(request.actor, person_in_path(person))
    return rows_page(list_evidence(request.actor, found.pk), evidence_out, cursor=cursor, limit=limit)


@router.get("/people/{person}/decision", response={200: DecisionOut, **PROBLEMS}, summary="The decision about a person")
def decision(request: ApiRequest, person: str) -> Any:
    """Code, orders and reasons as of now."""
    return decision_out(decision_of(request.actor, person_in_path(person), at=request.at), request.at)


@router.get("/evidence/{evidence}", response={200: EvidenceOut, **PROBLEMS}, summary="One fact")
def evidence(request: ApiRequest, evidence: int) -> Any:
    """One line of the ledger."""
    return evidence_out(access_evidence(request.actor, row_id(evidence)))


@router.post("/evidence", response={201: RecordedOut, **PROBLEMS}, summary="Record a fact")
def record(request: ApiRequest, body: EvidenceIn) -> Any:
    """Record one fact, and decide at once."""

    def act() -> Any:
        done = evidence_record(
            actor=request.actor, person_id=person_in_body(body.person), kind=body.kind, at=_instant(body.at),
            value=body.value, source=body.source, now=request.at,
            linked_person_id=person_in_body(body.linked_person) if body.linked_person else None,
            identity=body.identity or None,
        )  # fmt: skip
        return _recorded(done)

    return act_once(request, "evidence.record", act)


@router.post("/evidence/{evidence}/void", response={200: RecordedOut, **PROBLEMS}, summary="Take a fact back")
def void(request: ApiRequest, evidence: int, body: VoidIn) -> Any:
    """Take one fact back by a new one, and decide again."""

    def act() -> Any:
        done = evidence_void(actor=request.actor, evidence_id=row_id(evidence), reason=body.reason, now=request.at)
        return _recorded(done)

    return act_once(request, "evidence.void", act, status=200)


@router.get("/orders", response={200: OrdersPage, **PROBLEMS}, summary="Orders that bind, or bound")
def orders(
    request: ApiRequest,
    area: str = "",
    kind: OrderKind | None = None,
    active: bool = True,
    cursor: Cursor = "",
    limit: Limit = USUAL,
) -> Any:
    """A page of orders of people who live in the area."""
    rows = list_orders(
        request.actor, at=request.at, below=request.area_path, kinds=[kind] if kind else None, active=active
    )
    return rows_page(rows.select_related("person"), order_out, cursor=cursor, limit=limit)


@router.get("/orders/{order}", response={200: OrderOut, **PROBLEMS}, summary="One order")
def order(request: ApiRequest, order: int) -> Any:
    """One order."""
    return order_out(access_order(request.actor, row_id(order)))
