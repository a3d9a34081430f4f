"""Forms of rulebooks and tables."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import QipanForm
from qipan.rooms.diseases.models import TableRow

#: a rulebook's text is at most so long; the shipped ones have some 30 kB
LONGEST = 500_000
TABLES = (
    (TableRow.Table.ORIGIN_RISK.value, _("risk of the place of origin")),
    (TableRow.Table.RISK_AREA.value, _("risk areas")),
    (TableRow.Table.KEY_POST.value, _("key posts")),
)


class PublishForm(QipanForm):
    """A rulebook file, and where it holds. Its text travels with the form between the question and the answer."""

    file = forms.FileField(
        label=_("Rulebook file"), widget=forms.FileInput(attrs={"accept": ".toml,text/plain"}),
        help_text=_("A TOML file as docs/rulebooks.md describes it. Its own examples are run before it is accepted."),
    )  # fmt: skip
    area = forms.CharField(
        label=_("Where it holds"), max_length=40, required=False,
        help_text=_("The code of an area, or nothing for everywhere. The book of the narrowest area wins."),
    )  # fmt: skip
    name = forms.CharField(widget=forms.HiddenInput, required=False, max_length=120)
    text = forms.CharField(widget=forms.HiddenInput, required=False, max_length=LONGEST, strip=False)

    def clean(self) -> dict[str, Any]:
        """A file, now or before."""
        data: dict[str, Any] = super().clean() or {}
        if not data.get("text") and "file" not in self.errors:
            self.add_error("file", _("Choose the file of the rulebook, written in UTF-8."))
        return data


class TableRowForm(QipanForm):
    table = forms.ChoiceField(label=_("Table"), choices=TABLES)
    place = forms.CharField(
        label=_("Place or post"), max_length=40,
        help_text=_("The area's code, a country's name, or the post of key persons."),
    )  # fmt: skip
    level = forms.CharField(
        label=_("Level or class"), max_length=20,
        help_text=_("For places: high, medium, low or abroad. For key posts: the class."),
    )  # fmt: skip
    starts_on = forms.DateField(label=_("From"))
    ends_on = forms.DateField(
        label=_("Until"), required=False, help_text=_("The first day on which it no longer holds.")
    )
    author = forms.CharField(label=_("Who decided it"), max_length=120)
    source = forms.CharField(label=_("Source"), max_length=300, help_text=_("The notice, its number and date."))

    def clean_ends_on(self) -> Any:
        """After the beginning."""
        start, end = self.cleaned_data.get("starts_on"), self.cleaned_data.get("ends_on")
        if start and end and end <= start:
            raise forms.ValidationError(_("It ends before it begins."))
        return end
