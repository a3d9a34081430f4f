"""What other rooms' pages show of a person's stays: the panel of his page, what he is told is held about him."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Panel
from qipan.foundation.pages.page import address
from qipan.rooms.quarantine.models import Stay
from qipan.rooms.quarantine.selectors import list_stays
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

_MOST = 10


def stays_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The stays in sites that this reader may see, the newest first. One query."""
    if not actor.areas_for(Permission.ROOM_VIEW):
        return None
    rows = list(list_stays(actor).filter(person_id=person_id).order_by("-arrived_at")[: _MOST + 1])
    if not rows:
        return None
    columns = (
        Column(key="room__site__name", title=_("Site"), link="site", link_key="room__site_id"),
        Column(key="room__number", title=_("Room"), link="stay"),
        Column(key="arrived_at", title=_("Arrived"), kind=Kind.INSTANT),
        Column(key="departed_at", title=_("Left on"), kind=Kind.INSTANT),
    )
    more = f"{address('stays')}?person={person_code(person_id)}" if len(rows) > _MOST else ""
    return Panel(_("Stays in quarantine sites"), columns, rows[:_MOST], more=more)


def held_stays(person_id: int) -> Sequence[str]:
    """A line in plain words for each stay, those taken back included. One query. For the person's own page."""
    lines = []
    for stay in Stay.objects.filter(person_id=person_id).select_related("room__site").order_by("arrived_at"):
        where = gettext("%(site)s, room %(room)s") % {"site": stay.room.site.name, "room": stay.room.number}
        since = formats.moment_text(stay.arrived_at)
        if stay.voided_at is not None:
            said = gettext("%(where)s, %(since)s: recorded by mistake and taken back")
            lines.append(said % {"where": where, "since": since})
        elif stay.departed_at is None:
            lines.append(gettext("%(where)s, since %(since)s") % {"where": where, "since": since})
        else:
            told = {"where": where, "since": since, "until": formats.moment_text(stay.departed_at)}
            lines.append(gettext("%(where)s, from %(since)s until %(until)s") % told)
    return lines
