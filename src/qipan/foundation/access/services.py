"""Accounts: made, given a password, closed. There is no default password and no way to read one back."""

import re
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.terms.errors import Absent, BadInput, Conflict, Refused
from qipan.terms.roles import Actor, Permission

_USERNAME = re.compile(r"[\w.\-]{2,60}")


def password_random() -> str:
    """A random password of 20 characters (120 bits) from the system's source of randomness."""
    return secrets.token_urlsafe(15)


def _check_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInput("This password cannot be used: %(reasons)s", reasons=" ".join(error.messages)) from None


def user_create(
    *,
    actor: Actor,
    username: str,
    display_name: str,
    at: datetime,
    password: str | None = None,
    area_path: str | None = None,
    language: str = "zh-hans",
) -> User:
    """Make an account; without a password nobody can sign in with it until one is set.

    The password is for the first sign-in, which asks for another. area_path: where the account is managed;
    without it, where the actor manages accounts. Raises Denied, BadInput (a name that is none, a weak password),
    Conflict (the name is taken).
    """
    if not _USERNAME.fullmatch(username):
        raise BadInput("“%(name)s” cannot be a user name: letters, digits, “.”, “-” and “_”, 2 to 60 of them.",
                       name=username)  # fmt: skip
    with audited(actor=actor, action="user.create", at=at) as entry:
        place = area_path or next(iter(actor.areas_for(Permission.USER_MANAGE)), "/")
        require(actor, Permission.USER_MANAGE, place)
        user = User(
            username=username,
            display_name=display_name or username,
            language=language,
            created_at=at,
            area_path=place,
            password_temporary=password is not None,
        )
        if password is None:
            user.set_unusable_password()
        else:
            _check_password(user, password)
            user.set_password(password)
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            raise Conflict("There is already a user called %(name)s.", name=username) from None
        entry.about("user", user.pk, area_path=place)
    return user


def password_set(*, actor: Actor, user: User, password: str, at: datetime, temporary: bool | None = None) -> None:
    """Set one's own password, or that of an account that one manages; the account's sessions end.

    A password that somebody else sets is `temporary`: its owner is asked for another when he signs in. Raises
    Denied, BadInput (weak).
    """
    with audited(actor=actor, action="user.password", at=at) as entry:
        if actor.user_id is None or actor.user_id != user.pk:
            require(actor, Permission.USER_MANAGE, user.area_path)
        _check_password(user, password)
        user.set_password(password)
        user.password_temporary = actor.user_id != user.pk if temporary is None else temporary
        user.save(update_fields=["password", "password_temporary"])
        entry.about("user", user.pk, area_path=user.area_path)


def user_disable(*, actor: Actor, user: User, at: datetime) -> None:
    """Close an account: from this moment it signs in nowhere and holds no grant. Twice changes nothing.

    Raises Denied, and Refused for one's own account (nobody locks himself out by mistake).
    """
    with audited(actor=actor, action="user.disable", at=at) as entry:
        require(actor, Permission.USER_MANAGE, user.area_path)
        if actor.user_id == user.pk:
            raise Refused("Nobody closes his own account: ask another administrator.")
        entry.silent = not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False)
        user.is_active = False
        entry.about("user", user.pk, area_path=user.area_path)


def user_enable(*, actor: Actor, user: User, at: datetime) -> None:
    """Open a closed account again. Raises Denied, and Refused for one's own."""
    with audited(actor=actor, action="user.enable", at=at) as entry:
        require(actor, Permission.USER_MANAGE, user.area_path)
        if actor.user_id == user.pk:
            raise Refused("Nobody closes his own account: ask another administrator.")
        entry.silent = not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True)
        user.is_active = True
        entry.about("user", user.pk, area_path=user.area_path)


def own_account_edit(*, actor: Actor, display_name: str, language: str, at: datetime) -> User:
    """Change how one is called and which language one reads. Raises Absent (machinery has no account), BadInput."""
    shown = " ".join(display_name.split())
    if not 1 <= len(shown) <= 80:
        raise BadInput("A name has 1 to 80 characters.")
    if language not in dict(settings.LANGUAGES):
        raise BadInput("“%(language)s” is not a language that qipan speaks.", language=language[:20])
    with audited(actor=actor, action="user.edit", at=at) as entry:
        user = User.objects.filter(pk=actor.user_id or 0, is_active=True).first()
        if user is None:
            raise Absent("user")
        entry.about("user", user.pk, area_path=user.area_path, detail={"language": language})
        entry.silent = (user.display_name, user.language) == (shown, language)
        user.display_name, user.language = shown, language
        user.save(update_fields=["display_name", "language"])
    return user
