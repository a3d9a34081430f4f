"""Pages of accounts and roles: administration, behind the second factor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.models import User
from qipan.foundation.access.selectors import managed_user
from qipan.foundation.access.services import password_random, password_set, user_create, user_disable, user_enable
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Event, Panel, State
from qipan.foundation.pages.filters import Choice, Text
from qipan.foundation.pages.form_page import Consequence, Done, FormPage, act_on
from qipan.foundation.pages.list_acts import BulkAction, Outcome
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.speech import say
from qipan.foundation.pages.words import Grave, choices, word
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.organizations.forms import AccountForm, LastDayForm, RoleForm, UnitField
from qipan.rooms.organizations.models import Membership, Unit
from qipan.rooms.organizations.selectors import (
    account_history,
    list_accounts,
    list_units,
    local_day,
    managed_membership,
    managed_memberships,
)
from qipan.rooms.organizations.services import membership_end, membership_grant
from qipan.rooms.organizations.web.units import AREA, UNIT_LINK
from qipan.terms.errors import Refused
from qipan.terms.roles import Actor, Permission, Role

#: what the log says was done to an account
ACTIONS: dict[str, Words] = {
    "user.create": _("account added"),
    "user.password": _("password set"),
    "user.edit": _("account changed"),
    "user.disable": _("account closed"),
    "user.enable": _("account opened again"),
    "membership.grant": _("role granted"),
    "membership.end": _("role ended"),
}


# ---------------------------------------------------------------------- closing many


def _chosen(actor: Actor, keys: Sequence[str]) -> list[User]:
    """The accounts behind these keys that the actor manages, by name."""
    ids = [int(key) for key in keys if key.isascii() and key.isdigit()]
    return list(list_accounts(actor).filter(pk__in=ids))


def _close_preview(actor: Actor, keys: Sequence[str], at: datetime) -> list[str]:
    lines = []
    for user in _chosen(actor, keys):
        if not user.is_active:
            text = gettext("%(name)s (%(user)s): is closed already")
        elif user.pk == actor.user_id:
            text = gettext("%(name)s (%(user)s): your own account stays open")
        else:
            text = gettext("%(name)s (%(user)s): will be closed")
        lines.append(text % {"name": user.display_name, "user": user.username})
    return lines


def _close(actor: Actor, keys: Sequence[str], at: datetime) -> Outcome:
    done, refused = [], []
    for user in _chosen(actor, keys):
        was_open = user.is_active
        try:
            user_disable(actor=actor, user=user, at=at)
        except Refused as error:
            refused.append(f"{user.username}: {say(error)}")
            continue
        if was_open:
            done.append(user.pk)
    return Outcome(len(done), refused, undo=done or None)


def _open_again(actor: Actor, token: Any, at: datetime) -> Outcome:
    users = _chosen(actor, [str(key) for key in token])
    for user in users:
        user_enable(actor=actor, user=user, at=at)
    return Outcome(len(users))


class Users(ListPage):
    """The accounts that the reader manages."""

    title = _("Users")
    section = "users"
    permission = Permission.USER_MANAGE
    second_factor = True
    columns = (
        Column(key="username", title=_("User name"), sort="username"),
        Column(key="display_name", title=_("Full name"), sort="display_name"),
        Column(key="roles", title=_("Roles"), value=lambda user: user.said),
        Column(key="area_path", title=_("Managed in"), kind=Kind.AREA, wide=True),
        Column(key="last_login", title=_("Last sign-in"), kind=Kind.INSTANT, sort="last_login", wide=True),
        Column(key="is_active", title=_("State"), value=lambda user: _("in use") if user.is_active else _("closed")),
    )
    filters = (
        Text(name="name", title=_("User name"), field="username"),
        Choice(
            name="role", title=_("Role"), options=choices(Role, leave_out=(Role.SYSTEM.value,)),
            keep=lambda rows, value: rows.filter(memberships__role=value).distinct(),
        ),
        Choice(
            name="state", title=_("State"), options=(("open", _("in use")), ("closed", _("closed"))),
            keep=lambda rows, value: rows.filter(is_active=value == "open"),
        ),
    )  # fmt: skip
    sort = ("username", False)
    opens = "user"
    bulk = (
        BulkAction(
            name="close", title=_("Close accounts"), permission=Permission.USER_MANAGE, preview=_close_preview,
            run=_close, undo=_open_again,
            effect=_(
                "From this moment these accounts sign in nowhere and hold no right. What they did stays in the log."
            ),
        ),
    )  # fmt: skip
    help = _("The accounts that you manage. An account gives no right: rights come from roles in an area, for a time.")
    empty = _("You manage no account in this area: add one, or choose the area above it.")

    def rows(self) -> Any:
        """Managed in the chosen area, or holding a role there."""
        return list_accounts(self.actor, self.area.path)

    def slice(self, rows: Any) -> Any:
        """With the roles of today in words."""
        part = super().slice(rows)
        today = local_day(self.at)
        for user in part.rows:
            held = [m.role for m in user.memberships.all() if _holds(m, today)]
            user.said = ", ".join(str(word(Role, role)) for role in dict.fromkeys(held)) or None
        return part

    def head(self) -> Sequence[Link]:
        """Adding one."""
        return (Link(_("Add an account"), address("user-add"), primary=True),)


def _holds(membership: Membership, day: Any) -> bool:
    return membership.starts_on <= day and (membership.ends_on is None or membership.ends_on >= day)


class UserPage(DetailPage):
    """One account: its roles, and what was done to it."""

    title = _("Account")
    section = "users"
    permission = Permission.USER_MANAGE
    second_factor = True
    facts = (
        Column(key="username", title=_("User name")),
        Column(key="area_path", title=_("Managed in"), kind=Kind.AREA),
        Column(key="created_at", title=_("Added on"), kind=Kind.INSTANT),
        Column(key="last_login", title=_("Last sign-in"), kind=Kind.INSTANT),
        Column(key="language", title=_("Language"), value=lambda user: dict(settings.LANGUAGES).get(user.language)),
    )
    help = _("Roles hold in an area and everything below it, from one day to another. All of it is in the log.")

    def fetch(self, **kwargs: Any) -> User:
        """Absent where the reader does not manage it."""
        return managed_user(self.actor, kwargs["user_id"])

    def heading(self, thing: User) -> Words:
        """Who it is."""
        return thing.display_name

    def state(self, thing: User) -> Sequence[State]:
        """Open, closed; whether anybody can sign in with it."""
        states = [State(_("in use"), Grave.GOOD) if thing.is_active else State(_("closed"), Grave.WARN)]
        if not thing.has_usable_password():
            states.append(State(_("no password yet"), Grave.WARN))
        return states

    def actions(self, thing: User) -> Sequence[Action]:
        """Roles, password, closing; nothing for oneself."""
        if thing.pk == self.actor.user_id:
            return ()
        closing = (
            Action(_("Close the account"), address("user-close", thing.pk), grave=True)
            if thing.is_active
            else Action(_("Open the account again"), address("user-open", thing.pk))
        )
        return (
            Action(_("Grant a role"), address("role-grant", thing.pk), primary=True),
            Action(_("New password"), address("user-password", thing.pk)),
            closing,
        )

    def panels(self, thing: User) -> Sequence[Panel]:
        """The roles of now and later, then those that ended."""
        today = local_day(self.at)
        roles = list(managed_memberships(self.actor, thing.pk))
        held = [each for each in roles if each.ends_on is None or each.ends_on >= today]
        ended = [each for each in roles if each not in held]
        columns = (
            Column(key="role", title=_("Role"), kind=Kind.WORD, words=Role), AREA, UNIT_LINK,
            Column(key="starts_on", title=_("From"), kind=Kind.DATE),
            Column(key="ends_on", title=_("Until"), kind=Kind.DATE),
        )  # fmt: skip
        end = Column(
            key="end",
            title=_("Action"),
            link="role-end",
            value=lambda m: _("End the role") if self._may_end(m) else "",
        )
        mine = thing.pk == self.actor.user_id
        return (
            Panel(_("Roles"), columns if mine else (*columns, end), held,
                  _("No role: this account can open nothing."), main=True),
            *([Panel(_("Roles that ended"), columns, ended[:50], main=True)] if ended else []),
        )  # fmt: skip

    def _may_end(self, membership: Membership) -> bool:
        return self.actor.may(Permission.USER_MANAGE, membership.area_path)

    def timeline(self, thing: User) -> Sequence[Event]:
        """What was done to the account and its roles."""
        entries = account_history(self.actor, thing.pk)
        return events(entries)


def events(entries: Sequence[AuditEntry]) -> list[Event]:
    """Entries of the log about an account as a timeline."""
    who = names_of("user", {entry.actor_user_id for entry in entries})
    return [
        Event(
            entry.at,
            ACTIONS.get(entry.action, entry.action),
            who=who.get(entry.actor_user_id, entry.actor_label),
            why=_of_role(entry),
            grave=Grave.WARN if entry.action == "user.disable" else Grave.QUIET,
        )
        for entry in entries
    ]


def _of_role(entry: AuditEntry) -> Words:
    role, until = entry.detail.get("role"), entry.detail.get("until")
    if role:
        return word(Role, role)
    return gettext("last day %(day)s") % {"day": until} if until else ""


class _Once(FormPage):
    """A form whose answer shows a new password, once: it is in no address, no session and no log."""

    section = "users"
    permission = Permission.USER_MANAGE
    second_factor = True

    def once(self, user: User, password: str) -> HttpResponseBase:
        """The page with the password."""
        return self.show(
            "organizations/password_once.html", heading=user.display_name, account=user, password=password,
            user_url=address("user", user.pk), role_url=address("role-grant", user.pk),
        )  # fmt: skip


class UserAdd(_Once):
    """A new account."""

    title = _("Add an account")
    button = _("Add the account")
    help = _("The password is made here and shown once. Give it to the person, and grant a role.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> AccountForm:
        """Managed where the reader manages accounts."""
        form = AccountForm(data, initial={"area": self.area.code, "language": "zh-hans"})
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.USER_MANAGE)
        form.fields["area"].required = not self.actor.may(Permission.USER_MANAGE, "/")
        return form

    def back(self, thing: Any) -> str:
        """The list."""
        return address("users")

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Make it, and show its password."""
        place = areas_by_code([data["area"]])[data["area"]].path if data["area"] else "/"
        password = password_random()
        user = user_create(
            actor=self.actor, username=data["username"], display_name=data["display_name"], password=password,
            area_path=place, language=data["language"], at=self.at,
        )  # fmt: skip
        return self.once(user, password)


class _OfUser(FormPage):
    """A form about an account that the reader manages, and that is not his own."""

    section = "users"
    permission = Permission.USER_MANAGE
    second_factor = True

    def fetch(self, **kwargs: Any) -> Any:
        """Absent where the reader does not manage it."""
        return managed_user(self.actor, kwargs["user_id"])

    def back(self, thing: Any) -> str:
        """The account."""
        return address("user", thing.pk)

    def heading(self, thing: Any) -> Words:
        """What is done, to whom."""
        return act_on(self.title, thing.display_name)


class UserPassword(_OfUser, _Once):
    """Another password, for somebody who lost his."""

    title = _("New password")
    button = _("Make a new password")
    confirm = grave = True

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """The old one is gone."""
        return (
            Consequence(_("Effect"), _("The present password opens nothing any more, and open sessions end.")),
            Consequence(_("Then"), _("The new password is shown once. Make sure to whom you give it.")),
        )

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Set it, and show it."""
        if thing.pk == self.actor.user_id:
            raise Refused("Change your own password in “My account”.")
        password = password_random()
        password_set(actor=self.actor, user=thing, password=password, at=self.at)
        return self.once(thing, password)


class UserClose(_OfUser):
    """Closing an account."""

    title = _("Close the account")
    button = _("Close the account")
    confirm = grave = True

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """What closing means."""
        return (
            Consequence(_("Effect"), _("From this moment nobody signs in with it, and it holds no right.")),
            Consequence(_("What stays"), _("Everything that was done with it, in the log. It can be opened again.")),
        )

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Close."""
        user_disable(actor=self.actor, user=thing, at=self.at)
        return Done(gettext("The account is closed."), self.back(thing))


class UserOpen(_OfUser):
    """Opening a closed account again."""

    title = _("Open the account again")
    button = _("Open the account again")
    confirm = True

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """Old roles hold again."""
        return (
            Consequence(_("Effect"), _("The old password and the roles that have not ended hold again at once.")),
        )  # fmt: skip

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Open."""
        user_enable(actor=self.actor, user=thing, at=self.at)
        return Done(gettext("The account is open again."), self.back(thing))


class RoleGrant(_OfUser):
    """A role for an account."""

    title = _("Grant a role")
    button = _("Grant the role")
    help = _("Give the smallest area and the shortest time that the work needs.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> RoleForm:
        """With areas and units in which the reader manages accounts."""
        form = RoleForm(data, initial={"starts_on": local_day(self.at)})
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.USER_MANAGE)
        form.fields["area"].required = not self.actor.may(Permission.USER_MANAGE, "/")
        UnitField.of(form).offer(self._units())
        return form

    def _units(self) -> list[Unit]:
        return [u for u in list_units(self.actor) if self.actor.may(Permission.USER_MANAGE, u.area_path)]

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Grant."""
        membership_grant(
            actor=self.actor, user=thing, unit=data["unit"], role=Role(data["role"]), area=data["area"] or None,
            starts_on=data["starts_on"], ends_on=data["ends_on"], at=self.at,
        )  # fmt: skip
        return Done(gettext("The role is granted."), self.back(thing))


class RoleEnd(FormPage):
    """The end of a role."""

    title = _("End the role")
    section = "users"
    permission = Permission.USER_MANAGE
    second_factor = True
    form = LastDayForm
    button = _("End the role")
    confirm = grave = True

    def fetch(self, **kwargs: Any) -> Membership:
        """Absent where the reader does not manage the account, or accounts in the role's area."""
        return managed_membership(self.actor, kwargs["membership_id"])

    def back(self, thing: Any) -> str:
        """The account."""
        return address("user", thing.user_id)

    def heading(self, thing: Any) -> Words:
        """Which role, whose."""
        return act_on(self.title, f"{word(Role, thing.role)}, {thing.user.display_name}")

    def initial(self, thing: Any) -> dict[str, Any]:
        """Today."""
        return {"last_day": local_day(self.at)}

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """From the day after it holds no more."""
        text = gettext("The role holds until the end of %(day)s, then no more. To give it back, grant it anew.")
        return (Consequence(_("Effect"), text % {"day": max(data["last_day"], thing.starts_on)}),)

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """End it."""
        membership_end(actor=self.actor, membership=thing, last_day=data["last_day"], at=self.at)
        return Done(gettext("The role ends with %(day)s.") % {"day": thing.ends_on}, self.back(thing))
