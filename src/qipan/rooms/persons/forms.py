"""The forms of people: purposes, searching, registering, moving, destroying, personal links."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.words import Grave, choices, register_words
from qipan.rooms.persons.models import Person
from qipan.rooms.persons.rules import (
    DocumentKind,
    NewPerson,
    PurgeReason,
    Purpose,
    RowProblem,
    SearchBy,
    check_person,
)

register_words(
    Purpose,
    {
        "case_investigation": (_("investigating a case"), Grave.QUIET),
        "contact_tracing": (_("tracing contacts"), Grave.QUIET),
        "order_service": (_("serving an order"), Grave.QUIET),
        "follow_up": (_("follow-up visit"), Grave.QUIET),
        "testing": (_("testing"), Grave.QUIET),
        "medical_care": (_("medical care"), Grave.QUIET),
        "appeal": (_("an appeal"), Grave.QUIET),
        "subject_request": (_("the person’s own request"), Grave.QUIET),
    },
)
register_words(
    PurgeReason,
    {
        "emergency_ended": (_("the emergency has ended"), Grave.QUIET),
        "retention_ended": (_("the time of keeping is over"), Grave.QUIET),
        "subject_request": (_("the person’s own request"), Grave.QUIET),
    },
)
register_words(
    DocumentKind,
    {
        "id": (_("resident identity card"), Grave.QUIET),
        "passport": (_("passport"), Grave.QUIET),
        "other": (_("another document"), Grave.QUIET),
        "none": (_("no document"), Grave.QUIET),
        "synthetic": (_("made up (demonstration)"), Grave.QUIET),
    },
)
register_words(
    SearchBy,
    {
        "name": (_("whole name"), Grave.QUIET),
        "document": (_("document number"), Grave.QUIET),
        "phone": (_("phone number"), Grave.QUIET),
    },
)
register_words(
    Person.Sex,
    {
        "male": (_("male"), Grave.QUIET),
        "female": (_("female"), Grave.QUIET),
        "unknown": (_("unknown"), Grave.QUIET),
    },
)


def _choose(form: forms.Form, name: str, options: list[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = options


class PurposeForm(QipanForm):
    """For what an identity is opened."""

    purpose = forms.ChoiceField(
        label=_("Purpose"), help_text=_("It goes into the log with your name, and the person can learn of it.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "purpose", [("", _("choose a purpose")), *choices(Purpose)])


class SearchForm(PurposeForm):
    """An exact search."""

    field_order = ("by", "text", "purpose")
    by = forms.ChoiceField(label=_("Search by"))
    text = forms.CharField(
        label=_("Name or number"), max_length=120,
        help_text=_("Whole and exact: parts of a name or number find nobody."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "by", choices(SearchBy))


class IdentityForm(QipanForm):
    """Who somebody is. What a citizen number says of its holder is checked against the rest."""

    name = forms.CharField(label=_("Full name"), max_length=100, required=False)
    document_kind = forms.ChoiceField(label=_("Document"))
    document_number = forms.CharField(
        label=_("Document number"), max_length=60, required=False,
        help_text=_("Of an identity card: 18 digits, the last may be X. Sex and birth date are read from it."),
    )  # fmt: skip
    birth_date = forms.DateField(label=_("Birth date"), required=False, widget=forms.DateInput)
    sex = forms.ChoiceField(label=_("Sex"), required=False)
    phone = forms.CharField(label=_("Phone"), max_length=30, required=False)
    address = forms.CharField(label=_("Address"), max_length=300, required=False)

    def __init__(self, *args: Any, today: date, source_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.source_id = today, source_id
        hidden = () if settings.DEMO else (DocumentKind.SYNTHETIC.value,)
        _choose(self, "document_kind", choices(DocumentKind, leave_out=hidden))
        _choose(self, "sex", choices(Person.Sex))
        for field in self.fields.values():
            # what was typed of one person is not offered for the next
            field.widget.attrs.setdefault("autocomplete", "off")

    def new_person(self, data: dict[str, Any]) -> NewPerson:
        """What was typed, as a row to register."""
        return NewPerson(
            self.source_id, data["name"], data.get("area") or "", data["document_kind"], data["document_number"],
            data["birth_date"], data["sex"] or "unknown", data["phone"], data["address"],
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The room's own rules, said beside the field that they are about."""
        data = super().clean() or self.cleaned_data
        if set(self.errors) - {"area"}:
            return data
        if not data["name"] and data["document_kind"] == DocumentKind.NONE.value:
            self.add_error("name", _("Somebody without a document needs a name."))
            return data
        try:
            check_person(self.new_person(data), today=self.today, demo=settings.DEMO)
        except RowProblem as problem:
            self.add_error(problem.column if problem.column in self.fields else None, gettext(problem.reason))
        return data


class RegisterForm(IdentityForm):
    """A new person, in an area."""

    area = AreaField(label=_("Lives in"), help_text=_("The grid cell or village, by code or whole name."))
    field_order = ("name", "document_kind", "document_number", "birth_date", "sex", "phone", "area", "address")


class MoveForm(QipanForm):
    """Where somebody lives now."""

    area = AreaField(label=_("Lives now in"))


class PurgeForm(QipanForm):
    """Why an identity is destroyed."""

    reason = forms.ChoiceField(label=_("Reason"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "reason", [("", _("choose a reason")), *choices(PurgeReason)])


class LinkForm(QipanForm):
    """For how long a personal link opens."""

    days = forms.TypedChoiceField(label=_("Opens for"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = gettext("%(n)s days")
        _choose(self, "days", [(str(n), days % {"n": n}) for n in (7, 30, 60, 180)])
