"""The steps between a chosen file and its batch: understood, preview, run."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.intake.kinds import ColumnType, FileKind, file_kind
from qipan.foundation.intake.mapping import make_mapping
from qipan.foundation.intake.running import FILE, batch_of, upload_start
from qipan.foundation.intake.understanding import Preview, Understood, preview, understand
from qipan.foundation.intake.uploads import Upload, access_upload, opened, upload_delete, upload_save
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.selectors import access_job
from qipan.foundation.pages.imports import mapping as mappings
from qipan.foundation.pages.imports.choosing import STEPS
from qipan.foundation.pages.imports.listing import kind_words
from qipan.foundation.pages.imports.speech import column_name, encoding_said, form_said, kinds_for
from qipan.foundation.pages.jobs.speech import kind_title
from qipan.foundation.pages.jobs.views import progress_of
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.foundation.pages.speech import say
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, QipanError, Refused
from qipan.terms.roles import Permission

_ZONES = ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Singapore", "UTC")


class _Step(Page):
    """A step of the wizard: one's own upload, or nothing."""

    section = "imports"
    permission = Permission.BATCH_VIEW
    step = 1
    upload: Upload

    def fetch(self, token: str) -> Upload:
        """The upload. Absent where it is another's, gone, or of a kind that its owner may not take in any more."""
        self.upload = access_upload(self.actor, token)
        if self.kind not in kinds_for(self.actor):
            raise Absent("upload")
        return self.upload

    @property
    def kind(self) -> FileKind:
        """What the file holds."""
        return file_kind(self.upload.kind)

    def page_title(self) -> Words:
        """The step, and of which file."""
        return f"{self.title}: {self.upload.file_name}" if hasattr(self, "upload") else self.title

    def to(self, name: str, *args: Any) -> str:
        """The address of another page, within the chosen area."""
        return with_area(address(name, *args), self.request.GET.get("area", ""))

    def answer(self, *, status: int = 200, error: str = "", **context: Any) -> HttpResponse:
        """The step."""
        steps = [(title, number == self.step) for number, title in enumerate(STEPS)]
        return self.show(
            status=status, steps=steps, error=error, upload=self.upload, kind_title=kind_words(self.upload.kind),
            **context,
        )  # fmt: skip

    def failure(self) -> str:
        """Why the last try did not succeed, in the reader's language."""
        kept = self.upload.failure
        return say(QipanError(kept["message"], **kept["params"])) if kept else ""


class ImportRead(_Step):
    """What was understood of the file, and how it is to be read."""

    title = _("What was understood")
    template = "pages/imports/understood.html"
    help = _(
        "Check that header row, columns and number of rows are what the sender meant. Columns that are kept aside are "
        "not read; missing ones are chosen from the file’s own."
    )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The step."""
        self.fetch(kwargs["token"])
        try:
            understood = self.read()
        except (BadInput, Refused) as error:
            return self._unreadable(error)
        return self._show(understood, error=self.failure())

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Read otherwise, go on, or throw the file away."""
        self.fetch(kwargs["token"])
        act = self.request.POST.get("act", "")
        if act == "discard":
            upload_delete(self.upload)
            messages.success(self.request, gettext("The file is thrown away. Nothing of it was stored."))
            return redirect(self.to("imports"))
        before = (dict(self.upload.mapping), self.upload.mapping_from)
        try:
            if act == "read":
                self._read_otherwise()
            else:
                self._choose_columns()
            understood = self.read()
        except (BadInput, Refused) as error:
            self.upload.mapping, self.upload.mapping_from = before
            try:
                return self._show(self.read(), error=say(error), status=400)
            except (BadInput, Refused):
                return self._unreadable(error)
        self.upload.failure = None
        upload_save(self.upload)
        if act == "read":
            return redirect(self.to("import-read", self.upload.token))
        if understood.missing:
            names = ", ".join(column_name(self.kind, name) for name in understood.missing)
            error_text = gettext("Choose a column of the file for: %(columns)s.") % {"columns": names}
            return self._show(understood, error=error_text, status=400)
        if understood.at_limit and self.upload.confirm_rows is None:
            return self._show(understood, error=gettext("Give the sender’s count of rows first."), status=400)
        return redirect(self.to("import-preview", self.upload.token))

    def read(self) -> Understood:
        """Understand the file under its present mapping. Raises BadInput."""
        upload = self.upload
        row = int(upload.mapping.get("header_row", 0) or 0)
        counted = upload.rows if upload.rows_under and upload.rows_under == row else None
        with opened(upload) as path:
            understood = understand(path, self.kind, upload.mapping, rows=counted)
        if (understood.rows, understood.header_row) != (upload.rows, upload.rows_under):
            upload.rows, upload.rows_under = understood.rows, understood.header_row
            if understood.header_row:
                upload.mapping = {**upload.mapping, "header_row": understood.header_row}
            upload_save(upload)
        return understood

    def _read_otherwise(self) -> None:
        """Another mapping, header row or time zone."""
        post = self.request.POST
        choice = post.get("mapping", mappings.NAMES)
        data = mappings.chosen(self.actor, self.upload, choice, clock.civil_zone())
        row = post.get("header_row", "").strip()
        if row:
            if not (row.isascii() and row.isdigit() and 1 <= int(row[:4]) <= 100):
                raise BadInput("The header row is a number from 1 to 100.")
            data["header_row"] = int(row)
        else:
            data.pop("header_row", None)
        if post.get("time_zone"):
            data["time_zone"] = post["time_zone"][:40]
        make_mapping(data, self.kind)
        self.upload.mapping, self.upload.mapping_from = data, choice
        self.upload.rows, self.upload.rows_under = None, 0

    def _choose_columns(self) -> None:
        """Column by column, and what the sender counted."""
        post, upload = self.request.POST, self.upload
        answers = {key[4:]: str(value) for key, value in post.items() if key.startswith("col-")}
        counted = post.get("confirm_rows", "").replace(",", "").replace("\u202f", "").strip()
        if counted and not (counted.isascii() and counted.isdigit() and len(counted) < 12):
            raise BadInput("The sender’s count is a number of rows.")
        understood = self.read()
        if answers and not understood.exploded:
            shown = {column.name: column.theirs if column.how in ("name", "mapping") else "" for column in
                     understood.columns}  # fmt: skip
            changed = {name: theirs for name, theirs in answers.items() if shown.get(name, "") != theirs}
            if changed:
                made = mappings.with_columns(upload.mapping, self.kind, understood.header, changed)
                make_mapping(made, self.kind)
                upload.mapping, upload.mapping_from = made, mappings.OWN
        upload.confirm_rows = int(counted) if counted else None
        upload.all_or_nothing = post.get("all_or_nothing") == "1"

    def _show(self, understood: Understood, *, error: str = "", status: int = 200) -> HttpResponse:
        kind = self.kind
        has_times = any(column.type is ColumnType.INSTANT for column in kind.columns)
        zone = self.upload.mapping.get("time_zone") or clock.civil_zone()
        columns = [
            (column, column_name(kind, column.name), column.name in understood.missing)
            for column in understood.columns
        ]
        return self.answer(
            status=status, error=error, understood=understood, columns=columns, encoding=encoding_said(understood),
            form=form_said(understood), choices=mappings.choices(self.actor, self.upload),
            missing=[column_name(kind, name) for name in understood.missing],
            zones=sorted({zone, *_ZONES}) if has_times else (), zone=zone, readable=True,
        )  # fmt: skip

    def _unreadable(self, error: QipanError) -> HttpResponse:
        return self.answer(
            status=400, error=say(error), readable=False, choices=mappings.choices(self.actor, self.upload)
        )


class ImportPreview(_Step):
    """The first rows as they were understood, what is wrong with them, and the button that takes them in."""

    title = _("Preview")
    template = "pages/imports/preview.html"
    step = 2
    help = _("Nothing is stored yet. Rows with a mark are rejected with their reason; all others come in.")

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The step."""
        self.fetch(kwargs["token"])
        try:
            return self._show(self._look())
        except (BadInput, Refused, Conflict) as error:
            return self._back(error)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take it in."""
        self.fetch(kwargs["token"])
        try:
            came = upload_start(actor=self.actor, token=self.upload.token, at=self.at)
        except Denied:
            raise
        except (BadInput, Refused, Conflict) as error:
            return self._back(error)
        except Absent:
            raise
        except QipanError as error:
            return self._back(error)
        if isinstance(came, Job):
            return redirect(self.to("import-run", came.pk))
        messages.success(self.request, gettext("The file is in."))
        return redirect(self.to("import", came))

    def _back(self, error: QipanError) -> HttpResponse:
        """To the step before, with the reason."""
        self.upload.failed(error)
        upload_save(self.upload)
        return redirect(self.to("import-read", self.upload.token))

    def _look(self) -> Preview:
        upload = self.upload
        with opened(upload) as path:
            return preview(
                actor=self.actor, kind=self.kind, path=path, source=upload.source, at=self.at,
                mapping=upload.mapping, confirm_rows=upload.confirm_rows, rows=upload.rows,
            )  # fmt: skip

    def _show(self, seen: Preview) -> HttpResponse:
        kind = self.kind
        reasons = [(column_name(kind, each.column), each) for each in seen.reasons]
        return self.answer(
            seen=seen, reasons=reasons, headings=[column_name(kind, name) for name in seen.columns],
            nothing=seen.whole and seen.accepted == 0, read_url=address("import-read", self.upload.token),
        )  # fmt: skip


class ImportRun(Page):
    """How far an import is; left and found again."""

    title = _("Taking a file in")
    section = "imports"
    permission = Permission.BATCH_VIEW
    template = "pages/imports/run.html"
    help = _("Leave this page whenever you like: the work goes on, and “Imports” leads back here.")

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The bar; when it is over, the batch."""
        job = access_job(self.actor, kwargs["job_id"])
        if not job.kind.startswith("intake."):
            raise Absent("job")
        context = {"job": job, **progress_of(job, self.at), "result": ()}
        if self.request.GET.get("part") == "1":
            return self.show("pages/jobs/progress.html", **context)
        if job.state == Job.State.DONE and isinstance(job.result, dict) and job.result.get("batch"):
            return redirect(with_area(address("import", job.result["batch"]), self.request.GET.get("area", "")))
        upload = self._upload(job)
        batch = batch_of(upload) if upload is not None else None
        if upload is not None and upload.failure:
            kept = upload.failure
            context["error_text"] = say(QipanError(kept["message"], **kept["params"]))
        return self.show(
            heading=f"{kind_title(job.kind)} · {upload.file_name if upload else job.pk}", upload=upload, batch=batch,
            steps=[(title, number == 3) for number, title in enumerate(STEPS)], **context,
        )  # fmt: skip

    def _upload(self, job: Job) -> Upload | None:
        """The file, where it is still there and the reader's own."""
        if job.kind != FILE:
            return None
        try:
            return access_upload(self.actor, str(job.arguments.get("upload", "")))
        except Absent:
            return None
