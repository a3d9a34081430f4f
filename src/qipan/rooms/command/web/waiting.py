"""What needs a decision now, ordered by its clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext

from qipan.foundation import clock
from qipan.foundation.pages.page import address, with_area
from qipan.rooms.command.selectors import counting_in
from qipan.rooms.control.selectors import list_appeals
from qipan.rooms.fieldwork.selectors import passed_on
from qipan.rooms.quarantine.selectors import arrivals_due
from qipan.terms.roles import Actor, Permission

#: lines of one sort; the rest is behind the link
MOST = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for somebody."""

    due_at: datetime
    what: str
    href: str


def waiting_now(actor: Actor, *, area_path: str, area_code: str, at: datetime) -> list[Waiting]:
    """Appeals, people without a room, doors that were passed on: counted as the system inside the area, because who
    commands sees figures of people whom he may not see singly. The link is there only for who may follow it.
    """
    counting = counting_in(actor, area_path)
    day = clock.local_date(at, clock.civil_zone())
    found: list[Waiting] = []

    def link(name: str, permission: Permission, *args: object) -> str:
        return with_area(address(name, *args), area_code) if actor.areas_for(permission) else ""

    for appeal in list_appeals(counting, state="open")[:MOST]:
        what = gettext("An appeal waits for an answer; unanswered, it releases.")
        found.append(Waiting(appeal.due_at, what, link("appeal", Permission.APPEAL_VIEW, appeal.pk)))
    arrivals = arrivals_due(counting, at, area_path)
    for arrival in arrivals[:MOST]:
        what = gettext("Somebody under a central order has no room yet.")
        found.append(Waiting(arrival.fulfil_by, what, link("arrivals", Permission.ROOM_VIEW)))
    if len(arrivals) > MOST:
        more = len(arrivals) - MOST
        what = ngettext("%(n)s more person without a room.", "%(n)s more people without a room.", more) % {"n": more}
        found.append(Waiting(arrivals[MOST].fulfil_by, what, link("arrivals", Permission.ROOM_VIEW)))
    for to, said in (
        ("supervisor", gettext("A door was not opened; the supervisor decides.")),
        ("tracer", gettext("Somebody is not found; the tracer takes over.")),
    ):
        for visit in passed_on(counting, day, to, area_path)[:MOST]:
            found.append(
                Waiting(visit.recorded_at + timedelta(hours=24), said, link("visits", Permission.VISIT_VIEW))
            )
    return sorted(found, key=lambda each: each.due_at)
