"""Pages of the log."""

import os
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.access.models import User
from qipan.foundation.audit.anchors import anchor_path, anchors_read
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.opening import is_sealed, reason_open
from qipan.foundation.audit.selectors import access_entry, list_entries
from qipan.foundation.audit.services import log_export
from qipan.foundation.jobs.log_check import VERIFY
from qipan.foundation.jobs.selectors import last_job
from qipan.foundation.jobs.services import job_start
from qipan.foundation.pages.actions import action_words
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel
from qipan.foundation.pages.filters import Days, Text
from qipan.foundation.pages.form_page import Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.jobs.views import progress_of
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.speech import say
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Permission

#: pages that show what an entry is about: subject kind -> name of the page
_PAGES = {
    "batch": "import", "job": "job", "case": "case", "order": "order", "evidence": "evidence", "appeal": "appeal",
    "site": "site", "entry": "log-entry", "area": "area",
}  # fmt: skip


def _subject(entry: AuditEntry) -> str:
    if not entry.subject_kind:
        return ""
    if entry.subject_kind == "person" and entry.subject_id.isdigit():
        return person_code(int(entry.subject_id))
    return f"{entry.subject_kind} {entry.subject_id}"


def _by_action(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """One action, or all whose names begin so ("order.")."""
    if text.endswith((".", "*")):
        start = text.rstrip("*")
        return rows.filter(action__gte=start, action__lt=start + "\uffff")
    return rows.filter(action=text)


def _by_subject(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """A person's code, or a kind with or without a number ("order", "order 17")."""
    try:
        return rows.filter(subject_kind="person", subject_id=str(parse_person_code(text)))
    except ValueError:
        kind, _blank, number = text.replace(":", " ").partition(" ")
        rows = rows.filter(subject_kind=kind)
        return rows.filter(subject_id=number.strip()) if number.strip() else rows


def _by_user(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """Whoever is called so now, and machinery by its label."""
    user = User.objects.filter(username=text).values_list("pk", flat=True).first()
    return rows.filter(actor_user_id=user) if user is not None else rows.filter(actor_label=text)


def _by_days(rows: QuerySet[AuditEntry], first: date | None, last: date | None) -> QuerySet[AuditEntry]:
    if first is not None:
        rows = rows.filter(at__gte=clock.day_start(first, clock.civil_zone()))
    return rows.filter(at__lt=clock.day_end(last, clock.civil_zone())) if last is not None else rows


AT = Column(key="at", title=_("When"), kind=Kind.INSTANT)
WHO = Column(key="actor_label", title=_("Who"))
ACTION = Column(key="action", title=_("What"), value=lambda entry: action_words(entry.action))
SUBJECT = Column(key="subject_kind", title=_("About"), value=_subject)
AREA = Column(key="area_path", title=_("Area"), kind=Kind.AREA, wide=True)
PURPOSE = Column(key="purpose", title=_("Purpose"), wide=True)


class Log(ListPage):
    """The entries that the reader may see, newest first."""

    title = _("Log")
    section = "log"
    permission = Permission.AUDIT_VIEW
    template = "pages/desk_list.html"
    columns = (Column(key="pk", title=_("Entry"), sort="pk"), AT, WHO, ACTION, SUBJECT, AREA, PURPOSE)
    filters = (
        Text(name="action", title=_("Action (“order.” for all of orders)"), keep=_by_action),
        Text(name="about", title=_("About (a person’s code, “order 17”)"), keep=_by_subject),
        Text(name="who", title=_("Who (user name)"), keep=_by_user),
        Days(name="days", title=_("Days"), keep=_by_days),
    )
    sort = ("pk", True)
    opens = "log-entry"
    export = "log"
    counted_to = 10_000
    lead_template = "pages/log/lead.html"
    help = _(
        "Every change, every opened name and everything that was refused, in one chain: an entry that is changed or "
        "taken out breaks it. “Verify now” reads the chain anew and compares it with the anchors."
    )
    empty = _("There is no entry yet that you may see.")

    def rows(self) -> QuerySet[AuditEntry]:
        """At and below the chosen area; everything where none is chosen."""
        entries = list_entries(self.actor)
        if "area" in self.request.GET and self.area.path != "/":
            # LIKE, as the log's own selector: the column is compared by language on PostgreSQL
            entries = entries.filter(area_path__startswith=self.area.path)
        return entries

    def lead(self) -> dict[str, Any]:
        """The last verification."""
        job = last_job(self.actor, VERIFY)
        result = job.result if job is not None and isinstance(job.result, dict) else None
        return {"job": job, "result": result, **(progress_of(job, self.at) if job is not None else {})}

    def head(self) -> Sequence[Link]:
        """The whole log leaves only for those who may see all of it."""
        if self.actor.may(Permission.AUDIT_VIEW, "/"):
            return (Link(_("Export the whole log"), address("log-export")),)
        return ()

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """“Verify now”, beside what every list can."""
        if self.request.POST.get("act") == "verify":
            job_start(actor=self.actor, kind=VERIFY, at=self.at)
            messages.success(self.request, gettext("The log is being verified."))
            return redirect(self.request.get_full_path())
        return super().post(*args, **kwargs)


class LogEntry(DetailPage):
    """One entry: everything that it says, and its place in the chain."""

    title = _("Entry of the log")
    section = "log"
    permission = Permission.AUDIT_VIEW
    template = "pages/desk_detail.html"
    facts = (
        AT, WHO, Column(key="actor_user_id", title=_("User"), kind=Kind.USER),
        Column(key="actor_unit_id", title=_("Unit"), kind=Kind.UNIT), ACTION, SUBJECT, AREA, PURPOSE,
    )  # fmt: skip
    body = "pages/log/entry.html"
    help = _("Reasons in somebody’s own words are sealed. You may read them for a purpose; that is an entry as well.")

    def fetch(self, **kwargs: Any) -> AuditEntry:
        """Absent where it is not the reader's."""
        return access_entry(self.actor, kwargs["seq"])

    def heading(self, thing: AuditEntry) -> Words:
        """Its number and action."""
        return f"{thing.seq} · {action_words(thing.action)}"

    def actions(self, thing: AuditEntry) -> Sequence[Action]:
        """To what it is about."""
        page = _PAGES.get(thing.subject_kind, "")
        url = ""
        if thing.subject_kind == "person" and thing.subject_id.isdigit():
            url = address("person", person_code(int(thing.subject_id)))
        elif page and thing.subject_id.isascii():
            url = address(page, int(thing.subject_id) if thing.subject_id.isdigit() else thing.subject_id)
        return (Action(_("Open what it is about"), url),) if url else ()

    def panels(self, thing: AuditEntry) -> Sequence[Panel]:
        """Its neighbours in the chain, as far as the reader sees them."""
        columns = (Column(key="seq", title=_("Entry"), link="log-entry", link_key="seq"), AT, ACTION)
        around = list(
            list_entries(self.actor).filter(seq__gte=thing.seq - 3, seq__lte=thing.seq + 3).exclude(seq=thing.seq)
        )
        about = _subject(thing) if thing.subject_kind == "person" else f"{thing.subject_kind} {thing.subject_id}"
        more = f"{address('log')}?{urlencode({'about': about.strip()})}"
        same = list_entries(self.actor, subject_kind=thing.subject_kind, subject_id=thing.subject_id)
        panels = [Panel(_("Neighbours"), columns, around, _("Its neighbours are not yours to see."))]
        if thing.subject_kind:
            panels.append(Panel(_("About the same"), columns, list(same.exclude(seq=thing.seq)[:8]), more=more))
        return panels

    def besides(self, thing: AuditEntry) -> dict[str, Any]:
        """Its detail as a table."""
        rows = [(key, _detail(value), is_sealed(key, value)) for key, value in thing.detail.items()]
        return {"entry": thing, "detail": rows, "sealed": any(row[2] for row in rows), "words": {}}

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Reading sealed words for a purpose."""
        entry = self.fetch(**kwargs)
        try:
            words = reason_open(
                actor=self.actor, seq=entry.seq, purpose=self.request.POST.get("purpose", ""), at=self.at
            )
        except (BadInput, Refused) as error:
            return self.answer(entry, status=400, error=say(error))
        return self.answer(entry, words=words)


def _detail(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_detail(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_detail(each) for each in value)
    return "–" if value is None else str(value)


class _Purpose(QipanForm):
    purpose = forms.CharField(
        label=_("Purpose"), min_length=8, max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In a sentence: who verifies the log, and why. No names of people."),
    )  # fmt: skip


class LogExport(FormPage):
    """The whole log as a file, for the stand-alone verifier."""

    title = _("Export the whole log")
    section = "log"
    permission = Permission.AUDIT_VIEW
    second_factor = True
    form = _Purpose
    button = _("Export")
    template = "pages/log/export.html"
    help = _(
        "The file is verified without qipan: python verify_log.py FILE --anchor ANCHORS. It holds ids and actions, no "
        "names; the export is itself the last entry in it."
    )

    def fetch(self, **kwargs: Any) -> dict[str, Any]:
        """Only for those who may see all of it."""
        if not self.actor.may(Permission.AUDIT_VIEW, "/"):
            raise Absent("page")
        path = anchor_path()
        return {"anchors": len(anchors_read(path)) if path.is_file() else 0}

    def back(self, thing: Any) -> str:
        """To the log."""
        return address("log")

    def submit(self, thing: Any, data: dict[str, Any]) -> Done | HttpResponseBase:
        """The file, written past memory, deleted as soon as it is open."""
        root = Path(settings.VAR) / "exports"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="log-", dir=root))
        path = folder / f"qipan-log-{self.at:%Y%m%d-%H%M}.jsonl"
        try:
            log_export(actor=self.actor, path=path, at=self.at, purpose=data["purpose"])
            file = path.open("rb")
        finally:
            path.unlink(missing_ok=True)
            os.rmdir(folder)
        return FileResponse(file, as_attachment=True, filename=path.name, content_type="application/x-ndjson")
