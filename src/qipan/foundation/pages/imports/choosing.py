"""The first step: what, from whom, which file. And empty files to be filled."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.intake.exporting import template_content
from qipan.foundation.intake.kinds import file_kind
from qipan.foundation.intake.selectors import access_batch, list_batches
from qipan.foundation.intake.uploads import MOST_BYTES, upload_keep, upload_save
from qipan.foundation.pages.form_page import Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.imports.mapping import proposed
from qipan.foundation.pages.imports.speech import kind_said, kinds_for
from qipan.foundation.pages.page import Page, PageRequest, address, with_area
from qipan.terms.errors import Absent, QipanError
from qipan.terms.roles import Permission

_MB = 1024 * 1024


class ChooseForm(QipanForm):
    """What a file is."""

    kind = forms.ChoiceField(label=_("What the file holds"))
    source = forms.CharField(
        label=_("Source"), max_length=80,
        help_text=_("Who sent it. Use the same name every time: rows are known again within their source."),
        widget=forms.TextInput(attrs={"list": "sources", "autocomplete": "off"}),
    )  # fmt: skip
    file = forms.FileField(label=_("File"), max_length=400, allow_empty_file=True)

    def clean_source(self) -> str:
        """Without blanks at the ends and signs that nobody sees."""
        source = unicodedata.normalize("NFC", str(self.cleaned_data["source"])).strip()
        if not source or not source.isprintable():
            raise forms.ValidationError(_("A source needs a name of 1 to 80 characters."))
        return source


class ImportNew(FormPage):
    """Choosing a file."""

    title = _("Take a file in")
    section = "imports"
    permission = Permission.BATCH_VIEW
    form = ChooseForm
    button = _("Read the file")
    template = "pages/imports/choose.html"
    help = _(
        "Choose what the file holds and who sent it. Nothing is stored before you have seen what was understood and "
        "what would come in. CSV, XLSX, Parquet and JSON lines are read."
    )

    def dispatch(self, request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """Absent for whoever may take nothing in."""
        if request.user.is_authenticated and not kinds_for(request.actor):
            raise Absent("page")
        return super().dispatch(request, *args, **kwargs)

    def initial(self, thing: Any) -> dict[str, Any]:
        """The kind and source of the batch that is mended, or the kind that was asked for."""
        kinds = [kind.name for kind in kinds_for(self.actor)]
        kind = self.request.GET.get("kind", "")
        source = ""
        before = self.request.GET.get("from", "")
        if before.isascii() and before.isdigit() and len(before) < 18:
            try:
                batch = access_batch(self.actor, int(before))
                kind, source = batch.kind, batch.source
            except Absent:
                source = ""
        return {"kind": kind if kind in kinds else "", "source": source}

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """With the kinds that the reader may take in."""
        form = super().make_form(thing, data, files)
        kinds = [kind_said(kind) for kind in kinds_for(self.actor)]
        field = form.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("choose")), *((kind.name, kind.title) for kind in kinds)]
        return form

    def back(self, thing: Any) -> str:
        """To the batches."""
        return address("imports")

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        """With the kinds explained, earlier sources and the limit."""
        sources = list_batches(self.actor).order_by().values_list("source", flat=True).distinct()
        return super().show(
            template, status=status, kinds=[kind_said(kind) for kind in kinds_for(self.actor)],
            sources=sorted(sources)[:100], most=MOST_BYTES // _MB, **context,
        )  # fmt: skip

    def submit(self, thing: Any, data: dict[str, Any]) -> Done | HttpResponseBase:
        """Keep the file and propose how it is read."""
        file: UploadedFile[Any] = data["file"]
        upload = upload_keep(
            actor=self.actor, file_name=file.name or "file", pieces=file.chunks(), kind=data["kind"],
            source=data["source"], at=self.at,
        )  # fmt: skip
        upload.mapping_from, upload.mapping = proposed(self.actor, upload, clock.civil_zone())
        upload_save(upload)
        return Done(_("The file is read. Nothing is stored yet."), self._next(upload.token))

    def _next(self, token: str) -> str:
        return with_area(address("import-read", token), self.request.GET.get("area", ""))


class ImportTemplate(Page):
    """An empty file with headers."""

    title = _("Empty file")
    section = "imports"
    permission = Permission.BATCH_VIEW

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The file, for whoever may take its kind in."""
        try:
            kind = file_kind(kwargs["kind"])
        except QipanError:
            raise Absent("kind") from None
        if kind not in kinds_for(self.actor):
            raise Absent("kind")
        form = kwargs["form"]
        if form not in ("csv", "xlsx"):
            raise Absent("form")
        types = {
            "csv": "text/csv; charset=utf-8",
            "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
        answer = HttpResponse(template_content(kind=kind, form=form), content_type=types[form])
        answer["Content-Disposition"] = f'attachment; filename="{kind.name}.{form}"'
        return answer


STEPS: Sequence[Any] = (_("Choose"), _("Understood"), _("Preview"), _("Run"), _("Totals"))
