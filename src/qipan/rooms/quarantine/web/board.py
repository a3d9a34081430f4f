"""A site's room board, and one room of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import Grave, choices, gravity, word
from qipan.rooms.quarantine.models import Room
from qipan.rooms.quarantine.rules import BoardState, board_state, day_of_stay
from qipan.rooms.quarantine.selectors import (
    ArrivalDue,
    BoardRoom,
    Occupant,
    access_room,
    access_site,
    arrivals_due,
    is_open,
    room_board,
)
from qipan.rooms.quarantine.web.shown import PERSON, ROOM, last_instant
from qipan.terms.errors import BadInput
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

#: rows of a panel; the rest is in its list
_MOST = 10


@dataclass(frozen=True, slots=True)
class Guest:
    """An occupant as a tile shows him."""

    code: str
    href: str
    slot: int
    day: int
    end: str
    over: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """A room as the board shows it."""

    number: str
    href: str
    kind: Words
    beds: int
    state: str
    word: Words
    grave: str
    in_use: bool
    guests: tuple[Guest, ...]

    @property
    def taken(self) -> int:
        """Beds with somebody in them."""
        return len(self.guests)


@dataclass(frozen=True, slots=True)
class Board:
    """A site with its rooms."""

    site: Any
    rooms: Sequence[BoardRoom]
    open: bool
    beds: int
    taken: int

    @property
    def share(self) -> str:
        """Beds taken of those in use."""
        return formats.percent(self.taken, self.beds)

    @property
    def free(self) -> int:
        """Beds left in rooms in use."""
        return max(self.beds - self.taken, 0)

    @property
    def guests(self) -> list[Occupant]:
        """Everybody inside."""
        return [guest for room in self.rooms for guest in room.occupants]


def tile(room: BoardRoom, *, at: datetime, area: str) -> Tile:
    """A room as the board shows it at a moment."""
    zone = clock.civil_zone()
    today = clock.local_date(at, zone)
    ends = [guest.ends_at for guest in room.occupants]
    state = board_state(
        in_use=room.in_use, capacity=room.capacity, ends=ends, at=at, day_end=clock.day_end(today, zone)
    )
    guests = tuple(
        Guest(
            code=guest.person_code,
            href=with_area(address("stay", guest.stay_id), area),
            slot=guest.slot,
            day=day_of_stay(arrived_on=clock.local_date(guest.arrived_at, zone), today=today),
            end=last_instant(guest.ends_at) if guest.ends_at is not None else "",
            over=guest.ends_at is None or guest.ends_at <= at,
        )
        for guest in room.occupants
    )
    return Tile(
        room.number, with_area(address("room", room.room_id), area), word(Room.Kind, room.kind), room.capacity,
        state.value, word(BoardState, state.value), gravity(BoardState, state.value).value, room.in_use, guests,
    )  # fmt: skip


class SitePage(DetailPage):
    """The room board."""

    title = _("Quarantine site")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    wall = True
    template = "quarantine/site.html"
    body = "quarantine/board.html"
    facts = (
        Column(key="site__area_path", title=_("Area"), kind=Kind.AREA),
        Column(key="rooms", title=_("Rooms in use"), kind=Kind.NUMBER,
               value=lambda board: sum(room.in_use for room in board.rooms)),
        Column(key="beds", title=_("Beds in use"), kind=Kind.NUMBER),
        Column(key="taken", title=_("Beds taken"), kind=Kind.NUMBER),
        Column(key="free", title=_("Beds free"), kind=Kind.NUMBER),
        Column(key="share", title=_("Share taken")),
        Column(key="site__opened_at", title=_("Open since"), kind=Kind.INSTANT),
        Column(key="site__closed_at", title=_("Closed on"), kind=Kind.INSTANT),
    )  # fmt: skip
    help = _(
        "Each tile is a room: who is in it by code, which day of the stay it is, until when the order binds. Red: "
        "somebody is inside although no order binds any more; let them go. Open a code to let somebody go or move "
        "them, a room to take it out of use."
    )

    def fetch(self, **kwargs: Any) -> Board:
        """Absent where the site is not the reader's."""
        site = access_site(self.actor, kwargs["site_id"])
        rooms = room_board(self.actor, site.pk, self.at)
        return Board(
            site, rooms, is_open(site, self.at),
            sum(room.capacity for room in rooms if room.in_use), sum(len(room.occupants) for room in rooms),
        )  # fmt: skip

    def heading(self, thing: Board) -> Words:
        """Its name."""
        return str(thing.site.name)

    def state(self, thing: Board) -> Sequence[State]:
        """Open or closed; the alarm."""
        states = [State(_("site open"), Grave.GOOD) if thing.open else State(_("site closed"), Grave.QUIET)]
        over = sum(guest.ends_at is None or guest.ends_at <= self.at for guest in thing.guests)
        if over:
            states.append(State(_("inside without an order: %(n)s") % {"n": over}, Grave.ALARM))
        return states

    def actions(self, thing: Board) -> Sequence[Action]:
        """What the site manager may do."""
        path, pk = thing.site.area_path, thing.site.pk
        actions: list[Action] = []
        if self.actor.may(Permission.STAY_MANAGE, path) and thing.open:
            actions.append(Action(_("Receive an arrival"), address("stay-receive", pk), primary=True))
        if self.actor.may(Permission.ROOM_MANAGE, path):
            actions.append(Action(_("Add rooms"), address("rooms-add", pk)))
            if thing.open:
                actions.append(Action(_("Close the site"), address("site-close", pk), grave=True))
            else:
                actions.append(Action(_("Open the site again"), address("site-reopen", pk)))
        return actions

    def panels(self, thing: Board) -> Sequence[Panel]:
        """Who is due to come to this area, who to leave this site."""
        panels = []
        receives = self.actor.may(Permission.STAY_MANAGE, thing.site.area_path) and thing.open
        if self.actor.areas_for(Permission.ORDER_VIEW):
            due = arrivals_due(self.actor, self.at, thing.site.area_path)
            panels.append(
                Panel(
                    _("Arrivals due in this area: %(n)s") % {"n": len(due)},
                    template="quarantine/arrivals_panel.html", more=self.inside(address("arrivals")),
                    context={"rows": [self._due(thing, arrival, receives) for arrival in due[:_MOST]]},
                )
            )  # fmt: skip
        end = clock.day_end(clock.local_date(self.at, clock.civil_zone()), clock.civil_zone())
        leaving = [guest for guest in thing.guests if guest.ends_at is None or guest.ends_at <= end]
        ends = Column(key="ends_at", title=_("Order ends"), kind=Kind.CLOCK)
        panels.append(
            Panel(
                _("Releases due today: %(n)s") % {"n": len(leaving)}, (PERSON, ROOM, ends), leaving[:_MOST],
                _("Nobody here has to be let go today."), more=self.inside(address("releases")),
            )
        )  # fmt: skip
        return panels

    def inside(self, url: str) -> str:
        """An address within the chosen area."""
        return with_area(url, self.area.code)

    def _due(self, thing: Board, arrival: ArrivalDue, receives: bool) -> dict[str, Any]:
        url = f"{address('stay-receive', thing.site.pk)}?order={arrival.order_id}" if receives else ""
        return {
            "code": person_code(arrival.person_id),
            "person": self.inside(address("person", person_code(arrival.person_id))),
            "kind": word(OrderKind, arrival.kind.value),
            "by": arrival.fulfil_by,
            "until": formats.until(arrival.fulfil_by, self.at),
            "late": arrival.overdue,
            "receive": self.inside(url),
        }

    def besides(self, thing: Board) -> dict[str, Any]:
        """The tiles, those of one state where the address asks for it."""
        tiles = [tile(room, at=self.at, area=self.area.code) for room in thing.rooms]
        wanted = self.request.GET.get("state", "")
        said = dict(choices(BoardState))
        if wanted and wanted not in said:
            raise BadInput("“%(value)s” cannot be chosen as %(filter)s.", value=wanted[:60], filter=_("State"))
        counts = {state: sum(each.state == state for each in tiles) for state in said}
        return {
            "tiles": [each for each in tiles if not wanted or each.state == wanted],
            "wanted": wanted,
            "all_rooms": len(tiles),
            "board_states": [(state, said[state], counts[state]) for state in said],
            "view": "table" if self.request.GET.get("view") == "table" else "tiles",
        }


class RoomPage(DetailPage):
    """One room."""

    title = _("Room")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    facts = (
        Column(key="room__site__name", title=_("Site"), link="site", link_key="room__site_id"),
        Column(key="room__kind", title=_("Kind"), kind=Kind.WORD, words=Room.Kind),
        Column(key="room__capacity", title=_("Beds"), kind=Kind.NUMBER),
        Column(key="board__in_use", title=_("In use"), kind=Kind.YES_NO),
        Column(key="room__out_of_use_at", title=_("Out of use since"), kind=Kind.INSTANT),
    )
    help = _("Who is in this room. A room is taken out of use for repair or disinfection once nobody is in it.")

    def fetch(self, **kwargs: Any) -> dict[str, Any]:
        """Absent where its site is not the reader's."""
        room = access_room(self.actor, kwargs["room_id"])
        board = next(each for each in room_board(self.actor, room.site_id, self.at) if each.room_id == room.pk)
        return {"room": room, "board": board, "tile": tile(board, at=self.at, area=self.area.code)}

    def heading(self, thing: dict[str, Any]) -> Words:
        """Its number."""
        return _("Room %(number)s") % {"number": thing["room"].number}

    def state(self, thing: dict[str, Any]) -> Sequence[State]:
        """As on the board."""
        return (State(thing["tile"].word, Grave(thing["tile"].grave)),)

    def panels(self, thing: dict[str, Any]) -> Sequence[Panel]:
        """Its occupants."""
        columns = (
            PERSON,
            Column(key="slot", title=_("Bed"), kind=Kind.NUMBER, link="stay", link_key="stay_id"),
            Column(key="ends_at", title=_("Order ends"), kind=Kind.CLOCK),
        )
        return (Panel(_("Inside"), columns, thing["board"].occupants, _("Nobody is in this room.")),)

    def actions(self, thing: dict[str, Any]) -> Sequence[Action]:
        """Receive somebody here; out of use and back."""
        room, board = thing["room"], thing["board"]
        actions: list[Action] = []
        path = room.site.area_path
        if self.actor.may(Permission.STAY_MANAGE, path) and board.in_use and len(board.occupants) < room.capacity:
            url = f"{address('stay-receive', room.site_id)}?room={room.pk}"
            actions.append(Action(_("Receive an arrival here"), url, primary=True))
        if self.actor.may(Permission.ROOM_MANAGE, path):
            if room.out_of_use_at is not None and room.out_of_use_at <= self.at:
                actions.append(Action(_("Put back in use"), address("room-in", room.pk)))
            else:
                actions.append(Action(_("Take out of use"), address("room-out", room.pk), grave=True))
        return actions


