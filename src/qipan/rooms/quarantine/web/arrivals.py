"""Who is due to come, and who to leave: two lists, each done at once for many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.filters import Choice
from qipan.foundation.pages.list_acts import BulkAction, Outcome
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import address
from qipan.foundation.pages.speech import say
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.rules import CENTRAL_KINDS, Proposal
from qipan.rooms.quarantine.selectors import (
    ArrivalDue,
    Occupant,
    arrivals_due,
    list_rooms,
    list_stays,
    occupants,
    releases_due,
)
from qipan.rooms.quarantine.web.shown import (
    DUE_BY,
    ORDER_KIND,
    PERSON,
    ROOM,
    ReleaseState,
    bed_text,
    end_text,
    release_state,
)
from qipan.terms.errors import BadInput
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission


def _ids(keys: Sequence[str]) -> list[int]:
    if not all(key.isdecimal() and len(key) < 19 for key in keys):
        raise BadInput("Choose the rows first.")
    return [int(key) for key in keys]


def _proposal(actor: Actor, keys: Sequence[str], at: datetime) -> Proposal:
    return services.placements_propose(actor=actor, order_ids=set(_ids(keys)), at=at)


def _unplaced(actor: Actor, order_ids: Sequence[int], at: datetime) -> list[str]:
    people = {arrival.order_id: arrival.person_id for arrival in arrivals_due(actor, at)}
    return [
        gettext("%(person)s: no free bed.") % {"person": person_code(people[order_id])}
        for order_id in order_ids if order_id in people
    ]  # fmt: skip


def placing_preview(actor: Actor, keys: Sequence[str], at: datetime) -> list[str]:
    """Who would go where."""
    proposal = _proposal(actor, keys, at)
    rooms = {room.pk: room for room in list_rooms(actor).filter(pk__in=[p.room_id for p in proposal.placements])}
    lines = [
        gettext("%(person)s → %(site)s, %(bed)s") % {
            "person": person_code(placement.person_id), "site": rooms[placement.room_id].site.name,
            "bed": bed_text(rooms[placement.room_id].number, placement.slot, rooms[placement.room_id].capacity),
        }
        for placement in proposal.placements
    ]  # fmt: skip
    gone = len(set(keys)) - len(proposal.placements) - len(proposal.without_room)
    lines += _unplaced(actor, proposal.without_room, at)
    if gone:
        lines.append(gettext("Not due any more: %(n)s") % {"n": gone})
    return lines


def placing_run(actor: Actor, keys: Sequence[str], at: datetime) -> Outcome:
    """Received as proposed now; whoever was faster is respected."""
    proposal = _proposal(actor, keys, at)
    result = services.stays_arrive_bulk(actor=actor, placements=proposal.placements, at=at)
    refused = _unplaced(actor, (*proposal.without_room, *result.not_placed), at)
    return Outcome(result.arrived, refused, list(result.stay_ids) if result.stay_ids else None)


def placing_undo(actor: Actor, token: Any, at: datetime) -> Outcome:
    """They never arrived."""
    taken = services.arrivals_take_back(actor=actor, stay_ids=token, at=at)
    return Outcome(taken.done, [say(error) for _stay, error in taken.refused])


PLACE = BulkAction(
    name="place",
    title=_("Place and receive"),
    permission=Permission.STAY_MANAGE,
    preview=placing_preview,
    run=placing_run,
    undo=placing_undo,
    effect=_(
        "These people are recorded as arrived in these rooms: the most urgent first, families together, everybody in "
        "the nearest site. They stay until their departure is recorded, and nobody beyond the end of the order. Where "
        "somebody is faster than you, the nearest bed that is left is taken."
    ),
)


class Arrivals(ListPage):
    """Whom an order sends into a room, and who is in none."""

    title = _("Arrivals due")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    columns = (
        PERSON,
        ORDER_KIND,
        Column(key="area_path", title=_("Home"), kind=Kind.AREA),
        DUE_BY,
        Column(key="fulfil_by_at", title=_("Deadline"), kind=Kind.INSTANT, value=lambda due: due.fulfil_by, wide=True),
        Column(key="order_id", title=_("Order"), link="order", link_key="order_id", wide=True),
    )
    filters = (
        Choice(name="late", title=_("Deadline"),
               options=(("late", _("deadline passed")), ("time", _("deadline to come"))),
               keep=lambda rows, value: [row for row in rows if row.overdue == (value == "late")]),
        Choice(name="kind", title=_("Order"), words=OrderKind,
               leave_out=tuple(kind.value for kind in OrderKind if kind not in CENTRAL_KINDS),
               keep=lambda rows, value: [row for row in rows if row.kind.value == value]),
    )  # fmt: skip
    row_key = "order_id"
    person_key = "person_id"
    export = "arrivals"
    bulk = (PLACE,)
    help = _(
        "Everybody whom an order sends into a room and who is in none, the most urgent first. Choose rows and let "
        "rooms be proposed for all of them; you see the proposal before anything happens."
    )
    empty = _("Nobody here waits for a room.")

    def rows(self) -> Sequence[ArrivalDue]:
        """Whose home is in the chosen area."""
        return arrivals_due(self.actor, self.at, self.area.path)

    def head(self) -> Sequence[Link]:
        """Back to the sites."""
        return (Link(_("Quarantine sites"), address("sites")),)


def leaving_preview(actor: Actor, keys: Sequence[str], at: datetime) -> list[str]:
    """Who would be let go, and whether an order still binds."""
    wanted = set(_ids(keys))
    inside = {guest.stay_id: guest for guest in occupants(actor, at) if guest.stay_id in wanted}
    lines = [
        f"{guest.person_code} · {guest.site}, {guest.room}: {end_text(guest.ends_at, at)}" for guest in inside.values()
    ]
    if len(inside) < len(wanted):
        lines.append(gettext("Left already: %(n)s") % {"n": len(wanted) - len(inside)})
    return lines


def leaving_run(actor: Actor, keys: Sequence[str], at: datetime) -> Outcome:
    """All of them have left."""
    wanted = _ids(keys)
    inside = list(list_stays(actor, at=at).filter(pk__in=wanted).values_list("pk", flat=True))
    done = services.stays_depart_bulk(actor=actor, stay_ids=wanted, at=at)
    return Outcome(done, undo=[at.isoformat(), inside] if done else None)


def leaving_undo(actor: Actor, token: Any, at: datetime) -> Outcome:
    """They are still inside."""
    moment, stays = token
    taken = services.departures_take_back(
        actor=actor, stay_ids=stays, departed_at=datetime.fromisoformat(moment), at=at
    )
    return Outcome(taken.done, [say(error) for _stay, error in taken.refused])


LET_GO = BulkAction(
    name="let-go",
    title=_("Let go"),
    permission=Permission.STAY_MANAGE,
    preview=leaving_preview,
    run=leaving_run,
    undo=leaving_undo,
    effect=_(
        "These people are recorded as having left now; their beds can be given away. Whose order still binds is due in "
        "a room again at once: let them go when it has ended."
    ),
)


class Releases(ListPage):
    """Who is inside and has to be let go today, those overdue first."""

    title = _("Releases due")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    columns = (
        PERSON,
        Column(key="state", title=_("State"), kind=Kind.WORD, words=ReleaseState, value=lambda row: row["state"]),
        Column(key="site", title=_("Site"), sort="site"),
        ROOM,
        Column(key="arrived_at", title=_("Arrived"), kind=Kind.INSTANT, wide=True),
        Column(key="ends_at", title=_("Order ends"), kind=Kind.CLOCK),
    )
    filters = (
        Choice(name="state", title=_("State"), words=ReleaseState,
               keep=lambda rows, value: [row for row in rows if row["state"] == value]),
    )  # fmt: skip
    row_key = "stay_id"
    person_key = "person_id"
    export = "releases"
    bulk = (LET_GO,)
    help = _(
        "Everybody inside whose order has ended or ends today. Let go at once whom no order binds. What you record can "
        "be taken back for a quarter of an hour."
    )
    empty = _("Nobody has to be let go today.")

    def rows(self) -> Sequence[dict[str, Any]]:
        """In the sites of the chosen area."""
        today = clock.local_date(self.at, clock.civil_zone())
        due: list[Occupant] = releases_due(self.actor, today, self.at, self.area.path)
        due.sort(key=lambda guest: (guest.ends_at is not None, guest.ends_at or self.at, guest.site, guest.room))
        return [
            {name: getattr(guest, name) for name in Occupant.__slots__} | {"state": release_state(guest, self.at)}
            for guest in due
        ]

    def head(self) -> Sequence[Link]:
        """Back to the sites."""
        return (Link(_("Quarantine sites"), address("sites")),)
