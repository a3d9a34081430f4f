"""What the pages of this room share: words, columns, how a room and a bed are said."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.words import Grave, register_words, word
from qipan.rooms.quarantine.models import Room, Site
from qipan.rooms.quarantine.rules import BoardState
from qipan.terms.errors import Absent
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission


class ReleaseState(StrEnum):
    """Why somebody is on the list of releases."""

    INSIDE = "inside"
    TODAY = "today"


register_words(
    Room.Kind,
    {
        "single": (_("single room"), Grave.QUIET),
        "family": (_("family room"), Grave.QUIET),
        "accessible": (_("barrier-free room"), Grave.QUIET),
    },
)
register_words(
    BoardState,
    {
        "alarm": (_("inside without an order"), Grave.ALARM),
        "release": (_("release today"), Grave.WARN),
        "full": (_("full"), Grave.INFO),
        "partly": (_("beds left"), Grave.INFO),
        "free": (_("free"), Grave.GOOD),
        "out": (_("out of use"), Grave.QUIET),
    },
)
register_words(
    ReleaseState,
    {
        "inside": (_("no order binds: let go now"), Grave.ALARM),
        "today": (_("the order ends today"), Grave.WARN),
    },
)

#: arrivals and occupants, in panels and lists
PERSON = Column(key="person_id", title=_("Person"), kind=Kind.PERSON, sort="person_id")
DUE_BY = Column(key="fulfil_by", title=_("In a room by"), kind=Kind.CLOCK, sort="fulfil_by")
ORDER_KIND = Column(key="kind", title=_("Order"), kind=Kind.WORD, words=OrderKind, sort="kind")
ROOM = Column(key="room", title=_("Room"), sort="room", link="stay", link_key="stay_id")


def release_state(occupant: Any, at: datetime) -> str:
    """Whether an occupant is kept without an order, or his order ends today."""
    over = occupant.ends_at is None or occupant.ends_at <= at
    return (ReleaseState.INSIDE if over else ReleaseState.TODAY).value


def arrival_text(arrival: Any, at: datetime) -> str:
    """P0000… · isolation · in a room by 18 Aug 12:00 (2 hours overdue)."""
    return gettext("%(person)s · %(kind)s · in a room by %(moment)s (%(until)s)") % {
        "person": person_code(arrival.person_id), "kind": word(OrderKind, arrival.kind.value),
        "moment": formats.moment_text(arrival.fulfil_by), "until": formats.until(arrival.fulfil_by, at),
    }  # fmt: skip


def bed_text(number: str, slot: int, capacity: int) -> str:
    """room 12, or room 12, bed 2 of 3."""
    if capacity == 1:
        return gettext("room %(room)s") % {"room": number}
    return gettext("room %(room)s, bed %(bed)s of %(beds)s") % {"room": number, "bed": slot, "beds": capacity}


def last_instant(end: datetime) -> str:
    """25 Aug 24:00 for the midnight after it, as orders are written."""
    here = formats.local(end)
    if (here.hour, here.minute) == (0, 0):
        return f"{formats.day_text((here - timedelta(days=1)).date())} 24:00"
    return formats.moment_text(end)


def end_text(ends_at: datetime | None, at: datetime) -> str:
    """Until when an order binds, or that none does."""
    if ends_at is None or ends_at <= at:
        return gettext("no order binds any more")
    return gettext("the order binds until %(moment)s (%(until)s)") % {
        "moment": last_instant(ends_at), "until": formats.until(ends_at, at),
    }  # fmt: skip


def demand(actor: Actor, permission: Permission, site: Site) -> None:
    """A form that the reader may not send is not shown either. Raises Absent."""
    if not actor.may(permission, site.area_path):
        raise Absent("site")
