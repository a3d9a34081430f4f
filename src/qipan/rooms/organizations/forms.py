"""The forms of units, task forces, duty and accounts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.models import User
from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.forms import LocalDateTimeField, QipanForm, SuggestInput
from qipan.foundation.pages.words import Grave, choices, register_words
from qipan.rooms.organizations.models import TaskForce, Unit
from qipan.terms.roles import Role

register_words(
    Unit.Kind,
    {
        "headquarters": (_("headquarters"), Grave.QUIET),
        "department": (_("department"), Grave.QUIET),
        "cdc": (_("centre for disease control"), Grave.QUIET),
        "hospital": (_("hospital"), Grave.QUIET),
        "laboratory": (_("laboratory"), Grave.QUIET),
        "quarantine_site": (_("quarantine site"), Grave.QUIET),
        "community": (_("community committee"), Grave.QUIET),
    },
)


def unit_name(unit: Unit | TaskForce) -> str:
    """The name of a unit or a task force in the reader's language."""
    return unit.name_zh if is_chinese() else unit.name_en or unit.name_zh


class UnitField(forms.ChoiceField):
    """A unit among those that the page offers; its value is the unit."""

    default_error_messages = {"invalid_choice": _("This unit cannot be chosen here.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Unit"))
        super().__init__(**kwargs)
        self.units: dict[str, Unit] = {}

    @classmethod
    def of(cls, form: forms.Form, name: str = "unit") -> "UnitField":
        """This field of a form."""
        field = form.fields[name]
        assert isinstance(field, cls)
        return field

    def offer(self, units: Sequence[Unit]) -> None:
        """Which units can be chosen."""
        self.units = {unit.code: unit for unit in units}
        self.choices = [("", _("choose a unit")), *((unit.code, unit_name(unit)) for unit in units)]

    def clean(self, value: Any) -> Unit | None:
        """The chosen unit."""
        return self.units.get(super().clean(value) or "")


class UserField(forms.CharField):
    """A colleague by user name, among those that the page offers; its value is the account."""

    widget = SuggestInput
    default_error_messages = {
        "unknown": _("There is no colleague “%(name)s” here with an open account: write the user name."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("User name"))
        kwargs.setdefault("help_text", _("The name with which the person signs in; suggestions come while you type."))
        super().__init__(max_length=60, **kwargs)
        self.users: dict[str, User] = {}

    @classmethod
    def of(cls, form: forms.Form, name: str = "user") -> "UserField":
        """This field of a form."""
        field = form.fields[name]
        assert isinstance(field, cls)
        return field

    def offer(self, users: Sequence[User]) -> None:
        """Who can be named."""
        self.users = {user.username: user for user in users}
        if isinstance(self.widget, SuggestInput):
            self.widget.suggestions = [(user.username, user.display_name) for user in users]

    def clean(self, value: Any) -> User:
        """The account that is meant: by user name, or by the whole name where only one is called so."""
        text = str(super().clean(value)).strip()
        if text in self.users:
            return self.users[text]
        named = [user for user in self.users.values() if user.display_name == text]
        if len(named) != 1:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"name": text})
        return named[0]


class UnitForm(QipanForm):
    """A unit."""

    code = forms.SlugField(
        label=_("Code"),
        max_length=40,
        help_text=_("Short and for good: letters, digits and “-”, for example CDC-411202."),
    )
    name_zh = forms.CharField(label=_("Chinese name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"))
    area = AreaField(help_text=_("The area that it serves, by code or whole name."))
    parent = UnitField(label=_("Unit above it"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = choices(Unit.Kind)


class TaskForceForm(QipanForm):
    """A task force."""

    name_zh = forms.CharField(label=_("Chinese name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120)
    purpose = forms.CharField(
        label=_("Purpose"), max_length=200, help_text=_("What it is for, in one sentence. No names of residents.")
    )
    lead_unit = UnitField(label=_("Lead unit"))
    area = AreaField()
    starts_on = forms.DateField(label=_("At work from"), widget=forms.DateInput)


class TaskForceMemberForm(QipanForm):
    """Somebody sent into a task force."""

    user = UserField()
    unit = UnitField(label=_("Sent by"))
    function = forms.CharField(label=_("Function"), max_length=80, help_text=_("For example: leader, data, logistics."))


class LastDayForm(QipanForm):
    """With which day something ends."""

    last_day = forms.DateField(label=_("Last day"), widget=forms.DateInput)


class DutyForm(QipanForm):
    """Who can be reached, from when to when."""

    unit = UnitField()
    user = UserField()
    starts_at = LocalDateTimeField(label=_("From"), widget=forms.DateTimeInput)
    ends_at = LocalDateTimeField(label=_("Until"), widget=forms.DateTimeInput)

    def clean(self) -> dict[str, Any]:
        """The end comes after the start."""
        data = super().clean() or self.cleaned_data
        starts, ends = data.get("starts_at"), data.get("ends_at")
        if isinstance(starts, datetime) and isinstance(ends, datetime) and ends <= starts:
            self.add_error("ends_at", _("A duty must end after it starts."))
        return data


class AccountForm(QipanForm):
    """A new account."""

    username = forms.CharField(
        label=_("User name"), min_length=2, max_length=60,
        help_text=_("With which the person signs in: letters, digits, “.”, “-” and “_”. Nobody shares an account."),
    )  # fmt: skip
    display_name = forms.CharField(label=_("Name as others see it"), max_length=80)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    area = AreaField(
        label=_("Managed in"),
        help_text=_("Administrators of this area, and of those above it, manage the account. It gives no right."),
    )


class RoleForm(QipanForm):
    """A role in a unit, over an area, from one day to another."""

    role = forms.ChoiceField(label=_("Role"))
    unit = UnitField(help_text=_("For which the person acts in this role."))
    area = AreaField(help_text=_("The role holds here and in everything below."))
    starts_on = forms.DateField(label=_("First day"), widget=forms.DateInput)
    ends_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput, required=False, help_text=_("Empty: until somebody ends it.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [("", _("choose a role")), *choices(Role, leave_out=(Role.SYSTEM.value,))]

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        data = super().clean() or self.cleaned_data
        first, last = data.get("starts_on"), data.get("ends_on")
        if isinstance(first, date) and isinstance(last, date) and last < first:
            self.add_error("ends_on", _("A membership cannot end before it starts."))
        return data
