"""Sites and rooms: opened, added, taken out of use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.roles import Actor, Permission

#: rooms written by one statement
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room to add: its number on the site, kind (single, family, accessible) and beds."""

    number: str
    kind: str = "single"
    capacity: int = 1


def site_open(*, actor: Actor, name: str, area_code: str, at: datetime) -> Site:
    """Open a quarantine site in an area. Raises BadInput (unknown area), Refused (the name is taken), Denied."""
    with audited(actor=actor, action="site.open", at=at) as entry:
        area = areas_by_code([area_code]).get(area_code)
        if area is None:
            raise BadInput(gettext_noop("There is no area %(area)s."), area=area_code)
        require(actor, Permission.ROOM_MANAGE, area.path)
        if not name.strip():
            raise BadInput(gettext_noop("A quarantine site needs a name."))
        try:
            with transaction.atomic():
                site = Site.objects.create(name=name.strip(), area_id=area.id, area_path=area.path, opened_at=at)
        except IntegrityError:
            raise Refused(gettext_noop("There is already a quarantine site called %(name)s."), name=name) from None
        entry.about("site", site.pk, area_path=area.path)
    return site


def site_close(*, actor: Actor, site_id: int, at: datetime) -> None:
    """Close a site. Raises Refused while somebody stays there, Absent, Denied."""
    with audited(actor=actor, action="site.close", at=at) as entry:
        site = Site.objects.select_for_update().filter(pk=site_id).first()
        if site is None:
            raise Absent("site")
        require(actor, Permission.ROOM_MANAGE, site.area_path)
        # arrivals claim their room by an UPDATE: they wait for this, or this for them
        list(Room.objects.select_for_update().filter(site=site).order_by("pk").values_list("pk", flat=True))
        if Stay.objects.filter(room__site=site, departed_at=None).exists():
            raise Refused(gettext_noop("Somebody stays at this site: transfer them first."))
        if not Site.objects.filter(pk=site_id, closed_at=None).update(closed_at=at):
            raise Refused(gettext_noop("This site is closed already."))
        entry.about("site", site.pk, area_path=site.area_path)


def site_reopen(*, actor: Actor, site_id: int, at: datetime) -> None:
    """Open a closed site again, with its rooms. Raises Refused where it is open, Absent, Denied."""
    with audited(actor=actor, action="site.reopen", at=at) as entry:
        site = Site.objects.select_for_update().filter(pk=site_id).first()
        if site is None:
            raise Absent("site")
        require(actor, Permission.ROOM_MANAGE, site.area_path)
        if not Site.objects.filter(pk=site_id).exclude(closed_at=None).update(closed_at=None):
            raise Refused(gettext_noop("This site is open already."))
        entry.about("site", site.pk, area_path=site.area_path)


def rooms_add(*, actor: Actor, site_id: int, rooms: Sequence[NewRoom], at: datetime) -> int:
    """Add rooms to a site, all or none; returns how many. Raises Refused (a number is taken), Absent, Denied."""
    with audited(actor=actor, action="room.add", at=at) as entry:
        site = Site.objects.filter(pk=site_id).first()
        if site is None:
            raise Absent("site")
        require(actor, Permission.ROOM_MANAGE, site.area_path)
        try:
            with transaction.atomic():
                made = Room.objects.bulk_create(
                    [Room(site=site, number=r.number, kind=r.kind, capacity=r.capacity) for r in rooms],
                    batch_size=_BATCH,
                )
        except IntegrityError:
            raise Refused(gettext_noop("A room number is taken, or a room has no bed or an unknown kind.")) from None
        beds = sum(room.capacity for room in made)
        entry.about("site", site.pk, area_path=site.area_path, detail={"rooms": len(made), "beds": beds})
    return len(made)


def rooms_write(rows: Sequence[tuple[str, int, str, NewRoom]], *, batch_id: int | None, at: datetime) -> dict[str, int]:
    """Write rooms of a file: (site name, area id, area path, room). For callers inside an audited transaction
    that have asked for ROOM_MANAGE at every path (intake).

    Unknown sites are opened; a room that an earlier, voided batch took out of use is back in use as the
    file says. Returns the counts. A handful of queries for any number.
    """
    areas = {site: (area_id, path) for site, area_id, path, _ in rows}
    known = set(Site.objects.filter(name__in=areas).values_list("name", flat=True))
    Site.objects.bulk_create(
        [
            Site(name=name, area_id=area_id, area_path=path, opened_at=at)
            for name, (area_id, path) in areas.items()
            if name not in known
        ],
        ignore_conflicts=True,
    )
    sites = dict(Site.objects.filter(name__in=areas).values_list("name", "pk"))
    Room.objects.bulk_create(
        [
            Room(
                site_id=sites[name],
                number=room.number,
                kind=room.kind,
                capacity=room.capacity,
                batch_id=batch_id,
            )
            for name, _, _, room in rows
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["site", "number"],
        update_fields=["kind", "capacity", "batch_id", "out_of_use_at"],
    )
    return {"sites": len(areas) - len(known), "rooms": len(rows)}


def _room_for_update(room_id: int) -> Room:
    room = Room.objects.select_for_update(of=("self",)).select_related("site").filter(pk=room_id).first()
    if room is None:
        raise Absent("room")
    return room


def room_take_out_of_use(*, actor: Actor, room_id: int, reason: str, at: datetime) -> None:
    """Take a room out of use (damage, disinfection); the log keeps the reason sealed. Raises Refused while
    somebody is in it or where no reason is given, Absent, Denied.
    """
    with audited(actor=actor, action="room.take_out_of_use", at=at) as entry:
        room = _room_for_update(room_id)
        require(actor, Permission.ROOM_MANAGE, room.site.area_path)
        if not reason.strip():
            raise Refused(gettext_noop("Say why the room is taken out of use."))
        if Stay.objects.filter(room=room, departed_at=None).exists():
            raise Refused(gettext_noop("Somebody is in this room: transfer them first."))
        if not Room.objects.filter(pk=room_id, out_of_use_at=None).update(out_of_use_at=at):
            raise Refused(gettext_noop("This room is out of use already."))
        sealed = seal_reason(reason[:200], write_id=entry.write_id)
        entry.about("room", room.pk, area_path=room.site.area_path, detail={"reason": sealed})


def room_put_in_use(*, actor: Actor, room_id: int, at: datetime) -> None:
    """Put a room back in use. Raises Refused where it is in use, Absent, Denied."""
    with audited(actor=actor, action="room.put_in_use", at=at) as entry:
        room = _room_for_update(room_id)
        require(actor, Permission.ROOM_MANAGE, room.site.area_path)
        if not Room.objects.filter(pk=room_id).exclude(out_of_use_at=None).update(out_of_use_at=None):
            raise Refused(gettext_noop("This room is in use already."))
        entry.about("room", room.pk, area_path=room.site.area_path)


def rooms_withdraw(*, batch_id: int, at: datetime) -> dict[str, int]:
    """Take a batch's rooms out of use (a voided file). For callers inside an audited transaction.

    Who is inside stays until the fact of departure; nobody new comes in. Returns the counts.
    """
    rooms = Room.objects.filter(batch_id=batch_id, out_of_use_at=None)
    occupied = Stay.objects.filter(room__in=rooms, departed_at=None).values("room").distinct().count()
    return {"rooms": rooms.update(out_of_use_at=at), "occupied": occupied}
