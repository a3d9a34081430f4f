"""Coming in and going out: name and password, lockout, the way back to where one wanted to go."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.access.entering import sign_in_failed_record, sign_in_record, sign_out_record
from qipan.foundation.access.models import User
from qipan.foundation.http.client import client_address
from qipan.foundation.pages.form_page import FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.page import Page
from qipan.rooms.organizations.selectors import actor_for
from qipan.terms.errors import BadInput
from qipan.web.errors import error_page

#: wrong tries from one address, whatever the names, after which it is asked to wait
ADDRESS_LIMIT, ADDRESS_SPAN = 30, timedelta(minutes=15)


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
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
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
        name = data["username"]
        if _hammered(self.request):
            sign_in_failed_record(username=name, locked=True, at=self.at)
            return locked_out(self.request)
        user = authenticate(self.request, username=name, password=data["password"])
        if not isinstance(user, User):
            locked = bool(getattr(self.request, "axes_locked_out", False))
            sign_in_failed_record(username=name, locked=locked, at=self.at)
            raise BadInput("User name or password is wrong. After five wrong tries the door stays shut for a while.")
        login(self.request, user)
        sign_in_record(actor=actor_for(user, self.at), user=user, at=self.at)
        return redirect(safe_next(self.request))


def _hammered(request: HttpRequest) -> bool:
    """Whether this address has tried too many names."""
    recent = AccessAttempt.objects.filter(
        ip_address=client_address(request), attempt_time__gt=timezone.now() - ADDRESS_SPAN
    )
    return (recent.aggregate(tries=Sum("failures_since_start"))["tries"] or 0) >= ADDRESS_LIMIT


def knows_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether whoever sits here knows the account's password; wrong tries count towards the lockout."""
    return authenticate(request, username=user.username, password=password) is not None


def locked_out(request: HttpRequest, *rest: Any) -> HttpResponse:
    """The answer while the door is shut (django-axes calls it)."""
    answer = error_page(request, 429, gettext("Too many wrong passwords. Try again in a quarter of an hour."))
    answer.headers["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return answer


class SignOut(Page):
    """Going out."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Only the button signs out: whoever came by an address is shown the first page."""
        return redirect(reverse("sign-in") if not request.user.is_authenticated else "/")

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the session."""
        if isinstance(request.user, User):
            sign_out_record(actor=self.actor, user=request.user, at=clock.now())
        logout(request)
        messages.success(request, gettext("You are signed out."))
        return redirect("sign-in")
