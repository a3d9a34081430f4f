"""Pages of units: who is responsible for what, and who can be reached there now."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice, Text
from qipan.foundation.pages.form_page import Done, FormPage
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import word
from qipan.rooms.organizations.forms import UnitField, UnitForm, unit_name
from qipan.rooms.organizations.models import Unit
from qipan.rooms.organizations.selectors import (
    access_unit,
    list_memberships,
    list_task_forces,
    list_units,
    local_day,
    who_is_on_duty,
    with_member_count,
)
from qipan.rooms.organizations.services import unit_create
from qipan.terms.roles import Permission, Role

NAME = Column(key="name", title=_("Name"), value=unit_name)
CODE = Column(key="code", title=_("Code"), sort="code")
KIND = Column(key="kind", title=_("Kind"), kind=Kind.WORD, words=Unit.Kind, sort="kind")
AREA = Column(key="area_path", title=_("Area"), kind=Kind.AREA, sort="area_path")
UNIT_LINK = Column(key="unit", title=_("Unit"), value=lambda row: unit_name(row.unit), link="unit",
                   link_key="unit__code")  # fmt: skip


class Units(ListPage):
    """The units that the reader may see."""

    title = _("Units")
    section = "units"
    permission = Permission.UNIT_VIEW
    columns = (NAME, CODE, KIND, AREA, Column(key="members", title=_("Members"), kind=Kind.NUMBER))
    filters = (Choice(name="kind", title=_("Kind"), words=Unit.Kind), Text(name="code", title=_("Code")))
    sort = ("code", False)
    opens, opens_key = "unit", "code"
    row_key = "code"
    export = "units"
    help = _(
        "Who is responsible for what: headquarters, centres for disease control, hospitals, laboratories, quarantine "
        "sites, community committees. Open one to see its members and who is on duty."
    )
    empty = _("No unit serves this area alone: look in the area above it.")

    def rows(self) -> QuerySet[Unit]:
        """Of the chosen area and everything below it."""
        return with_member_count(list_units(self.actor, self.area.path), local_day(self.at))

    def head(self) -> Sequence[Link]:
        """To task forces and duty; adding a unit."""
        links = [Link(_("On duty"), address("duty")), Link(_("Task forces"), address("task-forces"))]
        if self.actor.areas_for(Permission.UNIT_MANAGE):
            links.append(Link(_("Add a unit"), address("unit-add"), primary=True))
        return links


class UnitPage(DetailPage):
    """One unit: its members, who is on duty, what it leads, what belongs to it."""

    title = _("Unit")
    section = "units"
    permission = Permission.UNIT_VIEW
    facts = (
        CODE, AREA,
        Column(key="name_zh", title=_("Chinese name"), quoted=True),
        Column(key="name_en", title=_("English name"), quoted=True),
        Column(key="parent", title=_("Unit above it"), value=lambda unit: unit.parent and unit_name(unit.parent),
               link="unit", link_key="parent__code"),
    )  # fmt: skip
    help = _("Members hold a role here for an area and a time. Whoever is on duty can be reached now.")

    def fetch(self, **kwargs: Any) -> Unit:
        """Absent where it is not the reader's."""
        return access_unit(self.actor, kwargs["code"])

    def heading(self, thing: Unit) -> Words:
        """Its name."""
        return unit_name(thing)

    def state(self, thing: Unit) -> Sequence[State]:
        """What it is."""
        return (State(word(Unit.Kind, thing.kind)),)

    def actions(self, thing: Unit) -> Sequence[Action]:
        """Duty, and a unit below, by those who manage it."""
        if not self.actor.may(Permission.UNIT_MANAGE, thing.area_path):
            return ()
        return (
            Action(_("Put on duty"), f"{address('duty-assign')}?unit={thing.code}", primary=True),
            Action(_("Add a unit below"), f"{address('unit-add')}?parent={thing.code}"),
        )

    def panels(self, thing: Unit) -> Sequence[Panel]:
        """Duty, members, task forces, units below."""
        on_duty = who_is_on_duty(self.actor, at=self.at).filter(unit=thing)
        members = list_memberships(self.actor, day=local_day(self.at)).filter(unit=thing)
        forces = list_task_forces(self.actor, day=local_day(self.at)).filter(lead_unit=thing)
        below = list_units(self.actor).filter(parent=thing)
        account = "user" if self.actor.areas_for(Permission.USER_MANAGE) else ""
        who = Column(key="user__display_name", title=_("Full name"), link=account, link_key="user_id")
        return (
            Panel(_("On duty now"), (who, Column(key="ends_at", title=_("Until"), kind=Kind.INSTANT)),
                  list(on_duty[:50]), _("Nobody is on duty at this moment.")),
            Panel(_("Members"), (who, Column(key="role", title=_("Role"), kind=Kind.WORD, words=Role), AREA,
                                 Column(key="ends_on", title=_("Until"), kind=Kind.DATE)),
                  list(members[:200]), _("Nobody whom you may see holds a role here."), main=True),
            Panel(_("Task forces that it leads"),
                  (Column(key="name", title=_("Name"), value=unit_name, link="task-force"),),
                  list(forces[:50]), _("It leads none now.")),
            Panel(_("Units below it"),
                  (Column(key="name", title=_("Name"), value=unit_name, link="unit", link_key="code"), KIND),
                  list(below[:200]), _("No unit belongs to it.")),
        )  # fmt: skip


class UnitAdd(FormPage):
    """A new unit."""

    title = _("Add a unit")
    section = "units"
    permission = Permission.UNIT_MANAGE
    form = UnitForm
    button = _("Add the unit")
    help = _("A unit can be responsible: people hold roles in it, and somebody can be put on duty for it.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> UnitForm:
        """With the areas that the reader manages, and the units that he sees."""
        initial = {"parent": self.request.GET.get("parent", ""), "area": self.area.code}
        form = UnitForm(data, initial=initial)
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.UNIT_MANAGE)
        UnitField.of(form, "parent").offer(list(list_units(self.actor)))
        return form

    def back(self, thing: Any) -> str:
        """The list."""
        return address("units")

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Make it."""
        unit = unit_create(actor=self.actor, at=self.at, **data)
        return Done(gettext("The unit %(name)s is added.") % {"name": unit_name(unit)}, address("unit", unit.code))
