"""Arrivals and departures that were recorded by mistake, taken back while the mistake is fresh.

Nothing is deleted: an arrival taken back stays in the table as voided and lasted no time, a departure taken back puts
the person into the same bed again, if nobody else got it meanwhile. Both are in the log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import Entry, audited
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.quarantine.models import Room, Stay
from qipan.rooms.quarantine.rules import TAKE_BACK_WITHIN, party_of
from qipan.rooms.quarantine.selectors import in_use_at
from qipan.terms.errors import Absent, Conflict, QipanError, Refused
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a list: stays put right, and those that were not, each with the reason."""

    done: int
    refused: tuple[tuple[int, QipanError], ...] = ()


class _Lost(Exception):
    """Somebody else has the bed, the room or the person."""


def _stays(actor: Actor, stay_ids: Collection[int]) -> list[Stay]:
    """Inside a transaction: the stays by id, their rooms locked. Raises Absent, Denied."""
    wanted = sorted(set(stay_ids))
    stays = list(Stay.objects.filter(pk__in=wanted).select_related("room__site").order_by("pk"))
    if len(stays) != len(wanted):
        raise Absent("stay")
    for path in sorted({stay.room.site.area_path for stay in stays}):
        require(actor, Permission.STAY_MANAGE, path)
    rooms = sorted({stay.room_id for stay in stays})
    list(Room.objects.select_for_update().filter(pk__in=rooms).order_by("pk").values_list("pk", flat=True))
    return stays


def arrivals_take_back(*, actor: Actor, stay_ids: Collection[int], at: datetime) -> TakenBack:
    """Void arrivals that never were. Within `rules.TAKE_BACK_WITHIN` of their record, and only while the stay lasts;
    each other one is answered with its reason. Raises Absent (an unknown stay), Denied (a site not the actor's).
    """
    with audited(actor=actor, action="stay.take_back_arrival", at=at) as entry:
        stays = _stays(actor, stay_ids)
        refused: list[tuple[int, QipanError]] = []
        voided: list[Stay] = []
        for stay in stays:
            if not stay.arrived_at <= at <= stay.arrived_at + TAKE_BACK_WITHIN:
                refused.append((stay.pk, Refused(gettext_noop("It is too late to take this arrival back."))))
                continue
            still = Stay.objects.filter(pk=stay.pk, departed_at=None)
            if not still.update(departed_at=stay.arrived_at, voided_at=at):
                refused.append((stay.pk, Conflict(gettext_noop("This stay has ended already."))))
                continue
            voided.append(stay)
        rooms = {stay.room_id for stay in voided}
        empty = Room.objects.filter(pk__in=rooms).exclude(
            pk__in=Stay.objects.filter(departed_at=None, room__in=rooms).values("room")
        )
        empty.exclude(held_for="").update(held_for="")
        _about(entry, voided)
    return TakenBack(len(voided), tuple(refused))


def departures_take_back(
    *, actor: Actor, stay_ids: Collection[int], departed_at: datetime, at: datetime
) -> TakenBack:
    """Put people back into their beds whose departure at `departed_at` was recorded by mistake.

    Within `rules.TAKE_BACK_WITHIN`; where the bed, the room or the person is elsewhere meanwhile, that one is answered
    with its reason. Whether an order still binds is not asked: it says who is inside, and who is inside without an
    order is an alarm. Raises Absent (an unknown stay), Denied (a site not the actor's).
    """
    with audited(actor=actor, action="stay.take_back_departure", at=at) as entry:
        stays = _stays(actor, stay_ids)
        orders = list_orders(SYSTEM_ACTOR, at=at, active=False).filter(pk__in={stay.order_id for stay in stays})
        parties = {
            order.pk: party_of(
                person_id=order.person_id, household_id=order.person.household_id, kind=OrderKind(order.kind)
            )
            for order in orders.select_related("person")
        }
        refused: list[tuple[int, QipanError]] = []
        back: list[Stay] = []
        for stay in stays:
            if stay.departed_at != departed_at or stay.voided_at is not None:
                refused.append((stay.pk, Conflict(gettext_noop("Somebody else has corrected this stay: look again."))))
                continue
            if not departed_at <= at <= departed_at + TAKE_BACK_WITHIN:
                refused.append((stay.pk, Refused(gettext_noop("It is too late to take this departure back."))))
                continue
            try:
                _put_back(stay, parties[stay.order_id], at)
            except _Lost:
                refused.append((stay.pk, Conflict(gettext_noop("The bed or the person is taken meanwhile."))))
                continue
            back.append(stay)
        _about(entry, back)
    return TakenBack(len(back), tuple(refused))


def _put_back(stay: Stay, party: str, at: datetime) -> None:
    """Claim the room for the party again, and the bed; both or neither. Raises _Lost."""
    try:
        with transaction.atomic():
            held_for = party if stay.room.capacity > 1 else ""
            room = Room.objects.filter(in_use_at(at), pk=stay.room_id, held_for__in=("", party))
            if not room.exists() or not Room.objects.filter(pk=stay.room_id).update(held_for=held_for):
                raise _Lost
            if not Stay.objects.filter(pk=stay.pk, departed_at=stay.departed_at).update(departed_at=None):
                raise _Lost
    except IntegrityError:
        raise _Lost from None


def _about(entry: Entry, stays: list[Stay]) -> None:
    paths = [stay.room.site.area_path for stay in stays]
    entry.about("stay", "", area_path=min(paths, default=""), detail={"stays": [stay.pk for stay in stays]})
    entry.silent = not stays
