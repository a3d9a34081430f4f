"""Pages of task forces and of duty."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice
from qipan.foundation.pages.form_page import Consequence, Done, FormPage, act_on
from qipan.foundation.pages.formats import moment_text
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave
from qipan.rooms.organizations.forms import (
    DutyForm,
    LastDayForm,
    TaskForceForm,
    TaskForceMemberForm,
    UnitField,
    UserField,
    unit_name,
)
from qipan.rooms.organizations.models import Duty, TaskForce, Unit
from qipan.rooms.organizations.selectors import (
    access_task_force,
    colleagues,
    list_duties,
    list_task_force_members,
    list_task_forces,
    list_units,
    local_day,
)
from qipan.rooms.organizations.services import (
    duty_assign,
    task_force_close,
    task_force_member_add,
    task_force_open,
)
from qipan.rooms.organizations.web.units import AREA, UNIT_LINK
from qipan.terms.errors import Absent
from qipan.terms.roles import Permission

NAME = Column(key="name", title=_("Name"), value=unit_name)
LEAD = Column(key="lead_unit", title=_("Lead unit"), value=lambda force: unit_name(force.lead_unit), link="unit",
              link_key="lead_unit__code")  # fmt: skip
FROM = Column(key="starts_on", title=_("At work from"), kind=Kind.DATE, sort="starts_on")
UNTIL = Column(key="ends_on", title=_("Until"), kind=Kind.DATE, sort="ends_on")


class TaskForces(ListPage):
    """The task forces that the reader may see."""

    title = _("Task forces")
    section = "units"
    permission = Permission.UNIT_VIEW
    columns = (NAME, LEAD, Column(key="purpose", title=_("Purpose"), wide=True), AREA, FROM, UNTIL)
    filters = (
        Choice(
            name="state",
            title=_("State"),
            options=(("open", _("at work")), ("closed", _("closed"))),
            keep=lambda rows, value: rows.filter(ends_on__isnull=value == "open"),
        ),
    )
    sort = ("starts_on", True)
    opens = "task-force"
    help = _("Temporary bodies for one purpose: a lead unit, members sent by their units, a start and an end.")
    empty = _("No task force is or was at work here.")

    def rows(self) -> Any:
        """Of the chosen area."""
        return list_task_forces(self.actor, below=self.area.path)

    def head(self) -> Sequence[Link]:
        """Opening one."""
        if not self.actor.areas_for(Permission.UNIT_MANAGE):
            return ()
        return (Link(_("Open a task force"), address("task-force-add"), primary=True),)


class TaskForcePage(DetailPage):
    """One task force and its members."""

    title = _("Task force")
    section = "units"
    permission = Permission.UNIT_VIEW
    facts = (Column(key="purpose", title=_("Purpose")), LEAD, AREA, FROM, UNTIL)
    help = _("Being in a task force gives no right: what a member may see and do comes from roles.")

    def fetch(self, **kwargs: Any) -> TaskForce:
        """Absent where it is not the reader's."""
        return access_task_force(self.actor, kwargs["task_force_id"])

    def heading(self, thing: TaskForce) -> Words:
        """Its name."""
        return unit_name(thing)

    def state(self, thing: TaskForce) -> Sequence[State]:
        """Open or closed."""
        today = local_day(self.at)
        if thing.ends_on is not None and thing.ends_on < today:
            return (State(_("closed")),)
        return (State(_("at work"), Grave.GOOD) if thing.starts_on <= today else State(_("not yet at work")),)

    def actions(self, thing: TaskForce) -> Sequence[Action]:
        """Members and its end, while it is open."""
        if thing.ends_on is not None or not self.actor.may(Permission.UNIT_MANAGE, thing.area_path):
            return ()
        return (
            Action(_("Add a member"), address("task-force-member-add", thing.pk), primary=True),
            Action(_("Close"), address("task-force-close", thing.pk), grave=True),
        )

    def panels(self, thing: TaskForce) -> Sequence[Panel]:
        """Who is in it."""
        members = list_task_force_members(self.actor, thing.pk)
        return (
            Panel(_("Members"), (Column(key="user__display_name", title=_("Full name")),
                                 Column(key="function", title=_("Function")), UNIT_LINK),
                  list(members[:200]), _("Nobody is in it yet."), main=True),
        )  # fmt: skip


class TaskForceAdd(FormPage):
    """A new task force."""

    title = _("Open a task force")
    section = "units"
    permission = Permission.UNIT_MANAGE
    form = TaskForceForm
    button = _("Open the task force")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> TaskForceForm:
        """With the reader's areas and units."""
        form = TaskForceForm(data, initial={"area": self.area.code, "starts_on": local_day(self.at)})
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.UNIT_MANAGE)
        UnitField.of(form, "lead_unit").offer(list(list_units(self.actor)))
        return form

    def back(self, thing: Any) -> str:
        """The list."""
        return address("task-forces")

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Open it."""
        force = task_force_open(actor=self.actor, at=self.at, **data)
        return Done(gettext("The task force is open. Add its members."), address("task-force", force.pk))


class _OfTaskForce(FormPage):
    """A form about one task force."""

    section = "units"
    permission = Permission.UNIT_MANAGE

    def fetch(self, **kwargs: Any) -> TaskForce:
        """Absent where it is not the reader's to manage."""
        force = access_task_force(self.actor, kwargs["task_force_id"])
        if not self.actor.may(Permission.UNIT_MANAGE, force.area_path):
            raise Absent("task_force")
        return force

    def back(self, thing: Any) -> str:
        """The task force."""
        return address("task-force", thing.pk)

    def heading(self, thing: Any) -> Words:
        """What is done, to which."""
        return act_on(self.title, unit_name(thing))


class TaskForceMemberAdd(_OfTaskForce):
    """Somebody sent into it."""

    title = _("Add a member")
    button = _("Add the member")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> TaskForceMemberForm:
        """With the colleagues whom the reader sees."""
        form = TaskForceMemberForm(data)
        UserField.of(form).offer(list(colleagues(self.actor, day=local_day(self.at))))
        UnitField.of(form).offer(list(list_units(self.actor)))
        return form

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Add."""
        task_force_member_add(actor=self.actor, task_force=thing, at=self.at, **data)
        return Done(
            gettext("%(name)s is in the task force.") % {"name": data["user"].display_name}, self.back(thing)
        )


class TaskForceClose(_OfTaskForce):
    """Its end."""

    title = _("Close the task force")
    button = _("Close the task force")
    form = LastDayForm
    confirm = grave = True

    def initial(self, thing: Any) -> dict[str, Any]:
        """Today."""
        return {"last_day": local_day(self.at)}

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """It stays closed."""
        return (
            Consequence(_("End"), gettext("Its last day is %(day)s.") % {"day": data["last_day"]}),
            Consequence(_("Effect"), _("Nobody can be added any more. It cannot be opened again: open a new one.")),
        )

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Close."""
        task_force_close(actor=self.actor, task_force=thing, at=self.at, **data)
        return Done(gettext("The task force is closed."), self.back(thing))


class DutyList(ListPage):
    """Who can be reached, now and later."""

    title = _("On duty")
    section = "units"
    permission = Permission.UNIT_VIEW
    columns = (
        Column(key="user__display_name", title=_("Full name")),
        UNIT_LINK,
        Column(key="unit__area_path", title=_("Area"), kind=Kind.AREA, wide=True),
        Column(key="starts_at", title=_("From"), kind=Kind.INSTANT, sort="starts_at"),
        Column(key="ends_at", title=_("Until"), kind=Kind.INSTANT, sort="ends_at"),
    )
    filters = (Choice(name="when", title=_("When"), options=(("now", _("now")), ("later", _("later")))),)
    sort = ("starts_at", False)
    help = _("Who can be reached for a unit, from when to when. Closed accounts are left out.")
    empty = _("Nobody is on duty here, now or later: put somebody on duty.")

    def rows(self) -> Any:
        """Of the chosen area."""
        return list_duties(self.actor, at=self.at, below=self.area.path)

    def filtered(self) -> Any:
        """`when` needs the moment of the request."""
        rows, when = self.rows(), self.values().get("when")
        if when is None:
            return rows
        return rows.filter(starts_at__lte=self.at) if when == "now" else rows.filter(starts_at__gt=self.at)

    def head(self) -> Sequence[Link]:
        """Putting somebody on duty."""
        if not self.actor.areas_for(Permission.UNIT_MANAGE):
            return ()
        return (Link(_("Put on duty"), address("duty-assign"), primary=True),)


class DutyAssign(FormPage):
    """Somebody is put on duty."""

    title = _("Put on duty")
    section = "units"
    permission = Permission.UNIT_MANAGE
    button = _("Put on duty")
    help = _("Whoever is on duty is shown with the unit from the first moment to the last, and can be called.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> DutyForm:
        """With the units that the reader manages and the colleagues whom he sees; from this hour, for twelve."""
        hour = self.at.replace(minute=0, second=0, microsecond=0)
        initial: dict[str, Any] = {
            "unit": self.request.GET.get("unit", ""), "starts_at": hour, "ends_at": hour + timedelta(hours=12),
        }  # fmt: skip
        form = DutyForm(data, initial=initial)
        UnitField.of(form).offer(self._units())
        UserField.of(form).offer(list(colleagues(self.actor, day=local_day(self.at))))
        return form

    def _units(self) -> list[Unit]:
        return [u for u in list_units(self.actor) if self.actor.may(Permission.UNIT_MANAGE, u.area_path)]

    def back(self, thing: Any) -> str:
        """The list of duties."""
        return address("duty")

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Assign."""
        duty: Duty = duty_assign(actor=self.actor, at=self.at, **data)
        said = {
            "name": data["user"].display_name, "unit": unit_name(data["unit"]), "moment": moment_text(duty.ends_at),
        }  # fmt: skip
        return Done(gettext("%(name)s is on duty for %(unit)s until %(moment)s.") % said, self.back(thing))
