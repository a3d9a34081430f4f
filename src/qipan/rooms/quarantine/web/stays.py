"""Stays: the list, and one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, Event, State
from qipan.foundation.pages.filters import Choice, Days, Text, by_person_code
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave
from qipan.rooms.quarantine.models import Stay
from qipan.rooms.quarantine.rules import day_of_stay
from qipan.rooms.quarantine.selectors import (
    access_stay,
    list_stays,
    occupants,
)
from qipan.rooms.quarantine.web.corrections import can_take_back
from qipan.rooms.quarantine.web.shown import PERSON
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission


def _inside(rows: Any, value: str) -> Any:
    return rows.filter(departed_at=None) if value == "inside" else rows.exclude(departed_at=None)


def _days_of(field: str) -> Any:
    def keep(rows: Any, first: Any, last: Any) -> Any:
        zone = clock.civil_zone()
        if first:
            rows = rows.filter(**{f"{field}__gte": clock.day_start(first, zone)})
        return rows.filter(**{f"{field}__lt": clock.day_end(last, zone)}) if last else rows

    return keep


class Stays(ListPage):
    """Who is, and was, in which room."""

    title = _("Stays")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    columns = (
        PERSON,
        Column(key="room__site__name", title=_("Site"), sort="room__site__name"),
        Column(key="room__number", title=_("Room"), sort="room__number"),
        Column(key="slot", title=_("Bed"), kind=Kind.NUMBER, wide=True),
        Column(key="arrived_at", title=_("Arrived"), kind=Kind.INSTANT, sort="arrived_at"),
        Column(key="departed_at", title=_("Left on"), kind=Kind.INSTANT, sort="departed_at"),
        Column(key="order_id", title=_("Order"), link="order", link_key="order_id", wide=True),
    )
    filters = (
        Text(name="person", title=_("Person code"), keep=by_person_code),
        Choice(name="state", title=_("State"), options=(("inside", _("inside")), ("left", _("left"))), keep=_inside),
        Text(name="site", title=_("Site"), field="room__site__name__icontains"),
        Text(name="room", title=_("Room"), field="room__number"),
        Days(name="arrived", title=_("Arrived"), keep=_days_of("arrived_at")),
        Days(name="left", title=_("Left on"), keep=_days_of("departed_at")),
    )
    sort = ("arrived_at", True)
    opens = "stay"
    person_key = "person_id"
    export = "stays"
    help = _("Everybody who is or was in a room of these sites, by code. A stay ends by the fact of departure.")
    empty = _("Nobody has been received in a site here yet.")

    def rows(self) -> QuerySet[Stay]:
        """In the sites of the chosen area."""
        return list_stays(self.actor, below=self.area.path)


@dataclass(frozen=True, slots=True)
class StayShown:
    """A stay with the end of the order that binds now."""

    stay: Stay
    ends_at: datetime | None

    @property
    def inside(self) -> bool:
        """Whether the person is in the room."""
        return self.stay.departed_at is None

    def over(self, at: datetime) -> bool:
        """Whether the person is inside although no order binds."""
        return self.inside and (self.ends_at is None or self.ends_at <= at)


class StayPage(DetailPage):
    """One stay."""

    title = _("Stay")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    facts = (
        Column(key="stay__person_id", title=_("Person"), kind=Kind.PERSON),
        Column(key="stay__room__site__name", title=_("Site"), link="site", link_key="stay__room__site_id"),
        Column(key="stay__room__number", title=_("Room"), link="room", link_key="stay__room_id"),
        Column(key="stay__slot", title=_("Bed"), kind=Kind.NUMBER),
        Column(key="stay__order_id", title=_("Order"), link="order", link_key="stay__order_id"),
        Column(key="stay__arrived_at", title=_("Arrived"), kind=Kind.INSTANT),
        Column(key="stay__departed_at", title=_("Left on"), kind=Kind.INSTANT),
    )
    help = _(
        "A stay begins by the arrival under an order and ends by the departure. When the order has ended and the "
        "person is still inside, that is an alarm."
    )

    def fetch(self, **kwargs: Any) -> StayShown:
        """Absent where the site is not the reader's."""
        stay = access_stay(self.actor, kwargs["stay_id"])
        ends = None
        if stay.departed_at is None:
            guests = occupants(self.actor, self.at, site_id=stay.room.site_id)
            ends = next((guest.ends_at for guest in guests if guest.stay_id == stay.pk), None)
        return StayShown(stay, ends)

    def heading(self, thing: StayShown) -> Words:
        """Who, and where."""
        where = gettext("room %(room)s") % {"room": thing.stay.room.number}
        return f"{person_code(thing.stay.person_id)} · {where}"

    def state(self, thing: StayShown) -> Sequence[State]:
        """Inside or gone, and for how long."""
        if not thing.inside:
            return (State(_("left"), Grave.QUIET),)
        zone = clock.civil_zone()
        day = day_of_stay(
            arrived_on=clock.local_date(thing.stay.arrived_at, zone), today=clock.local_date(self.at, zone)
        )
        states = [State(_("inside, day %(n)s") % {"n": day}, Grave.INFO)]
        if thing.over(self.at):
            states.append(State(_("no order binds: let go now"), Grave.ALARM))
        return states

    def clocks(self, thing: StayShown) -> Sequence[Clock]:
        """When the order ends by itself."""
        if thing.ends_at is None:
            return ()
        return (Clock(_("The order ends"), thing.ends_at, neutral=True),)

    def timeline(self, thing: StayShown) -> Sequence[Event]:
        """This person's stays that the reader may see, the newest first."""
        events = []
        for stay in list_stays(self.actor).filter(person_id=thing.stay.person_id).order_by("-arrived_at")[:20]:
            where = f"{stay.room.site.name}, {stay.room.number}"
            if stay.departed_at is not None:
                events.append(Event(stay.departed_at, gettext("Left %(where)s") % {"where": where}))
            events.append(Event(stay.arrived_at, gettext("Arrived in %(where)s") % {"where": where}))
        return sorted(events, key=lambda event: event.at, reverse=True)

    def actions(self, thing: StayShown) -> Sequence[Action]:
        """Let go, move, take back."""
        stay = thing.stay
        if not self.actor.may(Permission.STAY_MANAGE, stay.room.site.area_path):
            return ()
        back = [Action(_("Take back what was recorded"), address("stay-take-back", stay.pk), grave=True)]
        back = back if can_take_back(stay, self.at) else []
        if not thing.inside:
            return back
        over = thing.over(self.at)
        actions = [Action(_("Record the departure"), address("stay-depart", stay.pk), primary=over, grave=not over)]
        if not over:
            actions.insert(0, Action(_("Move to another room"), address("stay-move", stay.pk), primary=True))
        return [*actions, *back]
