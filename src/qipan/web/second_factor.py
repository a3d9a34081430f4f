"""The second factor: set up (picture or typed key), asked for, recovered, and taken away by an administrator."""

from dataclasses import dataclass
from typing import Any, ClassVar

import segno
from django import forms
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django_otp import login as factor_login

from qipan.foundation.access.models import User
from qipan.foundation.access.second_factor import (
    factor_state,
    factor_wait,
    key_uri,
    manual_key,
    new_key,
    recovery_codes_make,
    second_factor_enrol,
    second_factor_reset,
    second_factor_verify,
)
from qipan.foundation.access.selectors import access_user
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.page import Words, address, is_verified
from qipan.terms.errors import BadInput
from qipan.terms.roles import Permission
from qipan.web.sign_in import knows_password, safe_next

#: where the key waits between the picture and the code that proves that the device has it
_KEY = "second_factor_key"


class CodeForm(QipanForm):
    """The code of the moment, or one of the recovery codes."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("The six digits that the device shows now, or one of your recovery codes."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )


class EnrolForm(QipanForm):
    """The first code of a new device, and the password: nobody sets one up at a screen that was left open."""

    code = forms.CharField(
        label=_("Code"),
        max_length=8,
        help_text=_("The six digits that the device shows now."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    password = forms.CharField(
        label=_("Your password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the device is told."""

    key: str
    typed: str
    #: a picture as a data address (the content security policy takes those)
    picture: str


class Enrolling(FormPage):
    """Setting a device up."""

    title = _("Set up the second factor")
    template = "web/second_factor_enrol.html"
    form: ClassVar[type[forms.Form]] = EnrolForm
    button = _("Set up")
    help = _(
        "Exports, appeals and administration ask for a code beside the password. An app for one-time codes on your "
        "phone shows it; it needs no network."
    )

    def fetch(self, **kwargs: Any) -> Enrolment:
        """The key, the same until it is used or the session ends."""
        key = self.request.session.get(_KEY) or new_key()
        self.request.session[_KEY] = key
        picture = segno.make(key_uri(self.request.user, key), error="m").png_data_uri(scale=5, border=3)
        return Enrolment(key, manual_key(key), picture)

    def submit(self, thing: Enrolment, data: dict[str, Any]) -> HttpResponseBase:
        """Enrol, and show the recovery codes this once."""
        user = self.request.user
        if not knows_password(self.request, user, data["password"]):
            raise BadInput("The password is wrong.")
        device, codes = second_factor_enrol(actor=self.actor, user=user, key=thing.key, code=data["code"], at=self.at)
        del self.request.session[_KEY]
        self.request.session.cycle_key()
        factor_login(self.request, device)
        return self.show("web/recovery_codes.html", codes=codes, next=safe_next(self.request, address("account")))


class NewDevice(Enrolling):
    """Another device in place of the present one."""

    title = _("Set up another device")

    def asks_second_factor(self) -> bool:
        """Whoever has a device proves it first; the others have nothing to prove."""
        return factor_state(self.request.user).enrolled

    def back(self, thing: Enrolment) -> str:
        """The account."""
        return address("account")


class SecondFactor(Enrolling):
    """The second door: the code is asked for, or, where there is no device yet, one is set up."""

    title = _("Second factor")
    section = ""
    button = _("Continue")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whoever went through it already goes on."""
        if request.user.is_authenticated and is_verified(request):
            return redirect(safe_next(request, address("account")))
        return super().dispatch(request, *args, **kwargs)

    def fetch(self, **kwargs: Any) -> Any:
        """What a new device is told; None where there is one."""
        return None if factor_state(self.request.user).enrolled else super().fetch(**kwargs)

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """Enrolling asks for the password too."""
        return EnrolForm(data) if thing is not None else CodeForm(data)

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Go on with the code proved."""
        if thing is not None:
            return super().submit(thing, data)
        user = self.request.user
        device = second_factor_verify(actor=self.actor, user=user, code=data["code"], at=self.at)
        if device is None:
            raise BadInput(
                "This code is wrong, or was used already. Wait %(seconds)s s, then try the next one.",
                seconds=max(factor_wait(user), 1),
            )
        self.request.session.cycle_key()
        factor_login(self.request, device)
        return redirect(safe_next(self.request))


class RecoveryCodes(FormPage):
    """New recovery codes."""

    title = _("New recovery codes")
    second_factor = True
    button = _("Make new codes")
    template = "web/recovery_new.html"

    def back(self, thing: Any) -> str:
        """The account."""
        return address("account")

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Show them, this once."""
        codes = recovery_codes_make(actor=self.actor, user=self.request.user, at=self.at)
        return self.show("web/recovery_codes.html", codes=codes, next=address("account"))


class ResetForm(QipanForm):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"), max_length=400, help_text=_("For example: phone lost, person known to me. Kept in the log.")
    )


class SecondFactorReset(FormPage):
    """An administrator takes somebody's second factor away."""

    title = _("Reset the second factor")
    section = "users"
    permission = Permission.USER_MANAGE
    form = ResetForm
    button = _("Reset")
    confirm = grave = True

    def fetch(self, **kwargs: Any) -> User:
        """An account that the reader manages."""
        return access_user(self.actor, kwargs["username"])

    def heading(self, thing: User) -> Words:
        """Whose."""
        return f"{self.title}: {thing.display_name}"

    def back(self, thing: User) -> str:
        """The account's page."""
        return address("user", thing.pk)

    def consequences(self, thing: User, data: dict[str, Any]) -> tuple[Consequence, ...]:
        """What it opens."""
        return (
            Consequence(_("Effect"), _("The devices and recovery codes of this account stop working at once. When it "
                                       "is next asked for a code, a new device is set up with the password alone.")),
            Consequence(_("Be sure"), _("that it is really this person who asks: call back on a number you know.")),
        )  # fmt: skip

    def submit(self, thing: User, data: dict[str, Any]) -> Done:
        """Reset it."""
        second_factor_reset(actor=self.actor, user=thing, reason=data["reason"], at=self.at)
        return Done(_("The second factor is reset."), self.back(thing) or address("account"))
