"""The forms of cases and contacts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.forms import PersonCodeField, QipanForm
from qipan.foundation.pages.words import choices
from qipan.terms.evidence import Classification, ContactClass

_SEXES = [("unknown", _("not known")), ("female", _("female")), ("male", _("male"))]


def _day(**kwargs: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(), **kwargs)


class CaseForm(QipanForm):
    """A new case."""

    person = PersonCodeField(
        label=_("Person"), required=False,
        help_text=_("The code that begins with P. Find it by search; empty for somebody who is not registered."),
    )  # fmt: skip
    area = AreaField(
        required=False, help_text=_("Of somebody who is not registered: where the person stays, by code or whole name.")
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=_SEXES, required=False)
    birth_year = forms.IntegerField(label=_("Year of birth"), required=False, min_value=1890)
    case_id = forms.CharField(
        label=_("Number of the case"), required=False, max_length=80,
        help_text=_("As your line list counts. Left empty, the case gets a number."),
    )  # fmt: skip
    classification = forms.ChoiceField(label=_("Classification"))
    onset = _day(label=_("Onset"), required=False, help_text=_("The first day with symptoms, where there are any."))
    report = _day(label=_("Reported"), required=False, help_text=_("Left empty: today."))
    source_case = forms.CharField(
        label=_("Infected by"), required=False, max_length=80, help_text=_("The number of the case, where it is known.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["classification"].choices = choices(Classification, leave_out=("discarded",))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Either a person, or an area."""
        data = super().clean() or {}
        if not self.errors and data.get("person") is None and not data.get("area"):
            self.add_error("person", _("Say who this is, or in which area this person stays."))
        return data


class ConfirmForm(QipanForm):
    """A suspected or probable case is one."""

    classification = forms.ChoiceField(label=_("Confirmed as"), widget=forms.RadioSelect())
    onset = _day(label=_("Onset"), required=False, help_text=_("The first day with symptoms, where there are any."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        left_out = ("suspected", "probable", "discarded")
        self.fields["classification"].choices = choices(Classification, leave_out=left_out)  # type: ignore[attr-defined]


class DiscardForm(QipanForm):
    """It was no case."""

    reason = forms.CharField(
        label=_("Why this is no case"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is kept sealed in the log. Names and numbers of people do not belong here."),
    )  # fmt: skip


class ContactForm(QipanForm):
    """A contact of a case."""

    person = PersonCodeField(label=_("Contact"), help_text=_("The code that begins with P. Find it by search."))
    contact_class = forms.ChoiceField(label=_("Class"), widget=forms.RadioSelect())
    first = _day(label=_("First exposure"), required=False)
    last = _day(
        label=_("Last exposure"), required=False,
        help_text=_("Without any day the contact is kept, but nothing follows for the person: nothing is invented."),
    )  # fmt: skip
    setting = forms.CharField(
        label=_("Setting"), required=False, max_length=60, help_text=_("Household, workplace, school, meal …")
    )
    minutes = forms.IntegerField(label=_("Minutes together"), required=False, min_value=0, max_value=1_000_000)
    via = PersonCodeField(
        label=_("Through"), required=False,
        help_text=_("Of a contact’s contact: the contact between, by code."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact_class"].choices = choices(ContactClass)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The days in their order."""
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last exposure is before the first."))
        if data.get("via") is not None and data.get("contact_class") != ContactClass.SECONDARY.value:
            self.add_error("via", _("Only a secondary contact is exposed through somebody else."))
        return data


class PurposeForm(QipanForm):
    """Why something leaves the system."""

    purpose = forms.CharField(
        label=_("For what purpose"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("In a sentence. It is kept sealed in the log."),
    )  # fmt: skip
