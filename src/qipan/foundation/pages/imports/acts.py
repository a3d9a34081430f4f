"""What is done with a batch: its rejects taken away, gone on with, taken back."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.intake.exporting import rejects_export
from qipan.foundation.intake.kinds import file_kind
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.running import batch_resume_start, batch_void_start, rows_to_take_back
from qipan.foundation.intake.selectors import access_batch
from qipan.foundation.jobs.models import Job
from qipan.foundation.pages import formats
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.imports.listing import kind_words
from qipan.foundation.pages.page import Words, address
from qipan.terms.errors import Absent
from qipan.terms.roles import Permission


class _BatchForm(FormPage):
    """Something done to one batch, by whoever may take in its kind in its area."""

    section = "imports"
    permission = Permission.BATCH_VIEW
    form = QipanForm

    def fetch(self, **kwargs: Any) -> Batch:
        """Absent where it is not the reader's to touch."""
        batch = access_batch(self.actor, kwargs["batch_id"])
        if not self.actor.may(file_kind(batch.kind).permission, batch.area_path):
            raise Absent("batch")
        return batch

    def heading(self, thing: Batch) -> Words:
        """What is done, and to which batch."""
        return f"{self.title}: {kind_words(thing.kind)} · {gettext('batch')} {thing.pk}"

    def back(self, thing: Batch) -> str:
        """To the batch."""
        return address("import", thing.pk)

    def went(self, came: int | Job, text: Words) -> Done:
        """To the batch where it is done, to the job where it is under way."""
        if isinstance(came, Job):
            return Done(_("It is under way in the background."), address("job", came.pk))
        return Done(text, address("import", came))


class ImportRejects(_BatchForm):
    """The rejected rows as a file. It names people: behind the second factor, and in the log."""

    title = _("Download rejected rows")
    button = _("Download")
    second_factor = True
    template = "pages/imports/rejects.html"
    help = _("Mend the cells that the last columns name, and send the file again as it is.")

    def submit(self, thing: Batch, data: dict[str, Any]) -> Done | HttpResponseBase:
        """The file, deleted as soon as it is open."""
        root = Path(settings.VAR) / "exports"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="rejects-", dir=root))
        path = folder / f"rejects-{thing.kind}-{thing.pk}.csv"
        try:
            rejects_export(actor=self.actor, batch_id=thing.pk, path=path, at=self.at)
            file = path.open("rb")
        finally:
            path.unlink(missing_ok=True)
            os.rmdir(folder)
        return FileResponse(file, as_attachment=True, filename=path.name, content_type="text/csv; charset=utf-8")


class ImportResume(_BatchForm):
    """Going on with an interrupted batch."""

    title = _("Go on with a batch")
    button = _("Go on")
    template = "pages/imports/resume.html"

    def submit(self, thing: Batch, data: dict[str, Any]) -> Done:
        """Go on, now or in the background."""
        return self.went(
            batch_resume_start(actor=self.actor, batch_id=thing.pk, at=self.at), _("The batch is complete.")
        )


class ImportVoid(_BatchForm):
    """Taking a batch back."""

    title = _("Take a batch back")
    button = _("Take it back")
    grave = True
    confirm = True
    template = "pages/imports/void.html"
    help = _("Nothing is erased: what a batch said is voided by new facts, which stay in the ledger and in the log.")

    def fetch(self, **kwargs: Any) -> Batch:
        """Absent where the reader takes nothing back."""
        batch = super().fetch(**kwargs)
        if not self.actor.may(Permission.BATCH_VOID, batch.area_path):
            raise Absent("batch")
        return batch

    def consequences(self, thing: Batch, data: dict[str, Any]) -> Sequence[Consequence]:
        """How much is taken back, and what follows."""
        rows = formats.number(rows_to_take_back(thing))
        return (
            Consequence(
                _("Grounds"),
                gettext("A file that came by mistake, or with wrong content: batch %(batch)s of %(source)s.")
                % {"batch": thing.pk, "source": thing.source},
            ),
            Consequence(
                _("Effect"), gettext("%(rows)s rows that were taken in are voided by new facts.") % {"rows": rows}
            ),
            Consequence(
                _("For people"),
                _("Everybody whom these rows concern is decided again: orders that stood on them end, codes change."),
            ),
            Consequence(
                _("Way back"),
                _("It cannot be undone. The same or a mended file may come again: its rows are then new facts."),
            ),
        )

    def submit(self, thing: Batch, data: dict[str, Any]) -> Done:
        """Take it back, now or in the background."""
        return self.went(
            batch_void_start(actor=self.actor, batch_id=thing.pk, at=self.at), _("The batch is taken back.")
        )
