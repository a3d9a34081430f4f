"""What sites and rooms look like at a moment: who is expected, who is inside, who should be out.

Sites, rooms and stays are scoped by the site's area; arrivals that are still at home by the person's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from qipan.foundation import clock
from qipan.foundation.access.scoping import scope, within
from qipan.foundation.pages.searching import MOST, Found
from qipan.rooms.control.selectors import OrderFact, order_facts
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.rooms.quarantine.rules import (
    CENTRAL_KINDS,
    Arrival,
    RoomState,
    choose_bed,
    due_by,
    free_slot,
    is_still_inside,
    party_of,
)
from qipan.terms.errors import Absent
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission


@dataclass(frozen=True, slots=True)
class ArrivalDue:
    """A person whom an order sends into a room and who is in none. `overdue`: the deadline has passed."""

    order_id: int
    person_id: int
    household_id: int | None
    kind: OrderKind
    area_path: str
    fulfil_by: datetime
    overdue: bool


@dataclass(frozen=True, slots=True)
class Occupant:
    """A stay as the site sees it: the person by code, never by name."""

    stay_id: int
    person_id: int
    person_code: str
    order_id: int
    site_id: int
    site: str
    area_path: str
    room: str
    slot: int
    arrived_at: datetime
    #: when the last order in force ends; None where no order is in force
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class BoardRoom:
    """A room on a site's board."""

    room_id: int
    number: str
    kind: str
    capacity: int
    in_use: bool
    occupants: tuple[Occupant, ...]


@dataclass(frozen=True, slots=True)
class SiteOccupancy:
    """A site's figures at a moment: rooms in use, their beds, beds taken, rooms with somebody in them."""

    site_id: int
    site: str
    area_path: str
    rooms: int
    beds: int
    taken: int
    rooms_taken: int


def inside_at(at: datetime, prefix: str = "") -> Q:
    """The condition "in the bed at this moment" (arrived, not departed yet)."""
    departed = Q(**{f"{prefix}departed_at": None}) | Q(**{f"{prefix}departed_at__gt": at})
    return departed & Q(**{f"{prefix}arrived_at__lte": at})


def in_use_at(at: datetime, prefix: str = "") -> Q:
    """The condition "a room that may be used at this moment": not taken out, its site open."""
    out = Q(**{f"{prefix}out_of_use_at": None}) | Q(**{f"{prefix}out_of_use_at__gt": at})
    closed = Q(**{f"{prefix}site__closed_at": None}) | Q(**{f"{prefix}site__closed_at__gt": at})
    return out & closed & Q(**{f"{prefix}site__opened_at__lte": at})


def list_sites(actor: Actor, below: str | None = None) -> QuerySet[Site]:
    """The sites this actor may see, by name."""
    sites = scope(Site.objects.all(), actor, Permission.ROOM_VIEW)
    if below is not None:
        sites = sites.filter(within(below))
    return sites.order_by("name")


def access_site(actor: Actor, site_id: int) -> Site:
    """One site. Raises Absent."""
    site = list_sites(actor).filter(pk=site_id).first()
    if site is None:
        raise Absent("site")
    return site


def list_rooms(actor: Actor, below: str | None = None) -> QuerySet[Room]:
    """The rooms this actor may see, by site and number."""
    rooms = scope(Room.objects.all(), actor, Permission.ROOM_VIEW, "site__area_path")
    if below is not None:
        rooms = rooms.filter(within(below, "site__area_path"))
    return rooms.select_related("site").order_by("site__name", "number")


def access_room(actor: Actor, room_id: int) -> Room:
    """One room. Raises Absent."""
    room = list_rooms(actor).filter(pk=room_id).first()
    if room is None:
        raise Absent("room")
    return room


def list_stays(actor: Actor, *, at: datetime | None = None, below: str | None = None) -> QuerySet[Stay]:
    """Stays in the actor's sites; with `at`, those of the people inside at that moment. Not those taken back."""
    stays = scope(Stay.objects.filter(voided_at=None), actor, Permission.ROOM_VIEW, "room__site__area_path")
    if below is not None:
        stays = stays.filter(within(below, "room__site__area_path"))
    if at is not None:
        stays = stays.filter(inside_at(at))
    return stays.select_related("room__site").order_by("pk")


def access_stay(actor: Actor, stay_id: int) -> Stay:
    """One stay. Raises Absent."""
    stay = list_stays(actor).filter(pk=stay_id).first()
    if stay is None:
        raise Absent("stay")
    return stay


def arrivals_due(actor: Actor, at: datetime, below: str | None = None) -> list[ArrivalDue]:
    """Everybody with an active central order and no bed at `at`, the most urgent first. Constantly few queries."""
    # most people under a central order have a bed: whether their orders still bind is not worked out
    inside = Stay.objects.filter(inside_at(at)).values("person_id")
    due: dict[int, ArrivalDue] = {}
    for fact in order_facts(actor, at=at, below=below, kinds=CENTRAL_KINDS, apart_from=inside):
        if not actor.may(Permission.ROOM_VIEW, fact.area_path):
            continue
        fulfil_by = due_by(fulfil_by=fact.fulfil_by, opened_at=fact.opened_at)
        arrival = ArrivalDue(
            order_id=fact.order_id,
            person_id=fact.person_id,
            household_id=fact.household_id,
            kind=fact.kind,
            area_path=fact.area_path,
            fulfil_by=fulfil_by,
            overdue=fulfil_by <= at,
        )
        # two central orders at once are one arrival, under the stricter order (isolation)
        other = due.get(fact.person_id)
        if other is None or CENTRAL_KINDS.index(fact.kind) < CENTRAL_KINDS.index(other.kind):
            due[fact.person_id] = arrival
    return sorted(due.values(), key=lambda arrival: (arrival.fulfil_by, arrival.order_id))


def central_order_ends(at: datetime, person_ids: Collection[int]) -> dict[int, datetime]:
    """person -> when the last central order that is in force at `at` ends, of these people. Machinery: not scoped.

    Asked whatever the area, because a site takes people from everywhere; what leaves this room is only whether a guest
    of one's own site is still bound. A constant number of queries, none where there is nobody.
    """
    ends: dict[int, datetime] = {}
    if not person_ids:
        return ends
    facts: list[OrderFact] = order_facts(SYSTEM_ACTOR, at=at, kinds=CENTRAL_KINDS, person_ids=person_ids)
    for fact in facts:
        ends[fact.person_id] = max(fact.ends_at, ends.get(fact.person_id, fact.ends_at))
    return ends


def occupants(actor: Actor, at: datetime, below: str | None = None, site_id: int | None = None) -> list[Occupant]:
    """Who is inside at `at`, with the end of his order; by site, room and bed. Two queries."""
    stays = list_stays(actor, at=at, below=below)
    if site_id is not None:
        stays = stays.filter(room__site_id=site_id)
    ends = central_order_ends(at, {stay.person_id for stay in stays})
    found = [
        Occupant(
            stay_id=stay.pk,
            person_id=stay.person_id,
            person_code=person_code(stay.person_id),
            order_id=stay.order_id,
            site_id=stay.room.site_id,
            site=stay.room.site.name,
            area_path=stay.room.site.area_path,
            room=stay.room.number,
            slot=stay.slot,
            arrived_at=stay.arrived_at,
            ends_at=ends.get(stay.person_id),
        )
        for stay in stays
    ]
    return sorted(found, key=lambda o: (o.site, o.room, o.slot))


def still_inside(actor: Actor, at: datetime, below: str | None = None) -> list[Occupant]:
    """The alarm: people in a bed at `at` although no central order binds them any more."""
    return [
        occupant
        for occupant in occupants(actor, at, below)
        if is_still_inside(arrived_at=occupant.arrived_at, departed_at=None, order_ends_at=occupant.ends_at, at=at)
    ]


def releases_due(actor: Actor, day: date, at: datetime, below: str | None = None) -> list[Occupant]:
    """Who is inside at `at` and has to be let go by 24:00 of the local `day` (those overdue included)."""
    end = clock.day_end(day, clock.civil_zone())
    return [o for o in occupants(actor, at, below) if o.ends_at is None or o.ends_at <= end]


def room_board(actor: Actor, site_id: int, at: datetime) -> list[BoardRoom]:
    """A site's rooms with their occupants, by number. Raises Absent. A constant number of queries."""
    site = access_site(actor, site_id)
    inside: dict[str, list[Occupant]] = {}
    for occupant in occupants(actor, at, site_id=site.pk):
        inside.setdefault(occupant.room, []).append(occupant)
    usable = is_open(site, at)
    return [
        BoardRoom(
            room_id=room.pk,
            number=room.number,
            kind=room.kind,
            capacity=room.capacity,
            in_use=usable and (room.out_of_use_at is None or room.out_of_use_at > at),
            occupants=tuple(inside.get(room.number, ())),
        )
        for room in Room.objects.filter(site=site).order_by("number")
    ]


def room_states(rooms: QuerySet[Room], at: datetime) -> list[RoomState]:
    """Rooms as the rules see them: beds taken by stays without a departure. Three queries for any number."""
    rooms = rooms.order_by()
    usable = set(rooms.filter(in_use_at(at)).values_list("pk", flat=True))
    taken: dict[int, set[int]] = {}
    open_stays = Stay.objects.filter(departed_at=None, room__in=rooms.values("pk"))
    for room_id, slot in open_stays.values_list("room_id", "slot"):
        taken.setdefault(room_id, set()).add(slot)
    return [
        RoomState(
            room_id=room.pk,
            site_id=room.site_id,
            area_path=room.site.area_path,
            kind=room.kind,
            capacity=room.capacity,
            in_use=room.pk in usable,
            taken=frozenset(taken.get(room.pk, ())),
            held_for=room.held_for,
        )
        for room in rooms.select_related("site").order_by("pk")
    ]


def occupancy(
    actor: Actor, at: datetime, below: str | None = None, *, of: Sequence[Site] | None = None
) -> list[SiteOccupancy]:
    """Rooms, beds and beds taken, a line a site that is open. Three queries. `of`: the sites, where they were read."""
    sites = {site.pk: site for site in (list_sites(actor, below) if of is None else of)}
    figures = {pk: [0, 0, 0, 0] for pk in sites}
    rooms = list_rooms(actor, below).filter(in_use_at(at))
    for site_id, capacity in rooms.order_by().values_list("site_id", "capacity"):
        figures[site_id][0] += 1
        figures[site_id][1] += capacity
    seen: set[int] = set()
    for site_id, room_id in list_stays(actor, at=at, below=below).values_list("room__site_id", "room_id"):
        figures[site_id][2] += 1
        figures[site_id][3] += room_id not in seen
        seen.add(room_id)
    return [
        SiteOccupancy(pk, sites[pk].name, sites[pk].area_path, *counts)
        for pk, counts in figures.items()
        if sites[pk].opened_at is not None
    ]


@dataclass(frozen=True, slots=True)
class SiteLine:
    """A site in the list. Beds of rooms in use; arrivals are those whose home lies in the site's area.

    `arrivals`: None where the reader may not see orders.
    """

    site_id: int
    name: str
    area_path: str
    opened_at: datetime | None
    closed_at: datetime | None
    is_open: bool
    rooms: int
    beds: int
    taken: int
    free: int
    arrivals: int | None
    releases: int
    inside: int


def site_lines(actor: Actor, at: datetime, below: str | None = None) -> list[SiteLine]:
    """The sites as their list shows them, by name. A constant number of queries."""
    sites = list(list_sites(actor, below))
    figures = {line.site_id: line for line in occupancy(actor, at, below, of=sites)}
    today = clock.local_date(at, clock.civil_zone())
    leaving = releases_due(actor, today, at, below)
    sees_orders = bool(actor.areas_for(Permission.ORDER_VIEW))
    # whoever is due at a site lives in its area, and that lies in the chosen one
    coming = arrivals_due(actor, at, below) if sees_orders else []
    lines = []
    for site in sites:
        figure = figures.get(site.pk)
        rooms, beds, taken = (figure.rooms, figure.beds, figure.taken) if figure else (0, 0, 0)
        mine = [o for o in leaving if o.site_id == site.pk]
        lines.append(
            SiteLine(
                site_id=site.pk,
                name=site.name,
                area_path=site.area_path,
                opened_at=site.opened_at,
                closed_at=site.closed_at,
                is_open=is_open(site, at),
                rooms=rooms,
                beds=beds,
                taken=taken,
                free=max(beds - taken, 0),
                arrivals=sum(a.area_path.startswith(site.area_path) for a in coming) if sees_orders else None,
                releases=len(mine),
                inside=sum(o.ends_at is None or o.ends_at <= at for o in mine),
            )
        )
    return lines


def is_open(site: Site, at: datetime) -> bool:
    """Whether a site takes people at this moment."""
    opened = site.opened_at is not None and site.opened_at <= at
    return opened and (site.closed_at is None or site.closed_at > at)


def access_arrival(actor: Actor, order_id: int, at: datetime) -> ArrivalDue:
    """The arrival that an order asks for, as long as it is due. Raises Absent."""
    for arrival in arrivals_due(actor, at):
        if arrival.order_id == order_id:
            return arrival
    raise Absent("arrival")


def free_beds(actor: Actor, site_id: int, at: datetime, *, party: str | None = None) -> list[tuple[RoomState, int]]:
    """The rooms of a site with a bed that may be given now, and the lowest such bed, by room id.

    `party`: only rooms that this party may have; None: rooms with any bed left. Raises Absent.
    """
    site = access_site(actor, site_id)
    states = room_states(Room.objects.filter(site=site), at)
    beds = ((state, free_slot(state, party=state.held_for if party is None else party)) for state in states)
    return [(state, slot) for state, slot in beds if slot is not None]


def proposed_bed(actor: Actor, site_id: int, arrival: ArrivalDue, at: datetime) -> tuple[Room, int] | None:
    """The room and bed of a site that the matching proposes for an arrival; None where there is none."""
    site = access_site(actor, site_id)
    party = party_of(person_id=arrival.person_id, household_id=arrival.household_id, kind=arrival.kind)
    bed = choose_bed(room_states(Room.objects.filter(site=site), at), party=party)
    return None if bed is None else (Room.objects.get(pk=bed[0].room_id), bed[1])


def placement_inputs(actor: Actor, area_path: str | None, at: datetime) -> tuple[list[Arrival], list[RoomState]]:
    """What a proposal of beds needs: arrivals due below an area (None: all), rooms where the actor may place."""
    arrivals = [
        Arrival(a.order_id, a.person_id, a.household_id, a.kind, a.area_path, a.fulfil_by)
        for a in arrivals_due(actor, at, area_path)
    ]
    rooms = scope(Room.objects.all(), actor, Permission.STAY_MANAGE, "site__area_path").filter(in_use_at(at))
    return arrivals, room_states(rooms, at)


def find_sites(actor: Actor, text: str) -> list[Found]:
    """For the global search: quarantine sites by a part of their names."""
    return [
        Found(site.name, "site", site.pk, exact=site.name == text)
        for site in list_sites(actor).filter(name__icontains=text)[:MOST]
    ]
