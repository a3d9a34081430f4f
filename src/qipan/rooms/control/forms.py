"""Forms of the ledger: a fact of each kind, taking one back, appeals, replays. None of them holds a colour."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import LocalDateTimeField, QipanForm
from qipan.foundation.pages.words import choices
from qipan.terms.evidence import Classification, ContactClass, EvidenceKind, FollowUpOutcome, TestOutcome
from qipan.terms.evidence_values import RANGES
from qipan.terms.identity import parse_person_code

_WORDS = forms.Textarea(attrs={"rows": 6})
SETTINGS = (
    ("household", _("household")), ("workplace", _("workplace")), ("school", _("school")),
    ("transport", _("transport")), ("shop", _("shop")), ("restaurant", _("restaurant")), ("hospital", _("hospital")),
    ("gathering", _("gathering")), ("community", _("community")), ("other", _("other")),
)  # fmt: skip
METHODS = (("pcr", _("PCR (nucleic acid)")), ("antigen", _("antigen")), ("antibody", _("antibody")))
LEVELS = (("high", _("high risk")), ("medium", _("medium risk")), ("low", _("low risk")))


class PersonCodeField(forms.CharField):
    """Somebody else, by the pseudonymous code; the value is the id."""

    default_error_messages = {"code": _("This is no person code: P, nine digits and a check character.")}

    def clean(self, value: Any) -> Any:
        """The id behind the code; None for none."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_person_code(text)
        except ValueError:
            raise forms.ValidationError(self.error_messages["code"], code="code") from None


def _number(key: str, label: Any, **more: Any) -> forms.FloatField:
    low, high = RANGES[key]
    return forms.FloatField(label=label, required=False, min_value=low, max_value=high, **more)


class FactForm(QipanForm):
    """What every fact says: when it was so, and where that is written down."""

    kind: EvidenceKind
    once = forms.CharField(widget=forms.HiddenInput, max_length=40, initial=lambda: uuid4().hex)
    at = LocalDateTimeField(
        label=_("When it was so"), widget=forms.DateTimeInput,
        help_text=_("Local time. For a test: when the specimen was taken."),
    )  # fmt: skip
    field_order = ("at",)

    source = forms.CharField(
        label=_("Source"), max_length=80,
        help_text=_("The document or system that says so, with its number. No names of people."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].widget.attrs["autocomplete"] = "off"
        # what the kind says comes between the moment and the source
        self.order_fields(["at", *(name for name in self.fields if name not in ("at", "source")), "source"])

    def value(self) -> dict[str, Any]:
        """The value of the fact, with the keys of its kind."""
        data = {key: self.cleaned_data.get(key) for key in self.keys()}
        return {key: _plain(each) for key, each in data.items() if each not in (None, "")}

    def keys(self) -> tuple[str, ...]:
        """The fields that are keys of the value."""
        return tuple(name for name in self.fields if name not in ("at", "source", "once", "linked"))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


class TestFact(FactForm):
    __test__ = False
    kind = EvidenceKind.TEST
    result = forms.ChoiceField(label=_("Result"), choices=choices(TestOutcome), widget=forms.RadioSelect)
    method = forms.ChoiceField(label=_("Method"), choices=METHODS)
    ct = _number("ct", _("Ct value"))


class ExposureFact(FactForm):
    kind = EvidenceKind.EXPOSURE
    linked = PersonCodeField(
        label=_("To whom"), required=False, help_text=_("The code of the case, or of the contact between.")
    )
    first = forms.DateField(label=_("First day of exposure"))
    last = forms.DateField(label=_("Last day of exposure"))
    setting = forms.ChoiceField(label=_("Setting"), choices=SETTINGS)
    contact_class = forms.ChoiceField(label=_("Contact"), choices=choices(ContactClass), widget=forms.RadioSelect)
    minutes = _number("minutes", _("Minutes together"))
    distance_m = _number("distance_m", _("Least distance in metres"))

    def clean_last(self) -> date:
        """Not before the first day."""
        first, last = self.cleaned_data.get("first"), self.cleaned_data["last"]
        if first and last < first:
            raise forms.ValidationError(_("The exposure ends before it begins."))
        return last  # type: ignore[no-any-return]

    def value(self) -> dict[str, Any]:
        """`class` is a word of Python."""
        said = super().value()
        said["class"] = said.pop("contact_class")
        return said


class ArrivalFact(FactForm):
    kind = EvidenceKind.ARRIVAL
    origin_area = forms.CharField(
        label=_("From where"), max_length=40,
        help_text=_("The area's code of six digits, or the country's name in English for arrivals from abroad."),
    )  # fmt: skip


class ResidenceFact(FactForm):
    kind = EvidenceKind.RESIDENCE
    area = forms.CharField(label=_("Risk area"), max_length=40, help_text=_("The area's code."))
    level = forms.ChoiceField(label=_("Level"), choices=LEVELS, widget=forms.RadioSelect)


class SymptomFact(FactForm):
    kind = EvidenceKind.SYMPTOM
    symptoms = forms.CharField(
        label=_("Symptoms"), max_length=200, help_text=_("Separated by commas: fever, cough, sore throat.")
    )
    temperature = _number("temperature", _("Temperature in °C"))

    def value(self) -> dict[str, Any]:
        """A list of symptoms."""
        said = super().value()
        said["symptoms"] = _symptoms(said["symptoms"])
        return said


class DiagnosisFact(FactForm):
    kind = EvidenceKind.DIAGNOSIS
    classification = forms.ChoiceField(
        label=_("Classification"), choices=choices(Classification), widget=forms.RadioSelect
    )
    onset_date = forms.DateField(label=_("Onset"), required=False, help_text=_("First day of symptoms, if any."))
    place = forms.CharField(label=_("Where treated"), max_length=40, required=False)
    group = forms.CharField(label=_("Group"), max_length=40, required=False)


class RecoveryFact(FactForm):
    kind = EvidenceKind.RECOVERY


class FollowUpFact(FactForm):
    kind = EvidenceKind.FOLLOW_UP
    outcome = forms.ChoiceField(label=_("Outcome"), choices=choices(FollowUpOutcome), widget=forms.RadioSelect)
    temperature = _number("temperature", _("Temperature in °C"))
    symptoms = forms.CharField(label=_("Symptoms"), max_length=200, required=False)

    def value(self) -> dict[str, Any]:
        """A list of symptoms."""
        said = super().value()
        if "symptoms" in said:
            said["symptoms"] = _symptoms(said["symptoms"])
        return said


def _symptoms(text: str) -> list[str]:
    parts = text.replace("，", ",").replace("、", ",").replace("；", ",").split(",")
    return [part.strip() for part in parts if part.strip()]


#: kind -> its form. There is none for an exemption (the answer to an appeal) or a correction (taking a fact back).
FACT_FORMS: dict[EvidenceKind, type[FactForm]] = {
    form.kind: form
    for form in (
        TestFact, ExposureFact, SymptomFact, DiagnosisFact, FollowUpFact, RecoveryFact, ArrivalFact, ResidenceFact,
    )
}  # fmt: skip


class VoidForm(QipanForm):
    reason = forms.CharField(
        label=_("Why the fact is wrong"), max_length=500, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("It is kept sealed with the entry in the log, and shown to whoever may see the fact."),
    )  # fmt: skip


class AppealForm(QipanForm):
    grounds = forms.CharField(
        label=_("Why the order is wrong"), max_length=4_000, widget=_WORDS,
        help_text=_("In the person's own words. They are sealed; those who decide read them."),
    )  # fmt: skip


class OwnAppealForm(QipanForm):
    """The person's own appeal, on his own page."""

    kind = forms.CharField(widget=forms.HiddenInput, max_length=20)
    grounds = forms.CharField(
        label=_("Why is this wrong?"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("In your own words. Only those who decide your appeal read them."),
        error_messages={"required": _("Write down in your own words why the order is wrong.")},
    )  # fmt: skip


class AnswerForm(QipanForm):
    """The answer to an appeal."""

    GRANT, UPHOLD = "grant", "uphold"
    answer = forms.ChoiceField(
        label=_("Answer"), widget=forms.RadioSelect,
        choices=(
            (GRANT, _("Grant the appeal: the order was wrong, the person is free of it")),
            (UPHOLD, _("Uphold the order: it stands until its end")),
        ),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Reasons"), max_length=4_000, widget=_WORDS,
        help_text=_("For the person to read: plain words, the facts, the rule. They are sealed."),
    )  # fmt: skip


class ReplayForm(QipanForm):
    first = forms.ChoiceField(label=_("Rulebook"))
    second = forms.ChoiceField(label=_("Compared with"))
    start = forms.DateField(label=_("From"))
    end = forms.DateField(label=_("Until"))

    def clean(self) -> dict[str, Any]:
        """Two books, a period that is one."""
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        if start and end and not timedelta(0) <= end - start < timedelta(days=120):
            self.add_error("end", _("The period ends before it starts, or is longer than 120 days."))
        if data.get("first") and data.get("first") == data.get("second"):
            self.add_error("second", _("Choose another rulebook to compare with."))
        return data
