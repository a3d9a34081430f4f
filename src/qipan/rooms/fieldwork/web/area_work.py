"""The supervisor's view: the work of the area by grid cell, and each thing to do."""

from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.filters import Choice
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.rooms.fieldwork.selectors import CellWork, WorkItem, local, work_by_cell, work_of_day
from qipan.rooms.fieldwork.web.shown import Task, TaskState
from qipan.rooms.geography.selectors import access_area
from qipan.terms.errors import Absent
from qipan.terms.evidence import FollowUpOutcome, OrderKind
from qipan.terms.roles import Permission


def _figure(key: str, title: Words, *, wide: bool = False) -> Column:
    return Column(key=key, title=title, kind=Kind.NUMBER, sort=key, wide=wide)


def _links(page: Page) -> list[Link]:
    links = [
        Link(_("By area"), address("field-cells")),
        Link(_("Everything to do"), address("field-tasks")),
        Link(_("Visits"), address("visits")),
    ]
    if page.actor.areas_for(Permission.VISIT_RECORD):
        links.append(Link(_("Today’s doors"), address("field-work"), primary=True))
    here = page.request.path
    return [link for link in links if link.url != here]


class FieldCells(ListPage):
    """How far the work of today is, by area."""

    title = _("Field work of today")
    section = "field"
    permission = Permission.VISIT_VIEW
    columns = (
        Column(key="area_path", title=_("Area"), kind=Kind.AREA),
        _figure("overdue", _("Overdue")),
        _figure("due", _("Due")),
        _figure("done", _("Done")),
        _figure("tried", _("Tried, again another day")),
        _figure("to_tracer", _("Passed to the tracer")),
        _figure("to_supervisor", _("Passed to the supervisor")),
    )
    filters = (
        Choice(name="state", title=_("State"),
               options=(("overdue", _("with something overdue")), ("due", _("with something due"))),
               keep=lambda rows, value: [row for row in rows if getattr(row, value)]),
    )  # fmt: skip
    sort = ("overdue", True)
    opens, opens_key = "field-cell", "area_code"
    row_key = "area_code"
    export = "field-cells"
    help = _(
        "Visits and samples of today by grid cell. Overdue: due, and missed before today. Open a row to see each of "
        "them. What was passed on waits for a tracer or for you."
    )
    empty = _("Nobody here is bound at home or due for a sample today.")

    def rows(self) -> Sequence[CellWork]:
        """Of the chosen area."""
        return work_by_cell(self.actor, local(self.at).date(), self.area.path)

    def head(self) -> Sequence[Link]:
        """The other lists of field work."""
        return _links(self)


class FieldCell(Page):
    """One area's work: the list, narrowed to it."""

    section = "field"
    permission = Permission.VISIT_VIEW

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """To the list. Absent where the area is not the reader's."""
        area = access_area(self.actor, kwargs["code"])
        if not self.actor.may(Permission.VISIT_VIEW, area.path):
            raise Absent("area")
        return redirect(with_area(address("field-tasks"), area.code))


def _task_state(item: WorkItem) -> str:
    if item.done:
        return TaskState.DONE.value
    if not item.due:
        return TaskState.TRIED.value
    return (TaskState.OVERDUE if item.missed_since is not None else TaskState.DUE).value


class FieldTasks(ListPage):
    """Each thing to do today, done or not."""

    title = _("Everything to do today")
    section = "field"
    permission = Permission.VISIT_VIEW
    columns = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON, sort="person_id"),
        Column(key="task", title=_("Task"), kind=Kind.WORD, words=Task, sort="task"),
        Column(key="state", title=_("State"), kind=Kind.WORD, words=TaskState),
        Column(key="order_kind", title=_("Order"), kind=Kind.WORD, words=OrderKind),
        Column(key="area_path", title=_("Area"), kind=Kind.AREA, sort="area_path"),
        Column(key="due_on", title=_("Due on"), kind=Kind.DATE, sort="due_on"),
        Column(key="missed_since", title=_("Missed since"), kind=Kind.DATE),
        Column(key="last_outcome", title=_("Outcome today"), kind=Kind.WORD, words=FollowUpOutcome),
        Column(key="not_found_in_row", title=_("Not found in a row"), kind=Kind.NUMBER, sort="not_found_in_row",
               wide=True),
        Column(key="order_id", title=_("Order number"), link="order", link_key="order_id", wide=True),
    )  # fmt: skip
    filters = (
        Choice(name="state", title=_("State"), words=TaskState,
               keep=lambda rows, value: [row for row in rows if row["state"] == value]),
        Choice(name="task", title=_("Task"), words=Task,
               keep=lambda rows, value: [row for row in rows if row["task"] == value]),
    )  # fmt: skip
    row_key = "order_id"
    person_key = "person_id"
    export = "field-tasks"
    help = _("Every visit and every sample of today, by area and household, with what came of it.")
    empty = _("Nobody here is bound at home or due for a sample today.")

    def rows(self) -> Sequence[dict[str, Any]]:
        """Of the chosen area, in walking order."""
        items = work_of_day(self.actor, local(self.at).date(), self.area.path)
        return [
            {name: getattr(item, name) for name in WorkItem.__slots__} | {"state": _task_state(item)} for item in items
        ]

    def head(self) -> Sequence[Link]:
        """The other lists of field work."""
        return _links(self)
