"""Short ways to tell what happened, for the tests of this room."""

from datetime import datetime, timedelta
from typing import Any

from qipan.rooms.control.models import Order
from qipan.rooms.control.services import Recorded, evidence_record
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import Actor


def exposed(actor: Actor, person: int, *, last: datetime, now: datetime, to: int | None = None,
            contact_class: str = "close", identity: str | None = None) -> Recorded:  # fmt: skip
    """The person was exposed until `last`, which we learnt `now`."""
    day = last.date().isoformat()
    value = {"first": day, "last": day, "setting": "household", "class": contact_class}
    return evidence_record(
        actor=actor, person_id=person, kind=EvidenceKind.EXPOSURE, at=last, value=value, source="tracing", now=now,
        linked_person_id=to, identity=identity,
    )  # fmt: skip


def diagnosed(actor: Actor, person: int, *, now: datetime, classification: str = "confirmed") -> Recorded:
    """The person is a case since `now`."""
    value = {"classification": classification}
    return evidence_record(
        actor=actor, person_id=person, kind=EvidenceKind.DIAGNOSIS, at=now, value=value, source="hospital", now=now
    )


def swabbed(actor: Actor, person: int, result: str, *, now: datetime, **more: Any) -> Recorded:
    """The person's specimen of `now` had this result."""
    value = {"result": result, "method": "pcr"}
    return evidence_record(
        actor=actor, person_id=person, kind=EvidenceKind.TEST, at=now, value=value, source="laboratory", now=now, **more
    )


def open_orders(person: int) -> list[Order]:
    """The person's orders that nobody closed, in order of start."""
    return list(Order.objects.filter(person_id=person, closed_at=None).order_by("starts_on", "pk"))


def days(count: float) -> timedelta:
    return timedelta(days=count)
