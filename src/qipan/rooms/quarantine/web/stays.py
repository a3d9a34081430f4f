"""Stays: the list, one stay, somebody received, moved, let go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, Event, State
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave
from qipan.rooms.control.selectors import access_order
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.forms import MoveForm, ReceiveForm
from qipan.rooms.quarantine.models import Site, Stay
from qipan.rooms.quarantine.rules import day_of_stay, party_of
from qipan.rooms.quarantine.selectors import (
    ArrivalDue,
    access_arrival,
    access_room,
    access_site,
    access_stay,
    arrivals_due,
    free_beds,
    list_rooms,
    list_stays,
    occupants,
    proposed_bed,
)
from qipan.rooms.quarantine.web.shown import PERSON, arrival_text, bed_text, demand, end_text
from qipan.terms.errors import Absent, BadInput, Conflict, Refused
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Permission

#: arrivals offered in one form, the most urgent first
_OFFERED = 300


def _inside(rows: Any, value: str) -> Any:
    return rows.filter(departed_at=None) if value == "inside" else rows.exclude(departed_at=None)


def _days_of(field: str) -> Any:
    def keep(rows: Any, first: Any, last: Any) -> Any:
        zone = clock.civil_zone()
        if first:
            rows = rows.filter(**{f"{field}__gte": clock.day_start(first, zone)})
        return rows.filter(**{f"{field}__lt": clock.day_end(last, zone)}) if last else rows

    return keep


def by_code(rows: Any, code: str) -> Any:
    """The rows of the person with this code. Raises BadInput for what is no code."""
    try:
        return rows.filter(person_id=parse_person_code(code))
    except ValueError:
        raise BadInput("“%(code)s” is no person code: it begins with P and ends with its check character.",
                       code=code[:30]) from None  # fmt: skip


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
        Column(key="departed_at", title=_("Left"), kind=Kind.INSTANT, sort="departed_at"),
        Column(key="order_id", title=_("Order"), link="order", link_key="order_id", wide=True),
    )
    filters = (
        Text(name="person", title=_("Person code"), keep=by_code),
        Choice(name="state", title=_("State"), options=(("inside", _("inside")), ("left", _("left"))), keep=_inside),
        Text(name="site", title=_("Site"), field="room__site__name__icontains"),
        Text(name="room", title=_("Room"), field="room__number"),
        Days(name="arrived", title=_("Arrived"), keep=_days_of("arrived_at")),
        Days(name="left", title=_("Left"), keep=_days_of("departed_at")),
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
        Column(key="stay__departed_at", title=_("Left"), kind=Kind.INSTANT),
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
        """Let go, move."""
        stay = thing.stay
        if not thing.inside or not self.actor.may(Permission.STAY_MANAGE, stay.room.site.area_path):
            return ()
        over = thing.over(self.at)
        actions = [Action(_("Record the departure"), address("stay-depart", stay.pk), primary=over, grave=not over)]
        if not over:
            actions.insert(0, Action(_("Move to another room"), address("stay-move", stay.pk), primary=True))
        return actions


class StayForms(FormPage):
    """A form about somebody inside."""

    section = "quarantine"
    permission = Permission.STAY_MANAGE

    def fetch(self, **kwargs: Any) -> Stay:
        """Absent where the reader manages no stays there. Raises Conflict for one that has ended."""
        stay = access_stay(self.actor, kwargs["stay_id"])
        demand(self.actor, Permission.STAY_MANAGE, stay.room.site)
        if stay.departed_at is not None:
            raise Conflict("This stay has ended already.")
        return stay

    def heading(self, thing: Stay) -> Words:
        """What, and whose."""
        return f"{self.page_title()} · {person_code(thing.person_id)}"

    def back(self, thing: Stay) -> str:
        """The stay."""
        return address("stay", thing.pk)


class StayDepart(StayForms):
    """Somebody leaves."""

    title = _("Record the departure")
    button = _("The person has left")
    confirm = True
    help = _("Record it when the person walks out. It can be taken back for an hour.")

    def consequences(self, thing: Stay, data: dict[str, Any]) -> Sequence[Consequence]:
        """Whether an order still binds, and what follows."""
        guests = occupants(self.actor, self.at, site_id=thing.room.site_id)
        ends = next((guest.ends_at for guest in guests if guest.stay_id == thing.pk), None)
        binds = ends is not None and ends > self.at
        effect = (
            _("The order goes on: the person is due in a room again at once. Record it only if they have left.")
            if binds else _("The person is free to go. The bed can be given to somebody else.")
        )  # fmt: skip
        return (
            Consequence(_("Order"), end_text(ends, self.at)),
            Consequence(_("Effect"), effect),
        )

    def submit(self, thing: Stay, data: dict[str, Any]) -> Done:
        """Conflict where somebody else recorded it."""
        services.stay_depart(actor=self.actor, stay_id=thing.pk, at=self.at)
        return Done(_("The departure is recorded."), address("site", thing.room.site_id))


class StayMove(StayForms):
    """Another room under the same order."""

    title = _("Move to another room")
    form = MoveForm
    button = _("Move")
    help = _("The person leaves one room and is in the other at once, under the same order.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """The rooms of this site that this person may have."""
        form = MoveForm(data, initial=self.initial(thing))
        order = access_order(self.actor, thing.order_id)
        party = party_of(
            person_id=thing.person_id, household_id=order.person.household_id, kind=OrderKind(order.kind)
        )
        beds = free_beds(self.actor, thing.room.site_id, self.at, party=party)
        _offer_rooms(self, form, [bed for bed in beds if bed[0].room_id != thing.room_id], empty="")
        return form

    def submit(self, thing: Stay, data: dict[str, Any]) -> Done:
        """One transaction; Conflict where somebody else has the bed."""
        access_room(self.actor, data["room"])
        try:
            moved = services.stay_transfer(actor=self.actor, stay_id=thing.pk, room_id=data["room"], at=self.at)
        except Refused as error:
            raise _raced(self, thing.room.site_id, data["room"], error) from None
        return Done(_("The person is in the new room."), address("stay", moved.pk))


class StayReceive(FormPage):
    """An arrival recorded."""

    title = _("Receive an arrival")
    section = "quarantine"
    permission = Permission.STAY_MANAGE
    form = ReceiveForm
    button = _("Receive")
    confirm = True
    grave = True
    help = _(
        "Choose who has arrived. A room is proposed; choose another if you must. Nobody is received without an order."
    )

    def fetch(self, **kwargs: Any) -> Site:
        """Absent where the reader manages no stays there."""
        site = access_site(self.actor, kwargs["site_id"])
        demand(self.actor, Permission.STAY_MANAGE, site)
        return site

    def heading(self, thing: Site) -> Words:
        """Where."""
        return f"{self.page_title()} · {thing.name}"

    def back(self, thing: Site) -> str:
        """The room board."""
        return address("site", thing.pk)

    def initial(self, thing: Site) -> dict[str, Any]:
        """Whom and which room the link named."""
        return {name: self.request.GET.get(name, "") for name in ("order", "room")}

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """Arrivals due, the most urgent first; rooms with a bed left."""
        form = ReceiveForm(data, initial=self.initial(thing))
        due = arrivals_due(self.actor, self.at)[:_OFFERED]
        field = form.fields["order"]
        assert isinstance(field, forms.ChoiceField)
        choices: list[tuple[Any, Any]] = [(each.order_id, arrival_text(each, self.at)) for each in due]
        field.choices = [("", _("choose")), *choices]
        if not due:
            field.help_text = _("Nobody whom you may see waits for a room.")
        _offer_rooms(self, form, free_beds(self.actor, thing.pk, self.at), empty=_("as proposed"))
        return form

    def consequences(self, thing: Site, data: dict[str, Any]) -> Sequence[Consequence]:
        """Grounds, place, end, effect, the way to appeal."""
        arrival = self._arrival(data["order"])
        order = access_order(self.actor, arrival.order_id)
        return (
            Consequence(_("Who"), arrival_text(arrival, self.at)),
            Consequence(_("Room"), self._bed(thing, arrival, data["room"])),
            Consequence(_("Grounds"), gettext("order %(id)s, rule %(rule)s, by %(authority)s")
                        % {"id": order.pk, "rule": order.rule, "authority": order.authority}),
            Consequence(_("End"), end_text(order.ends_at, self.at)),
            Consequence(_("Effect"), _("The person stays in this room until the departure is recorded, and nobody is "
                                       "kept after the end of the order.")),
            Consequence(_("Appeal"), gettext("At any time, to %(place)s; it changes nothing in the end of the order.")
                        % {"place": order.appeal_to}),
        )  # fmt: skip

    def submit(self, thing: Site, data: dict[str, Any]) -> Done:
        """Conflict where the person or the bed is taken meanwhile."""
        arrival = self._arrival(data["order"])
        room = data["room"]
        if room is not None and not list_rooms(self.actor).filter(pk=room, site=thing).exists():
            raise Absent("room")
        try:
            stay = services.stay_arrive(
                actor=self.actor, person_id=arrival.person_id, order_id=arrival.order_id, at=self.at,
                room_id=room, site_id=None if room is not None else thing.pk,
            )  # fmt: skip
        except Refused as error:
            raise _raced(self, thing.pk, room, error) from None
        said = gettext("%(person)s is in room %(room)s.") % {
            "person": person_code(arrival.person_id), "room": access_stay(self.actor, stay.pk).room.number,
        }  # fmt: skip
        return Done(said, address("site", thing.pk))

    def _arrival(self, order_id: int) -> ArrivalDue:
        try:
            return access_arrival(self.actor, order_id, self.at)
        except Absent:
            raise Conflict(
                "This arrival is not due any more: somebody has received the person, or the order has ended."
            ) from None

    def _bed(self, site: Site, arrival: ArrivalDue, room_id: int | None) -> str:
        if room_id is not None:
            return gettext("room %(room)s, as you chose") % {"room": access_room(self.actor, room_id).number}
        bed = proposed_bed(self.actor, site.pk, arrival, self.at)
        if bed is None:
            raise Conflict("No bed of this site is free for this person any more: choose another site.")
        return gettext("%(bed)s, as proposed") % {"bed": bed_text(bed[0].number, bed[1], bed[0].capacity)}


def _offer_rooms(page: FormPage, form: forms.Form, beds: Sequence[Any], *, empty: Words) -> None:
    numbers = dict(list_rooms(page.actor).filter(pk__in=[state.room_id for state, _slot in beds])
                   .values_list("pk", "number"))  # fmt: skip
    field = form.fields["room"]
    assert isinstance(field, forms.ChoiceField)
    offered: list[tuple[Any, Any]] = sorted(
        ((state.room_id, bed_text(numbers[state.room_id], slot, state.capacity)) for state, slot in beds),
        key=lambda each: str(each[1]),
    )
    field.choices = [("", empty or _("choose")), *offered]
    if not beds:
        field.help_text = _("No room has a free bed for this person.")


def _raced(page: FormPage, site_id: int, room_id: int | None, error: Refused) -> Exception:
    """A bed that was on offer and is taken now means that somebody was first; the rest is refused as it was said."""
    free = {state.room_id for state, _slot in free_beds(page.actor, site_id, page.at)}
    if (room_id is None and not free) or (room_id is not None and room_id not in free):
        return Conflict("Somebody else took the bed: choose another room.")
    return error


