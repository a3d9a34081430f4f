"""The forms of results."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import LocalDateTimeField, PersonCodeField, QipanForm
from qipan.foundation.pages.words import choices
from qipan.terms.evidence import TestOutcome

_METHODS = [("pcr", _("nucleic acid (PCR)")), ("antigen", _("antigen"))]


class ResultForm(QipanForm):
    """One result by hand."""

    person = PersonCodeField(label=_("Person"), help_text=_("The code on the request: P, digits, a check character."))
    specimen_id = forms.CharField(label=_("Specimen"), max_length=80, help_text=_("The number on the tube."))
    pool_id = forms.CharField(
        label=_("Pool"), max_length=80, required=False,
        help_text=_("Only where several people’s swabs share the tube: its number."),
    )  # fmt: skip
    sampled_at = LocalDateTimeField(label=_("Sampled"), help_text=_("Day and time, on the clock of the place."))
    resulted_at = LocalDateTimeField(label=_("Resulted"))
    method = forms.ChoiceField(label=_("Method"), choices=_METHODS, widget=forms.RadioSelect())
    result = forms.ChoiceField(label=_("Result"), widget=forms.RadioSelect())
    ct = forms.FloatField(label=_("Ct value"), required=False, min_value=0, max_value=60)
    site = forms.CharField(label=_("Sampled at"), max_length=80, required=False)
    laboratory = forms.CharField(label=_("Laboratory"), max_length=80, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["result"].choices = choices(TestOutcome)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Sampled first, then resulted."""
        data = super().clean() or {}
        sampled, resulted = data.get("sampled_at"), data.get("resulted_at")
        if isinstance(sampled, datetime) and isinstance(resulted, datetime) and resulted < sampled:
            self.add_error("resulted_at", _("The result cannot be before the sampling."))
        return data


class VoidForm(QipanForm):
    """Why a result was wrong."""

    reason = forms.CharField(
        label=_("Why the result was wrong"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is kept sealed in the log. Names and numbers of people do not belong here."),
    )  # fmt: skip
