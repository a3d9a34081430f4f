"""A stay: begins by the fact of arrival under an order in force, ends by the fact of departure.

Two processes on one room or one person are kept apart by the database: a bed and a person each have one open
stay (unique indexes), and a room of several beds is claimed for one party by a conditional UPDATE. The bed is
chosen before the transaction, so that the write lock is short; a lost race chooses again.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError
from django.db.models import Q
from django.utils.translation import gettext_noop

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.rooms.control.selectors import access_order
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.rooms.quarantine.rules import OrderState, RoomState, check_may_begin, choose_bed, party_of
from qipan.rooms.quarantine.selectors import in_use_at, room_states
from qipan.terms.errors import Absent, BadInput, Conflict, Refused
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

#: times that an arrival chooses another bed after losing a race for one
_ATTEMPTS = 12
#: ids in one statement
_BATCH = 5_000


class _Lost(Exception):
    """Somebody else was first in this bed or claimed this room."""


def _demand(actor: Actor, action: str, area_path: str, at: datetime) -> None:
    """Ask for the permission before anything is read for the actor; a refusal is in the log."""
    if not actor.may(Permission.STAY_MANAGE, area_path):
        with audited(actor=actor, action=action, at=at):
            require(actor, Permission.STAY_MANAGE, area_path)


def _place(*, room_id: int | None, site_id: int | None) -> str:
    """The area path of the site that is meant. Raises BadInput, Absent."""
    if (room_id is None) == (site_id is None):
        raise BadInput(gettext_noop("Name either a room or a site."))
    sites = Site.objects.filter(Q(rooms=room_id) if site_id is None else Q(pk=site_id))
    path = sites.values_list("area_path", flat=True).first()
    if path is None:
        raise Absent("room")
    return path


def _order(order_id: int) -> tuple[OrderState, int | None]:
    # Asked as the system: a site takes people whose home lies outside its manager's area; what the manager
    # may do is decided by the site. The row counts only if its seal holds.
    order = access_order(SYSTEM_ACTOR, order_id)
    if order.closed_at is not None:
        raise Refused(gettext_noop("The order is not in force at this moment."))
    state = OrderState(order.pk, order.person_id, OrderKind(order.kind), order.starts_at, order.ends_at)
    return state, order.person.household_id


def _choose(party: str, *, room_id: int | None, site_id: int | None, at: datetime) -> tuple[RoomState, int]:
    wanted = Room.objects.filter(Q(pk=room_id) if site_id is None else Q(site_id=site_id))
    bed = choose_bed(room_states(wanted, at), party=party)
    if bed is None:
        raise Refused(
            gettext_noop("There is no free bed for this person here: full, out of use, or held for another party.")
        )
    return bed


def _claim(room: RoomState, slot: int, *, party: str, person_id: int, order_id: int, at: datetime) -> Stay:
    """Inside a transaction: claim the room for the party, then the bed. Raises _Lost."""
    # conditions on the row itself only: PostgreSQL looks at them again after waiting for another claim
    usable = Q(out_of_use_at=None) | Q(out_of_use_at__gt=at)
    claimable = Room.objects.filter(usable, pk=room.room_id, held_for__in=("", party))
    if not claimable.update(held_for=party if room.capacity > 1 else ""):
        raise _Lost
    # the claim waits for a site that is being closed (`site_close` locks its rooms): so ask after it
    if not Room.objects.filter(in_use_at(at), pk=room.room_id).exists():
        raise _Lost
    try:
        return Stay.objects.create(
            room_id=room.room_id, slot=slot, person_id=person_id, order_id=order_id, arrived_at=at
        )
    except IntegrityError:
        raise _Lost from None


def _has_bed(person_id: int) -> bool:
    return Stay.objects.filter(person_id=person_id, departed_at=None).exists()


def _free_rooms(room_ids: Collection[int]) -> None:
    """Inside a transaction that has locked the rooms: those without anybody are held for nobody."""
    rooms = Room.objects.filter(pk__in=room_ids).exclude(held_for="")
    rooms.exclude(pk__in=Stay.objects.filter(departed_at=None, room__in=room_ids).values("room")).update(held_for="")


def stay_arrive(
    *,
    actor: Actor,
    person_id: int,
    order_id: int,
    at: datetime,
    room_id: int | None = None,
    site_id: int | None = None,
) -> Stay:
    """Record that a person has arrived in a room (or in any suitable room of a site) under his order.

    Raises Refused (no such order in force, already in a bed, no free bed), Conflict (others took every bed
    meanwhile), BadInput (neither or both of room and site), Absent, Denied.
    """
    _demand(actor, "stay.arrive", _place(room_id=room_id, site_id=site_id), at)
    order, household_id = _order(order_id)
    party = party_of(person_id=person_id, household_id=household_id, kind=order.kind)
    for _ in range(_ATTEMPTS):
        if _has_bed(person_id):
            raise Refused(gettext_noop("This person is in a room already: depart or transfer him."))
        room, slot = _choose(party, room_id=room_id, site_id=site_id, at=at)
        try:
            with audited(actor=actor, action="stay.arrive", at=at) as entry:
                require(actor, Permission.STAY_MANAGE, room.area_path)
                order, _household = _order(order_id)
                check_may_begin(order, person_id=person_id, at=at)
                stay = _claim(room, slot, party=party, person_id=person_id, order_id=order_id, at=at)
                entry.about(
                    "stay",
                    stay.pk,
                    area_path=room.area_path,
                    detail={"person": person_id, "order": order_id, "room": room.room_id, "slot": slot},
                )
                return stay
        except _Lost:
            continue
    raise Conflict(gettext_noop("Somebody else took the bed: look again."))


def _locked_stay(stay_id: int) -> Stay:
    """The stay, its room locked to the end of the transaction. Raises Absent."""
    stay = Stay.objects.select_related("room__site").filter(pk=stay_id).first()
    if stay is None:
        raise Absent("stay")
    Room.objects.select_for_update().get(pk=stay.room_id)
    return stay


def _depart(stay: Stay, at: datetime) -> None:
    """Inside a transaction: end the stay and let go of the room. Raises Refused, Conflict."""
    if at < stay.arrived_at:
        raise Refused(gettext_noop("Nobody departs before he has arrived."))
    if not Stay.objects.filter(pk=stay.pk, departed_at=None).update(departed_at=at):
        raise Conflict(gettext_noop("This stay has ended already."))
    _free_rooms([stay.room_id])


def stay_depart(*, actor: Actor, stay_id: int, at: datetime) -> None:
    """Record that a person has left. It is a fact, so no order is asked for; the log notes whether one still bound.

    Raises Conflict (he has left already), Refused (before the arrival), Absent, Denied.
    """
    with audited(actor=actor, action="stay.depart", at=at) as entry:
        stay = _locked_stay(stay_id)
        require(actor, Permission.STAY_MANAGE, stay.room.site.area_path)
        order = access_order(SYSTEM_ACTOR, stay.order_id)
        _depart(stay, at)
        entry.about(
            "stay",
            stay.pk,
            area_path=stay.room.site.area_path,
            detail={"person": stay.person_id, "bound": order.closed_at is None and at < order.ends_at},
        )


def stays_depart_bulk(*, actor: Actor, stay_ids: Collection[int], at: datetime) -> int:
    """Record that these people have left (a morning's releases); returns how many were still inside.

    All or none; a stay that has ended already, or begins later, is left as it is. Raises Absent (an unknown
    stay), Denied (one is at a site that is not the actor's).
    """
    wanted = sorted(set(stay_ids))
    with audited(actor=actor, action="stay.depart_bulk", at=at) as entry:
        rooms: set[int] = set()
        paths: set[str] = set()
        known = departed = 0
        for start in range(0, len(wanted), _BATCH):
            part = Stay.objects.filter(pk__in=wanted[start : start + _BATCH])
            for room_id, path in part.values_list("room_id", "room__site__area_path"):
                known += 1
                rooms.add(room_id)
                paths.add(path)
        if known != len(wanted):
            raise Absent("stay")
        for path in sorted(paths):
            require(actor, Permission.STAY_MANAGE, path)
        ordered = sorted(rooms)
        for start in range(0, len(ordered), _BATCH):
            list(Room.objects.select_for_update().filter(pk__in=ordered[start : start + _BATCH]).order_by("pk"))
        for start in range(0, len(wanted), _BATCH):
            part = Stay.objects.filter(pk__in=wanted[start : start + _BATCH], departed_at=None, arrived_at__lte=at)
            departed += part.update(departed_at=at)
        for start in range(0, len(ordered), _BATCH):
            _free_rooms(ordered[start : start + _BATCH])
        entry.about("stay", "", area_path=min(paths, default=""), detail={"departed": departed})
        entry.silent = departed == 0
    return departed


def stay_transfer(
    *, actor: Actor, stay_id: int, at: datetime, room_id: int | None = None, site_id: int | None = None
) -> Stay:
    """Move a person to another room under the same order: he leaves one and arrives in the other at once.

    Raises Refused (the order is over, no free bed), Conflict, BadInput, Absent, Denied (either site).
    """
    old = Stay.objects.select_related("room__site").filter(pk=stay_id).first()
    if old is None:
        raise Absent("stay")
    _demand(actor, "stay.transfer", old.room.site.area_path, at)
    _demand(actor, "stay.transfer", _place(room_id=room_id, site_id=site_id), at)
    order, household_id = _order(old.order_id)
    party = party_of(person_id=old.person_id, household_id=household_id, kind=order.kind)
    if room_id == old.room_id:
        raise Refused(gettext_noop("He is in this room already."))
    for _ in range(_ATTEMPTS):
        room, slot = _choose(party, room_id=room_id, site_id=site_id, at=at)
        if room.room_id == old.room_id:
            raise Refused(gettext_noop("He is in this room already."))
        try:
            with audited(actor=actor, action="stay.transfer", at=at) as entry:
                stay = _locked_stay(stay_id)
                require(actor, Permission.STAY_MANAGE, stay.room.site.area_path)
                require(actor, Permission.STAY_MANAGE, room.area_path)
                check_may_begin(_order(stay.order_id)[0], person_id=stay.person_id, at=at)
                _depart(stay, at)
                moved = _claim(room, slot, party=party, person_id=stay.person_id, order_id=stay.order_id, at=at)
                entry.about(
                    "stay",
                    moved.pk,
                    area_path=room.area_path,
                    detail={
                        "person": stay.person_id,
                        "from": stay.room_id,
                        "room": room.room_id,
                        "slot": slot,
                    },
                )
                return moved
        except _Lost:
            continue
    raise Conflict(gettext_noop("Somebody else took the bed: look again."))
