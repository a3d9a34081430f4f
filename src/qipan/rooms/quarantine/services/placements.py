"""Beds for many at once: a proposal by nearness and family, and the arrivals that follow it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_noop

from qipan.foundation.access.scoping import require, require_anywhere
from qipan.foundation.audit.services import audited
from qipan.rooms.control.selectors import OrderFact, order_facts
from qipan.rooms.quarantine.models import Room, Stay
from qipan.rooms.quarantine.rules import (
    CENTRAL_KINDS,
    OrderState,
    Placement,
    Proposal,
    check_may_begin,
    party_of,
    propose,
)
from qipan.rooms.quarantine.selectors import in_use_at, placement_inputs
from qipan.terms.errors import Absent, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class BulkArrivals:
    """What became of a list of placements: stays begun, and order ids whose bed or person was taken meanwhile."""

    arrived: int
    not_placed: tuple[int, ...]
    stay_ids: tuple[int, ...] = ()


def placements_propose(
    *, actor: Actor, at: datetime, area_path: str | None = None, order_ids: Collection[int] | None = None
) -> Proposal:
    """Propose a bed for every arrival due below an area (None: everywhere); writes nothing. Six queries for any
    number. `order_ids`: only for these arrivals.

    Only people and rooms that the actor may see and use take part (others look absent). Raises Denied where
    he manages no stays at `area_path`.
    """
    if area_path is None:
        require_anywhere(actor, Permission.STAY_MANAGE)
    else:
        require(actor, Permission.STAY_MANAGE, area_path)
    arrivals, rooms = placement_inputs(actor, area_path, at)
    if order_ids is not None:
        arrivals = [arrival for arrival in arrivals if arrival.order_id in order_ids]
    return propose(arrivals, rooms)


def _rooms_locked(room_ids: Sequence[int], at: datetime) -> dict[int, Room]:
    """The rooms that may be used at `at`, locked to the end of the transaction, by id."""
    rooms: dict[int, Room] = {}
    for start in range(0, len(room_ids), _BATCH):
        part = Room.objects.filter(pk__in=room_ids[start : start + _BATCH]).order_by("pk")
        locked = list(part.select_for_update(of=("self",)).values_list("pk", flat=True))
        usable = Room.objects.filter(in_use_at(at), pk__in=locked).select_related("site")
        rooms |= {room.pk: room for room in usable}
    return rooms


def stays_arrive_bulk(*, actor: Actor, placements: Sequence[Placement], at: datetime) -> BulkArrivals:
    """Record arrivals as placed, in one transaction. Sent twice, nobody arrives twice.

    Every order is looked at again: one that is not in force (or is somebody else's) refuses the whole list,
    because then the proposal is out of date. A bed or a person taken meanwhile only leaves that person out.
    Raises Refused, Absent (an unknown or unusable room), Denied (a site that is not the actor's).
    """
    with audited(actor=actor, action="stay.arrive_bulk", at=at) as entry:
        rooms = _rooms_locked(sorted({p.room_id for p in placements}), at)
        if any(p.room_id not in rooms for p in placements):
            raise Absent("room")
        for path in sorted({room.site.area_path for room in rooms.values()}):
            require(actor, Permission.STAY_MANAGE, path)
        facts: dict[int, OrderFact] = {
            fact.order_id: fact for fact in order_facts(SYSTEM_ACTOR, at=at, kinds=CENTRAL_KINDS)
        }
        wanted: list[Placement] = []
        refused: list[int] = []
        for placement in placements:
            fact = facts.get(placement.order_id)
            if fact is None:
                raise Refused(gettext_noop("An order of this list is not in force any more: propose again."))
            state = OrderState(fact.order_id, fact.person_id, fact.kind, fact.starts_at, fact.ends_at)
            check_may_begin(state, person_id=placement.person_id, at=at)
            room = rooms[placement.room_id]
            party = party_of(person_id=fact.person_id, household_id=fact.household_id, kind=fact.kind)
            if not 1 <= placement.slot <= room.capacity or room.held_for not in ("", party):
                refused.append(placement.order_id)
                continue
            if room.capacity > 1:
                room.held_for = party
            wanted.append(placement)
        before = _open_stays(wanted)
        # the unique indexes decide: a bed or a person that is taken is passed over
        Stay.objects.bulk_create(
            [
                Stay(room_id=p.room_id, slot=p.slot, person_id=p.person_id, order_id=p.order_id, arrived_at=at)
                for p in wanted
                if p.person_id not in before
            ],
            batch_size=_BATCH,
            ignore_conflicts=True,
        )
        after = _open_stays(wanted)
        arrived = {p.order_id for p in wanted if p.person_id not in before and after.get(p.person_id) == _bed(p)}
        held = {p.room_id for p in wanted if p.order_id in arrived and rooms[p.room_id].capacity > 1}
        Room.objects.bulk_update([rooms[pk] for pk in sorted(held)], ["held_for"], batch_size=500)
        not_placed = sorted({*refused, *(p.order_id for p in wanted if p.order_id not in arrived)})
        top = min((room.site.area_path for room in rooms.values()), default="")
        entry.about("stay", "", area_path=top, detail={"arrived": len(arrived), "not_placed": len(not_placed)})
        entry.silent = not arrived
        begun = Stay.objects.filter(order_id__in=sorted(arrived), arrived_at=at, departed_at=None)
        stay_ids = tuple(begun.order_by("pk").values_list("pk", flat=True))
    return BulkArrivals(len(arrived), tuple(not_placed), stay_ids)


def _bed(placement: Placement) -> tuple[int, int]:
    return placement.room_id, placement.slot


def _open_stays(placements: Sequence[Placement]) -> dict[int, tuple[int, int]]:
    """person -> (room, bed) of his open stay, for the persons of these placements."""
    found: dict[int, tuple[int, int]] = {}
    persons = [p.person_id for p in placements]
    for start in range(0, len(persons), _BATCH):
        open_stays = Stay.objects.filter(Q(departed_at=None), person_id__in=persons[start : start + _BATCH])
        found |= {person: (room, slot) for person, room, slot in open_stays.values_list("person_id", "room_id", "slot")}
    return found
