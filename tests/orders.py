"""Orders for the tests of rooms above control, written past the rulebook but sealed as its machinery seals them.

Which orders a rulebook gives is tested in control and rulebooks; what is done with them is tested with these.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import uuid4

from qipan.foundation import clock
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.selectors.orders import order_seal
from qipan.rooms.control.services import evidence_key
from qipan.terms.evidence import EvidenceKind, OrderKind


def order_of(
    person_id: int,
    kind: OrderKind,
    *,
    at: datetime,
    starts_on: date | None = None,
    days: int = 7,
    latest_days: int | None = None,
    test_days: Sequence[date] = (),
    fulfil_by: datetime | None = None,
    awaiting: bool = False,
) -> Order:
    """Open an order at `at` that binds from `starts_on` (default: the local day of `at`) for `days` days."""
    identity = uuid4().hex
    starts = starts_on or clock.local_date(at, clock.civil_zone())
    until = starts + timedelta(days=days)
    latest = starts + timedelta(days=latest_days or days)
    evidence = Evidence.objects.create(
        key=evidence_key(EvidenceKind.RESIDENCE.value, "test", identity),
        disease="covid19",
        person_id=person_id,
        kind=EvidenceKind.RESIDENCE.value,
        at=at,
        recorded_at=at,
        value={"area": "411202", "level": "high"},
        source="test",
        write_id=identity,
    )
    order = Order(
        person_id=person_id,
        disease="covid19",
        kind=kind.value,
        rulebook="test-1",
        rule=f"rule-{identity}",
        authority="test authority",
        evidence=evidence,
        grounds={"evidence": [str(evidence.pk)]},
        starts_on=starts,
        until=until,
        latest=latest,
        starts_at=clock.day_start(starts, clock.civil_zone()),
        ends_at=clock.day_end(latest if awaiting else until, clock.civil_zone()),
        awaiting=awaiting,
        fulfil_by=fulfil_by,
        test_days=[day.isoformat() for day in test_days],
        review_on=starts,
        appeal_to="411202",
        opened_at=at,
        write_id=identity,
    )
    order.seal = order_seal(order)
    order.save()
    return order


def close(order: Order, at: datetime, how: str = "released") -> None:
    """Close an order as the machinery does."""
    order.closed_at, order.closed_as = at, how
    order.seal = order_seal(order)
    order.save()


def sampled(person_id: int, at: datetime, result: str = "negative") -> Evidence:
    """A test result in the ledger, known at once."""
    identity = uuid4().hex
    return Evidence.objects.create(
        key=evidence_key(EvidenceKind.TEST.value, "test", identity),
        disease="covid19",
        person_id=person_id,
        kind=EvidenceKind.TEST.value,
        at=at,
        recorded_at=at,
        value={"result": result, "method": "pcr"},
        source="test",
        write_id=identity,
    )
