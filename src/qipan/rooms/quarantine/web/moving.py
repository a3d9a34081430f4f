"""Somebody received, moved to another room, let go."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address
from qipan.rooms.control.selectors import access_order, appeal_place
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.forms import MoveForm, ReceiveForm
from qipan.rooms.quarantine.models import Site, Stay
from qipan.rooms.quarantine.rules import party_of
from qipan.rooms.quarantine.selectors import (
    ArrivalDue,
    access_arrival,
    access_room,
    access_site,
    access_stay,
    arrivals_due,
    free_beds,
    list_rooms,
    occupants,
    proposed_bed,
)
from qipan.rooms.quarantine.web.shown import arrival_text, bed_text, demand, end_text
from qipan.terms.errors import Absent, Conflict, Refused
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR, Permission

#: arrivals offered in one form, the most urgent first
_OFFERED = 300


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
        # asked as the system, as the service does: the guest may live where the reader sees no orders
        order = access_order(SYSTEM_ACTOR, thing.order_id)
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
        place = appeal_place(order)
        return (
            Consequence(_("Person"), arrival_text(arrival, self.at)),
            Consequence(_("Room"), self._bed(thing, arrival, data["room"])),
            Consequence(_("Grounds"), gettext("order %(id)s, rule %(rule)s, by %(authority)s")
                        % {"id": order.pk, "rule": order.rule, "authority": order.authority}),
            Consequence(_("End"), end_text(order.ends_at, self.at)),
            Consequence(_("Effect"), _("The person stays in this room until the departure is recorded, and nobody is "
                                       "kept after the end of the order.")),
            Consequence(_("Appeal"), gettext("At any time, to %(place)s; it changes nothing in the end of the order.")
                        % {"place": names_of("area", {place}).get(place, order.appeal_to)}),
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


