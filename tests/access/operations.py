"""Every operation of the API: who may do it, and what it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from qipan.terms.roles import Permission

P = Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`of`: the thing in the path, or in the body, where all of `needs` are asked for. Without it they are asked for
    anywhere, and `empty` says that whoever holds them nowhere is shown an empty list. `body`: of `Place.bodies`.
    """

    needs: tuple[P, ...]
    of: str = ""
    body: str = ""
    empty: bool = False
    #: what is answered besides 404 to whoever holds them, but not there
    elsewhere: tuple[int, ...] = ()


def rows(*needs: P) -> Operation:
    """A list."""
    return Operation(needs=needs, empty=True)


def one(of: str, *needs: P, body: str = "", elsewhere: tuple[int, ...] = ()) -> Operation:
    """About one thing."""
    return Operation(of=of, needs=needs, body=body, elsewhere=elsewhere)


OPERATIONS: Mapping[str, Operation] = {
    "GET /people": rows(P.PERSON_VIEW),
    "GET /people/{person}": one("person", P.PERSON_VIEW),
    "GET /people/{person}/evidence": one("person", P.PERSON_VIEW),
    "GET /people/{person}/decision": one("person", P.DECISION_VIEW),
    "GET /cases": rows(P.CASE_VIEW),
    # an area of others in the body is answered like one that there is not
    "POST /cases": one("grid", P.CASE_EDIT, body="case", elsewhere=(400,)),
    "GET /cases/{case}": one("case", P.CASE_VIEW),
    "POST /cases/{case}/confirm": one("suspect", P.CASE_VIEW, P.CASE_EDIT, body="confirm"),
    "POST /cases/{case}/discard": one("suspect", P.CASE_VIEW, P.CASE_EDIT, P.EVIDENCE_VOID, body="reason"),
    "GET /contacts": rows(P.CASE_VIEW),
    "GET /cases/{case}/contacts": one("case", P.CASE_VIEW),
    "POST /cases/{case}/contacts": one("case", P.CASE_VIEW, P.CASE_EDIT, body="contact"),
    "GET /evidence/{evidence}": one("evidence", P.EVIDENCE_VIEW),
    "POST /evidence": one("person", P.EVIDENCE_RECORD, body="evidence"),
    "POST /evidence/{evidence}/void": one("evidence", P.EVIDENCE_VOID, body="reason"),
    "GET /orders": rows(P.ORDER_VIEW),
    "GET /orders/{order}": one("order", P.ORDER_VIEW),
    "GET /stays": rows(P.ROOM_VIEW),
    "POST /stays": one("site", P.STAY_MANAGE, body="arrival"),
    "GET /stays/{stay}": one("stay", P.ROOM_VIEW),
    "POST /stays/{stay}/depart": one("stay", P.ROOM_VIEW, P.STAY_MANAGE),
    "GET /indicators": Operation(needs=(P.INDICATOR_VIEW,)),
    "GET /indicators/{indicator}": Operation(needs=(P.INDICATOR_VIEW,)),
    "GET /batches": rows(P.BATCH_VIEW),
    "POST /batches": Operation(needs=(P.PERSON_REGISTER,), body="file"),
    "GET /batches/{batch}": one("batch", P.BATCH_VIEW),
    "GET /batches/{batch}/rejects": one("batch", P.BATCH_VIEW),
}
