"""What can be done with a list as a whole: bulk actions (preview, undo), opening its names, export."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.core import signing
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from qipan.foundation.access.scoping import holds_wherever
from qipan.foundation.exports.services import FORMS, ROW_CAP, export_rows
from qipan.foundation.http.paging import Slice
from qipan.foundation.pages import names as vault_names
from qipan.foundation.pages.columns import Column, attribute, export_value, names_for
from qipan.foundation.pages.page import GUARDED, Page, Words
from qipan.foundation.pages.saved_views import view_forget, view_save
from qipan.terms.errors import Absent, BadInput, QipanError
from qipan.terms.roles import Actor, Permission

_SALT = "qipan.pages.undo"
#: seconds in which a bulk action can be undone
UNDO_SECONDS = 15 * 60
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bulk action came to: how many were done, and what was refused, in words."""

    done: int
    refused: Sequence[str] = ()
    #: what `undo` needs (JSON values); None where nothing can be undone
    undo: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """Something done to many chosen rows.

    `preview(actor, keys, at)`: a line a row that says what would happen, before it does. `run` does it, row by row or
    all at once, each through its service. `undo(actor, token, at)` takes it back, through services as well.
    """

    name: str
    title: Words
    permission: Permission
    preview: Callable[[Actor, Sequence[str], datetime], Sequence[str]]
    run: Callable[[Actor, Sequence[str], datetime], Outcome]
    undo: Callable[[Actor, Any, datetime], Outcome] | None = None
    #: what it means for the people concerned, said before it is confirmed
    effect: Words = ""


class ListBase(Page):
    """What the acts need of the list itself (list_page.ListPage)."""

    columns: ClassVar[Sequence[Column]] = ()

    def page_name(self) -> str:
        """Name of the page's URL."""
        raise NotImplementedError

    def filtered(self) -> Any:
        """All rows that the filters leave."""
        raise NotImplementedError

    def slice(self, rows: Any) -> Slice[Any]:
        """The page of rows that the cursor asks for."""
        raise NotImplementedError

    def kept(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Of the rows of a queryset as they were read, those that are shown and exported: a room drops what it cannot
        vouch for, or hangs on a row what its columns say.
        """
        return rows

    def query(self, **changes: str | None) -> str:
        """The present address with some parameters changed."""
        raise NotImplementedError

    def list_answer(self, *, names: dict[int, str] | None = None, status: int = 200, **more: Any) -> HttpResponse:
        """The list as a page."""
        raise NotImplementedError


class ListExport(ListBase):
    """Export: its own right, behind the second factor, for a purpose, capped, watermarked, logged."""

    #: name of the export; "" where the list is not exported
    export: ClassVar[str] = ""

    def can_export(self) -> bool:
        """Whether the reader may take this list away: wherever its rows come from."""
        if not self.export or self.permission is None:
            return bool(self.export and self.actor.areas_for(Permission.ROWS_EXPORT))
        return holds_wherever(self.actor, Permission.ROWS_EXPORT, held=self.permission, area_path=self.area.path)

    def asks_second_factor(self) -> bool:
        """Export asks for it whatever the list itself asks."""
        exporting = "export" in self.request.GET or self.request.POST.get("act") == "export"
        return super().asks_second_factor() or bool(self.export and exporting)

    def export_form(self, error: QipanError | None = None) -> HttpResponse:
        """What will leave, for which purpose."""
        if not self.can_export():
            raise Absent("page")
        rows = self.filtered()
        total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        return self.show(
            "pages/export.html", total=total, cap=ROW_CAP, forms=FORMS, error=error,
            columns=[column.title for column in self.columns],
            back=self.query(export=None), status=400 if error else 200,
        )  # fmt: skip

    def export_answer(self) -> HttpResponse:
        """The file; a refusal is said on the form."""
        if not self.can_export():
            raise Absent("page")
        rows = list(self.filtered()[: ROW_CAP + 1])
        rows = list(self.kept(rows)) if len(rows) <= ROW_CAP else rows
        names = names_for(self.columns, rows)
        try:
            file = export_rows(
                actor=self.actor,
                what=self.export,
                headers=[column.key.replace("__", "_") for column in self.columns],
                rows=[[export_value(column, row, names) for column in self.columns] for row in rows],
                area_path=self.area.path,
                purpose=self.request.POST.get("purpose", ""),
                at=self.at,
                form=self.request.POST.get("form", "csv"),
            )
        except BadInput as error:
            return self.export_form(error)
        answer = HttpResponse(file.content, content_type=file.content_type)
        answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
        return answer


class ListActs(ListExport):
    """Bulk actions, saved views and opened names: the POSTs of a list."""

    bulk: ClassVar[Sequence[BulkAction]] = ()
    person_key: ClassVar[str] = ""

    def asks_second_factor(self) -> bool:
        """Bulk actions ask for it where their permission does."""
        act = self.request.POST.get("act", "")
        return super().asks_second_factor() or any(a.name == act and a.permission in GUARDED for a in self.bulk)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """One of the list's acts, by the field `act`."""
        act = self.request.POST.get("act", "")
        if act == "names":
            return self._open_names()
        if act == "save-view":
            view_save(
                actor=self.actor, page=self.page_name(), name=self.request.POST.get("name", ""),
                query=self.request.GET.urlencode(), at=self.at,
            )  # fmt: skip
            messages.success(self.request, gettext("The view is saved."))
            return redirect(self.request.get_full_path())
        if act == "forget-view":
            view_forget(actor=self.actor, view_id=_whole(self.request.POST.get("view", "")), at=self.at)
            return redirect(self.request.get_full_path())
        if act == "undo":
            return self._undo()
        if act == "export":
            return self.export_answer()
        return self._bulk(act)

    def bulk_offered(self) -> Sequence[BulkAction]:
        """The bulk actions that the reader may do somewhere."""
        return [action for action in self.bulk if self.actor.areas_for(action.permission)]

    def _action(self, name: str) -> BulkAction:
        for action in self.bulk_offered():
            if action.name == name:
                return action
        raise Absent("action")

    def _bulk(self, name: str) -> HttpResponse:
        action = self._action(name)
        keys = list(dict.fromkeys(self.request.POST.getlist("row")))
        if not keys:
            raise BadInput("Choose the rows first.")
        if len(keys) > MOST_AT_ONCE:
            raise BadInput("At most %(most)s rows are done at once.", most=MOST_AT_ONCE)
        if "confirm" not in self.request.POST:
            lines = action.preview(self.actor, keys, self.at)
            return self.show("pages/bulk_preview.html", action=action, keys=keys, lines=lines)
        outcome = action.run(self.actor, keys, self.at)
        self._tell(action, outcome, undone=False)
        return redirect(self.request.get_full_path())

    def _tell(self, action: BulkAction, outcome: Outcome, *, undone: bool) -> None:
        text = gettext("%(action)s: %(n)s done.") if not undone else gettext("%(action)s: %(n)s taken back.")
        told = text % {"action": action.title, "n": outcome.done}
        extra = ""
        if outcome.undo is not None and action.undo is not None and not undone:
            extra = signing.dumps([self.page_name(), action.name, self.actor.user_id, outcome.undo], salt=_SALT)
        messages.success(self.request, told, extra_tags=f"undo:{extra}" if extra else "")
        for refused in outcome.refused[:20]:
            messages.warning(self.request, refused)

    def _undo(self) -> HttpResponse:
        try:
            page, name, user_id, token = signing.loads(
                self.request.POST.get("token", ""), salt=_SALT, max_age=UNDO_SECONDS
            )
        except (signing.BadSignature, ValueError, TypeError):
            raise BadInput("This can no longer be undone.") from None
        action = self._action(name)
        if page != self.page_name() or user_id != self.actor.user_id or action.undo is None:
            raise BadInput("This can no longer be undone.")
        self._tell(action, action.undo(self.actor, token, self.at), undone=True)
        return redirect(self.request.get_full_path())

    # ------------------------------------------------------------------ names

    def can_open_names(self) -> bool:
        """Whether the list holds people whose names the reader may open."""
        return bool(self.person_key and self.actor.areas_for(Permission.IDENTITY_OPEN))

    def purposes(self) -> Sequence[tuple[str, Words]]:
        """The purposes for which names are opened."""
        return vault_names.purposes()

    def _open_names(self) -> HttpResponse:
        if not self.can_open_names():
            raise Absent("page")
        part = self.slice(self.filtered())
        people = {attribute(row, self.person_key) for row in part.rows} - {None}
        opened = vault_names.open_names(self.actor, people, self.request.POST.get("purpose", ""), self.at)
        return self.list_answer(names=opened)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Absent("view") from None
