"""Coming in and going out: name and password, lockout, the way back to where one wanted to go."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.form_page import FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.page import Page
from qipan.terms.errors import BadInput


def safe_next(request: HttpRequest, fallback: str = "/") -> str:
    """Where to go on: an address of ours, or `fallback`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure()):
        return wanted
    return fallback


class SignInForm(QipanForm):
    """Name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SignIn(FormPage):
    """The door."""

    title = _("Sign in")
    public = True
    form = SignInForm
    button = _("Sign in")

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Let in whoever knows the password; never say whether the name exists."""
        user = authenticate(self.request, username=data["username"], password=data["password"])
        if user is None:
            raise BadInput("User name or password is wrong. After five wrong tries the door stays shut for a while.")
        login(self.request, user)
        return redirect(safe_next(self.request))


def locked_out(request: HttpRequest, credentials: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """The answer while the door is shut (django-axes calls it)."""
    from qipan.web.errors import error_page

    return error_page(request, 429, gettext("Too many wrong passwords. Try again in a quarter of an hour."))


class SignOut(Page):
    """Going out."""

    public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the session."""
        logout(request)
        messages.success(request, gettext("You are signed out."))
        return redirect("sign-in")
