"""How quickly people get a room, whether there are enough, and whether anybody is kept without an order."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.rollup import rolled_up
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.geography.selectors import list_areas
from qipan.rooms.quarantine.models import Room, Stay
from qipan.rooms.quarantine.rules import CENTRAL_KINDS, FULFIL_WITHIN
from qipan.rooms.quarantine.selectors import (
    ArrivalDue,
    arrivals_due,
    in_use_at,
    inside_at,
    list_rooms,
    list_stays,
    still_inside,
)
from qipan.terms.roles import SYSTEM_ACTOR, Actor

#: orders opened in these days, whose 24 hours have passed, are looked at
_PERIOD = timedelta(days=7)


def _fulfilled(moment: datetime) -> Iterator[tuple[str, int, int]]:
    """(area, 1 if carried out in time, 1) of every order that counts. Two queries."""
    newest, oldest = moment - FULFIL_WITHIN, moment - FULFIL_WITHIN - _PERIOD
    orders = list_orders(SYSTEM_ACTOR, at=moment, kinds=CENTRAL_KINDS, active=False)
    orders = orders.filter(opened_at__gt=oldest, opened_at__lte=newest)
    stays: dict[int, list[tuple[datetime, datetime | None]]] = {}
    recent = Stay.objects.filter(arrived_at__lte=moment, voided_at=None).exclude(departed_at__lt=oldest)
    for person_id, arrived_at, departed_at in recent.values_list("person_id", "arrived_at", "departed_at"):
        stays.setdefault(person_id, []).append((arrived_at, departed_at))
    columns = ("person_id", "person__area_path", "opened_at", "closed_at", "ends_at")
    for person_id, path, opened_at, closed_at, ends_at in orders.values_list(*columns):
        limit = opened_at + FULFIL_WITHIN
        # who was in a room when the order was opened (a replaced order) is where he should be
        in_time = any(
            arrived_at <= limit and (departed_at is None or departed_at > opened_at)
            for arrived_at, departed_at in stays.get(person_id, ())
        )
        # an order that ended before its deadline asked for nothing any more
        if in_time or min(closed_at or ends_at, ends_at) >= limit:
            yield path, int(in_time), 1


def _arrived_in_time(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(areas, _fulfilled(moment), share=True)


def _rooms_per_10000(areas: Sequence[AreaRow], moment: datetime) -> Iterator[Measured]:
    paths = Room.objects.filter(in_use_at(moment)).values_list("site__area_path", flat=True)
    rooms = {m.area_code: m.numerator for m in rolled_up(areas, ((path, 1, 0) for path in paths), share=False)}
    populations = list_areas(SYSTEM_ACTOR).exclude(population=None).values_list("code", "population")
    for code, population in populations:
        if code in rooms and population:
            yield Measured(code, rooms[code], population / 10_000)


def _occupancy(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    taken = Stay.objects.filter(inside_at(moment)).values_list("room__site__area_path", flat=True)
    beds = Room.objects.filter(in_use_at(moment)).values_list("site__area_path", "capacity")
    rows = chain(((path, 1, 0) for path in taken), ((path, 0, capacity) for path, capacity in beds))
    return rolled_up(areas, rows, share=True)


def _still_inside(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(areas, ((o.area_path, 1, 0) for o in still_inside(SYSTEM_ACTOR, moment)), share=False)


def _overdue(actor: Actor, area_path: str | None, moment: datetime) -> list[ArrivalDue]:
    return [arrival for arrival in arrivals_due(actor, moment, area_path) if arrival.overdue]


def _arrivals_overdue(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(areas, ((a.area_path, 1, 0) for a in _overdue(SYSTEM_ACTOR, None, moment)), share=False)


INDICATORS: Iterable[Indicator] = (
    Indicator(
        id="quarantine.arrived_in_24_hours",
        title=_("Central orders carried out within 24 hours"),
        unit="%",
        better="up",
        standard=_(
            "All of them within 24 hours: the product's own standard. Published figures (contacts 8 hours, contacts of "
            "contacts 12 hours) are known from secondary pages only."
        ),
        compute=_arrived_in_time,
        listing=lambda actor, path, at: arrivals_due(actor, at, path),
    ),
    Indicator(
        id="quarantine.rooms_per_10000",
        title=_("Quarantine rooms for 10,000 people"),
        unit=gettext_noop("rooms for 10,000 people"),
        better="up",
        standard=_(
            "20 (National Health Commission, briefing of 2021-09-29), 40 (Henan, April 2022), 60 (Henan, May 2022; "
            "Medicine and Health News, 2022-05-24)"
        ),
        compute=_rooms_per_10000,
        listing=lambda actor, path, at: list_rooms(actor, path).filter(in_use_at(at)),
    ),
    Indicator(
        id="quarantine.occupancy",
        title=_("Beds taken in quarantine sites"),
        unit="%",
        better="down",
        standard=_("No published norm; Henan used 6.8 per cent of its rooms on 2022-05-19 (Medicine and Health News)."),
        compute=_occupancy,
        listing=lambda actor, path, at: list_stays(actor, at=at, below=path),
    ),
    Indicator(
        id="quarantine.still_inside",
        title=_("Still inside although no order binds them"),
        unit=gettext_noop("people"),
        better="down",
        standard=_("0: an order ends by itself at its end, and nobody is kept longer."),
        compute=_still_inside,
        listing=lambda actor, path, at: still_inside(actor, at, path),
    ),
    Indicator(
        id="quarantine.arrivals_overdue",
        title=_("Arrivals overdue"),
        unit=gettext_noop("people"),
        better="down",
        standard=_("0: everybody has a room by the deadline of his order, or within 24 hours where it names none."),
        compute=_arrivals_overdue,
        listing=lambda actor, path, at: _overdue(actor, path, at),
    ),
)
