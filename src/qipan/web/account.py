"""One's own account: name, language, password, second factor, memberships, duty, saved views."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.models import User
from qipan.foundation.access.second_factor import factor_state
from qipan.foundation.access.services import own_account_edit, password_set
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.form_page import FormPage
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.saved_views import own_views, view_forget
from qipan.foundation.pages.words import Grave
from qipan.rooms.organizations.selectors import local_day, own_duties, own_memberships
from qipan.terms.errors import Absent, BadInput
from qipan.terms.roles import Role
from qipan.web.choosing import remember_language
from qipan.web.navigation import SECTIONS
from qipan.web.sign_in import knows_password, safe_next

_UNIT = Column(key="unit", title=_("Unit"), value=lambda row: row.unit.name_zh if is_chinese() else row.unit.name_en)
_MEMBERSHIP = (
    Column(key="role", title=_("Role"), kind=Kind.WORD, words=Role),
    Column(key="area_path", title=_("Area"), value=lambda row: None if row.area_path == "/" else row.area_path,
           kind=Kind.AREA),
    _UNIT,
    Column(key="starts_on", title=_("From"), kind=Kind.DATE),
    Column(key="ends_on", title=_("Until"), kind=Kind.DATE),
)  # fmt: skip
_DUTY = (
    _UNIT,
    Column(key="starts_at", title=_("From"), kind=Kind.INSTANT),
    Column(key="ends_at", title=_("Until"), kind=Kind.INSTANT),
)


class Account(DetailPage):
    """One's own account."""

    title = _("My account")
    facts = (
        Column(key="username", title=_("User name")),
        Column(key="display_name", title=_("Shown name")),
        Column(key="language", title=_("Language"), value=lambda user: dict(settings.LANGUAGES).get(user.language)),
        Column(key="created_at", title=_("Account made"), kind=Kind.INSTANT),
        Column(key="last_login", title=_("Signed in"), kind=Kind.INSTANT),
    )
    help = _("What the installation knows of you, and what you may change of it yourself.")

    def fetch(self, **kwargs: Any) -> User:
        """One's own."""
        return self.request.user

    def heading(self, thing: User) -> Words:
        """The page's title: the name stands below it."""
        return self.title

    def state(self, thing: User) -> Sequence[State]:
        """The second factor."""
        factor = factor_state(thing)
        if not factor.enrolled:
            return (State(_("no second factor yet"), Grave.WARN),)
        codes = gettext("%(n)s recovery codes left") % {"n": factor.codes_left}
        return (
            State(_("second factor set up"), Grave.GOOD),
            State(codes, Grave.QUIET if factor.codes_left > 2 else Grave.WARN),
        )

    def actions(self, thing: User) -> Sequence[Action]:
        """What one may do oneself."""
        enrolled = factor_state(thing).enrolled
        offered = [
            Action(_("Name and language"), address("account-edit")),
            Action(_("Change the password"), address("account-password")),
            Action(_("Set up another device") if enrolled else _("Set up the second factor"),
                   address("second-factor-new"), primary=not enrolled),
        ]  # fmt: skip
        if enrolled:
            offered.append(Action(_("New recovery codes"), address("recovery-codes")))
        if tokens := address("tokens"):
            offered.append(Action(_("API tokens"), tokens))
        if reference := address("api-docs"):
            offered.append(Action(_("API"), reference))
        return offered

    def panels(self, thing: User) -> Sequence[Panel]:
        """Roles, duty, saved views."""
        day = local_day(self.at)
        return (
            Panel(_("My roles"), _MEMBERSHIP, list(own_memberships(self.actor, day=day)),
                  _("You have no role yet: ask an administrator for one.")),
            Panel(_("My duty"), _DUTY, list(own_duties(self.actor, at=self.at)), _("You are not on duty.")),
            Panel(_("My saved views"), template="web/account_views.html", context={"views": self._views(thing)}),
        )  # fmt: skip

    def _views(self, user: User) -> list[dict[str, Any]]:
        titles = {entry.url: entry.title for entry in SECTIONS}
        return [
            {"view": view, "list": titles.get(view.page, view.page), "url": f"{address(view.page)}?{view.query}"}
            for view in own_views(user)
            if address(view.page)
        ]

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Forget a saved view."""
        chosen = self.request.POST.get("view", "")
        if not chosen.isdecimal() or len(chosen) > 18:
            raise Absent("view")
        view_forget(actor=self.actor, view_id=int(chosen), at=self.at)
        messages.success(self.request, gettext("The view is forgotten."))
        return redirect("account")


class EditForm(QipanForm):
    """How one is called, and what one reads."""

    display_name = forms.CharField(label=_("Shown name"), max_length=80, help_text=_("So others see you."))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class AccountEdit(FormPage):
    """Name and language."""

    title = _("Name and language")
    form = EditForm

    def initial(self, thing: Any) -> dict[str, Any]:
        """As they are."""
        return {"display_name": self.request.user.display_name, "language": self.request.user.language}

    def back(self, thing: Any) -> str:
        """The account."""
        return address("account")

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Keep them; this device speaks the language from now on as well."""
        own_account_edit(actor=self.actor, display_name=data["display_name"], language=data["language"], at=self.at)
        messages.success(self.request, gettext("It is kept."))
        answer = redirect("account")
        remember_language(answer, data["language"])
        return answer


class PasswordForm(QipanForm):
    """The old password once, the new one twice."""

    old = forms.CharField(
        label=_("Old password"), max_length=200, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip
    new = forms.CharField(
        label=_("New password"), max_length=200, strip=False,
        help_text=_("At least 12 characters. A sentence that only you know is good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    again = forms.CharField(
        label=_("New password, again"), max_length=200, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Both the same, and not the old one."""
        data = super().clean() or {}
        if data.get("new") != data.get("again"):
            self.add_error("again", _("This is not the same as above."))
        elif data.get("new") and data.get("new") == data.get("old"):
            self.add_error("new", _("This is the old password."))
        return data


class OwnPassword(FormPage):
    """A new password of one's own."""

    title = _("Change the password")
    template = "web/password.html"
    form = PasswordForm
    button = _("Change the password")
    before_password = True

    def fetch(self, **kwargs: Any) -> User:
        """One's own account."""
        return self.request.user

    def back(self, thing: User) -> str:
        """The account; there is no way round it with a password that somebody else gave."""
        return "" if thing.password_temporary else address("account")

    def submit(self, thing: User, data: dict[str, Any]) -> HttpResponseBase:
        """Set it; all other sessions of the account end."""
        if not knows_password(self.request, thing, data["old"]):
            raise BadInput("The old password is wrong.")
        password_set(actor=self.actor, user=thing, password=data["new"], at=self.at)
        update_session_auth_hash(self.request, thing)
        messages.success(self.request, gettext("The password is changed. Other devices are signed out."))
        return redirect(safe_next(self.request, address("account")))
