"""API tokens: made for oneself, shown once, ended at any time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.http.models import ApiToken
from qipan.foundation.http.tokens import NEVER, list_tokens, token_create, token_revoke
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import address
from qipan.terms.errors import Absent
from qipan.terms.roles import Permission


def _narrowed_to(token: ApiToken) -> str | None:
    return None if token.area_path == "/" else token.area_path


class Tokens(ListPage):
    """One's own tokens, and those of accounts that one manages."""

    title = _("API tokens")
    second_factor = True
    columns = (
        Column(key="name", title=_("What for")),
        Column(key="user_id", title=_("Account"), kind=Kind.USER),
        Column(key="permissions", title=_("May"), value=lambda token: ", ".join(token.permissions)),
        Column(key="area_path", title=_("Area"), kind=Kind.AREA, value=_narrowed_to),
        Column(key="expires_at", title=_("Ends"), kind=Kind.INSTANT, sort="expires_at"),
        Column(key="last_used_on", title=_("Last used"), kind=Kind.DATE),
        Column(key="revoked_at", title=_("Taken back"), kind=Kind.INSTANT),
    )  # fmt: skip
    opens = "token-revoke"
    help = _("A token lets a program act for an account at /api/v1, with some of its permissions, until a day.")
    empty = _("There is no token. Make one for a program that sends or fetches data.")

    def rows(self) -> QuerySet[ApiToken]:
        """The newest first."""
        return list_tokens(self.actor)

    def head(self) -> Sequence[Link]:
        """A new one, and what can be called."""
        return (Link(_("The operations"), "/api/v1/docs"), Link(_("Make a token"), address("token-add"), primary=True))


class TokenForm(QipanForm):
    """What for, what it may, how long."""

    name = forms.CharField(label=_("What for"), max_length=80, help_text=_("The program and its purpose."))
    permissions = forms.MultipleChoiceField(label=_("May"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label=_("Days until it ends"), min_value=1, max_value=366, initial=90)


class TokenAdd(FormPage):
    """A new token for oneself, narrowed to the chosen area."""

    title = _("Make a token")
    second_factor = True
    form = TokenForm
    button = _("Make the token")
    help = _("The token is narrowed to the area chosen at the top of the page, and never does more than you may.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """Only what the reader holds himself, and what tokens may do at all."""
        form = TokenForm(data, files)
        held = [each for each in Permission if each not in NEVER and self.actor.areas_for(each)]
        field: Any = form.fields["permissions"]
        field.choices = [(each.value, each.value) for each in held]
        return form

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponse:
        """The token, this once."""
        row, token = token_create(
            actor=self.actor, user=self.request.user, name=data["name"],
            permissions={Permission(each) for each in data["permissions"]}, area_path=self.area.path,
            expires_at=self.at + timedelta(days=data["days"]), at=self.at,
        )  # fmt: skip
        return self.show("web/token.html", token=token, row=row, head=())

    def back(self, thing: Any) -> str:
        """The list."""
        return address("tokens")


class TokenRevoke(FormPage):
    """Ending a token now."""

    title = _("Take a token back")
    second_factor = True
    button = _("Take back")
    confirm = grave = True

    def fetch(self, **kwargs: Any) -> ApiToken:
        """One's own, or one that one manages. Raises Absent."""
        token = list_tokens(self.actor).filter(pk=kwargs["token_id"]).first()
        if token is None:
            raise Absent("token")
        return token

    def heading(self, thing: ApiToken) -> str:
        """Which one."""
        return gettext("Take back “%(name)s”") % {"name": thing.name}

    def consequences(self, thing: ApiToken, data: dict[str, Any]) -> list[Consequence]:
        """What stops."""
        return [Consequence(_("What it means"), _("The program that uses it is refused from this moment on."))]

    def submit(self, thing: ApiToken, data: dict[str, Any]) -> Done | HttpResponseBase:
        """Done."""
        token_revoke(actor=self.actor, token_id=thing.pk, at=self.at)
        return Done(gettext("The token is taken back."), address("tokens"))

    def back(self, thing: ApiToken) -> str:
        """The list."""
        return address("tokens")
