"""The form of a visit: short, for a phone in one hand."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import LocalDateTimeField, QipanForm
from qipan.foundation.pages.words import choices
from qipan.terms.evidence import FollowUpOutcome

#: what is asked at the door; the words stand in the ledger, where rulebooks and people read them
SYMPTOMS = (
    ("fever", _("fever")),
    ("cough", _("cough")),
    ("sore_throat", _("sore throat")),
    ("fatigue", _("fatigue")),
    ("runny_nose", _("blocked or runny nose")),
    ("loss_of_smell", _("loss of smell or taste")),
    ("muscle_pain", _("muscle pain")),
    ("diarrhoea", _("diarrhoea")),
    ("short_breath", _("short of breath")),
    ("other", _("something else")),
)


class VisitForm(QipanForm):
    """What happened at the door."""

    client_key = forms.CharField(label=_("Key of the visit"), max_length=64, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(label=_("What happened"), choices=(), widget=forms.RadioSelect)
    symptoms = forms.MultipleChoiceField(
        label=_("Symptoms"), choices=SYMPTOMS, required=False, widget=forms.CheckboxSelectMultiple
    )
    temperature = forms.FloatField(
        label=_("Temperature, °C"), required=False, min_value=30, max_value=45,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
    )  # fmt: skip
    visited_at = LocalDateTimeField(
        label=_("When"), widget=forms.DateTimeInput, help_text=_("When you were at the door; not in the future.")
    )

    def __init__(self, *args: Any, outcome: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["outcome"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices(FollowUpOutcome)
        if outcome:
            field.widget = forms.HiddenInput()
        if outcome and outcome != FollowUpOutcome.SYMPTOMATIC.value:
            del self.fields["symptoms"]
        if outcome in (FollowUpOutcome.NOT_FOUND.value, FollowUpOutcome.REFUSED.value):
            del self.fields["temperature"]
