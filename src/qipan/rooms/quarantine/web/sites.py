"""Sites: the list, one opened, closed, opened again, furnished with rooms."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.filters import Choice
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.formats import percent
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.forms import ReasonForm, RoomsForm, SiteForm
from qipan.rooms.quarantine.models import Room, Site
from qipan.rooms.quarantine.rules import room_numbers
from qipan.rooms.quarantine.selectors import SiteLine, access_room, access_site, is_open, site_lines
from qipan.rooms.quarantine.services import NewRoom
from qipan.rooms.quarantine.web.shown import demand
from qipan.terms.errors import Refused
from qipan.terms.roles import Permission


def _figure(key: str, title: Words, *, wide: bool = False) -> Column:
    return Column(key=key, title=title, kind=Kind.NUMBER, sort=key, wide=wide)


class Sites(ListPage):
    """The quarantine sites, each with its figures of this moment."""

    title = _("Quarantine sites")
    section = "quarantine"
    permission = Permission.ROOM_VIEW
    columns = (
        Column(key="name", title=_("Site"), sort="name"),
        Column(key="area_path", title=_("Area"), kind=Kind.AREA, wide=True),
        _figure("rooms", _("Rooms"), wide=True),
        _figure("beds", _("Beds"), wide=True),
        _figure("taken", _("Taken")),
        _figure("free", _("Free")),
        Column(key="share", title=_("Share taken"), value=lambda line: percent(line.taken, line.beds), wide=True),
        _figure("arrivals", _("Arrivals due")),
        _figure("releases", _("Releases")),
        _figure("inside", _("Without order")),
        Column(key="is_open", title=_("Open now"), kind=Kind.YES_NO),
    )
    filters = (
        Choice(name="state", title=_("State"), options=(("open", _("site open")), ("closed", _("site closed"))),
               keep=lambda rows, value: [row for row in rows if row.is_open == (value == "open")]),
        Choice(name="alarm", title=_("Alarm"), options=(("inside", _("somebody inside without an order")),),
               keep=lambda rows, value: [row for row in rows if row.inside]),
    )  # fmt: skip
    opens, opens_key = "site", "site_id"
    row_key = "site_id"
    export = "sites"
    help = _(
        "Beds of rooms in use at this moment; arrivals due from the site's own area; releases due today; people inside "
        "without an order, which must be 0. Open a site to see its rooms."
    )
    empty = _("There is no quarantine site here. Add one, or import a file of rooms.")

    def rows(self) -> Sequence[SiteLine]:
        """The sites of the chosen area."""
        return site_lines(self.actor, self.at, self.area.path)

    def head(self) -> Sequence[Link]:
        """The lists behind the figures; a new site for whoever may furnish one."""
        links = [
            Link(_("Arrivals due"), address("arrivals")),
            Link(_("Releases due"), address("releases")),
            Link(_("Stays"), address("stays")),
        ]
        if self.actor.areas_for(Permission.ROOM_MANAGE):
            links.append(Link(_("Add a site"), address("site-add"), primary=True))
        return links


class SiteAdd(FormPage):
    """A new site, open from now on."""

    title = _("Add a quarantine site")
    section = "quarantine"
    permission = Permission.ROOM_MANAGE
    form = SiteForm
    button = _("Add the site")
    help = _("A site is open as soon as it is added. Then add its rooms.")

    def initial(self, thing: Any) -> dict[str, Any]:
        """The chosen area."""
        return {"area_code": self.area.code}

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Open it."""
        site = services.site_open(actor=self.actor, name=data["name"], area_code=data["area_code"], at=self.at)
        return Done(_("The site is open. Add its rooms."), address("site", site.pk))

    def back(self, thing: Any) -> str:
        """The list."""
        return address("sites")


class SiteForms(FormPage):
    """A form about a site that the reader furnishes."""

    section = "quarantine"
    permission = Permission.ROOM_MANAGE

    def fetch(self, **kwargs: Any) -> Site:
        """Absent where the reader may not furnish it."""
        site = access_site(self.actor, kwargs["site_id"])
        demand(self.actor, Permission.ROOM_MANAGE, site)
        return site

    def heading(self, thing: Site) -> Words:
        """What, and where."""
        return f"{self.page_title()} · {thing.name}"

    def back(self, thing: Site) -> str:
        """The room board."""
        return address("site", thing.pk)


class RoomsAdd(SiteForms):
    """A range of rooms."""

    title = _("Add rooms")
    form = RoomsForm
    button = _("Add the rooms")
    help = _("Rooms of one kind at a time. A file of rooms can be imported as well.")

    def submit(self, thing: Site, data: dict[str, Any]) -> Done:
        """All or none."""
        numbers = room_numbers(data["first"], data["last"])
        rooms = [NewRoom(number, data["kind"], data["capacity"]) for number in numbers]
        made = services.rooms_add(actor=self.actor, site_id=thing.pk, rooms=rooms, at=self.at)
        said = ngettext("%(n)s room is added.", "%(n)s rooms are added.", made) % {"n": made}
        return Done(said, address("site", thing.pk))


class SiteClose(SiteForms):
    """No more arrivals here."""

    title = _("Close the site")
    button = _("Close the site")
    confirm = True
    grave = True
    help = _("A site is closed once everybody has left. It can be opened again.")

    def fetch(self, **kwargs: Any) -> Site:
        """An open one."""
        site = super().fetch(**kwargs)
        if not is_open(site, self.at):
            raise Refused("This site is closed already.")
        return site

    def consequences(self, thing: Site, data: dict[str, Any]) -> Sequence[Consequence]:
        """What it means."""
        return (
            Consequence(_("Effect"), _("Nobody can be received here any more; its beds no longer count.")),
            Consequence(_("People inside"), _("While somebody stays here it is refused: move or let them go first.")),
            Consequence(_("End"), _("It stays closed until somebody opens it again.")),
        )

    def submit(self, thing: Site, data: dict[str, Any]) -> Done:
        """Refused while somebody is inside."""
        services.site_close(actor=self.actor, site_id=thing.pk, at=self.at)
        return Done(_("The site is closed."), address("site", thing.pk))


class SiteReopen(SiteForms):
    """Arrivals again."""

    title = _("Open the site again")
    button = _("Open the site again")

    def submit(self, thing: Site, data: dict[str, Any]) -> Done:
        """Open it."""
        services.site_reopen(actor=self.actor, site_id=thing.pk, at=self.at)
        return Done(_("The site is open again."), address("site", thing.pk))


class RoomForms(FormPage):
    """A form about a room that the reader furnishes."""

    section = "quarantine"
    permission = Permission.ROOM_MANAGE

    def fetch(self, **kwargs: Any) -> Room:
        """Absent where the reader may not furnish its site."""
        room = access_room(self.actor, kwargs["room_id"])
        demand(self.actor, Permission.ROOM_MANAGE, room.site)
        return room

    def heading(self, thing: Room) -> Words:
        """What, and which."""
        room = gettext("room %(room)s") % {"room": thing.number}
        return f"{self.page_title()} · {room} · {thing.site.name}"

    def back(self, thing: Room) -> str:
        """The room."""
        return address("room", thing.pk)


class RoomOut(RoomForms):
    """A room out of use."""

    title = _("Take out of use")
    form = ReasonForm
    button = _("Take the room out of use")
    grave = True
    help = _("Nobody is placed in a room out of use. While somebody is in it, it is refused: move them first.")

    def submit(self, thing: Room, data: dict[str, Any]) -> Done:
        """Refused while somebody is in it."""
        services.room_take_out_of_use(actor=self.actor, room_id=thing.pk, reason=data["reason"], at=self.at)
        return Done(_("The room is out of use."), address("site", thing.site_id))


class RoomIn(RoomForms):
    """A room in use again."""

    title = _("Put back in use")
    button = _("Put the room back in use")

    def submit(self, thing: Room, data: dict[str, Any]) -> Done:
        """In use from now on."""
        services.room_put_in_use(actor=self.actor, room_id=thing.pk, at=self.at)
        return Done(_("The room is in use again."), address("site", thing.site_id))
