"""Tokens: made once, shown once, never more than their owner holds (trust: A8)."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet

from qipan.foundation import clock
from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import require, scope
from qipan.foundation.audit.services import audited
from qipan.foundation.http.models import ApiToken
from qipan.terms.errors import Absent, BadInput
from qipan.terms.roles import Actor, Permission

PREFIX = "qipan_"
LONGEST = timedelta(days=366)
#: what no token may do, whoever owns it: administration and whatever asks for the second factor
NEVER = frozenset(
    {
        Permission.USER_MANAGE, Permission.TOKEN_MANAGE, Permission.KEY_ROTATE, Permission.BACKUP_RUN,
        Permission.RULEBOOK_PUBLISH, Permission.APPEAL_DECIDE, Permission.IDENTITY_OPEN, Permission.IDENTITY_SEARCH,
        Permission.PERSON_PURGE, Permission.ROWS_EXPORT,
    }
)  # fmt: skip


def token_digest(token: str) -> bytes:
    """The digest under which a token is kept. It is 256 random bits: a plain hash cannot be reversed."""
    return hashlib.sha256(token.encode()).digest()


def token_create(
    *,
    actor: Actor,
    user: User,
    name: str,
    permissions: Collection[Permission],
    area_path: str,
    expires_at: datetime,
    at: datetime,
) -> tuple[ApiToken, str]:
    """Make a token for an account: the row, and the token itself, which is shown this once.

    One's own account, or one whose tokens the actor manages. Raises Denied, BadInput (no name, no permission, one
    that no token has, an end that is past or too far).
    """
    if not name.strip():
        raise BadInput("Say what the token is for.")
    if not permissions:
        raise BadInput("A token needs at least one permission.")
    if refused := sorted(permission.value for permission in set(permissions) & NEVER):
        raise BadInput("No token may do this: %(permissions)s.", permissions=", ".join(refused))
    if not at < expires_at <= at + LONGEST:
        raise BadInput("A token ends within a year.")
    with audited(actor=actor, action="token.create", at=at) as entry:
        if actor.user_id != user.pk:
            require(actor, Permission.TOKEN_MANAGE, user.area_path)
        token = PREFIX + secrets.token_urlsafe(32)
        row = ApiToken.objects.create(
            user=user, name=name.strip()[:80], digest=token_digest(token),
            permissions=sorted(permission.value for permission in permissions), area_path=area_path, created_at=at,
            created_by=actor.user_id, expires_at=expires_at,
        )  # fmt: skip
        entry.about(
            "token", row.pk, area_path=user.area_path,
            detail={
                "user": user.pk, "permissions": row.permissions, "area": area_path, "until": expires_at.isoformat(),
            },
        )  # fmt: skip
    return row, token


def list_tokens(actor: Actor) -> QuerySet[ApiToken]:
    """One's own tokens, and those of accounts whose tokens one manages; the newest first."""
    managed = scope(ApiToken.objects.all(), actor, Permission.TOKEN_MANAGE, "user__area_path")
    own = ApiToken.objects.filter(user_id=actor.user_id) if actor.user_id is not None else ApiToken.objects.none()
    return (managed | own).select_related("user").order_by("-pk")


def token_revoke(*, actor: Actor, token_id: int, at: datetime) -> None:
    """End a token now. Twice changes nothing. Raises Absent."""
    with audited(actor=actor, action="token.revoke", at=at) as entry:
        row = list_tokens(actor).filter(pk=token_id).first()
        if row is None:
            raise Absent("token")
        entry.silent = not ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=at)
        entry.about("token", row.pk, area_path=row.user.area_path)


def token_of(token: str, at: datetime) -> ApiToken | None:
    """The token's row while it holds: not revoked, not ended, its account open. Notes the day of its use."""
    row = ApiToken.objects.select_related("user").filter(digest=token_digest(token)).first()
    if row is None or row.revoked_at is not None or row.expires_at <= at or not row.user.is_active:
        return None
    day = clock.local_date(at, clock.civil_zone())
    if row.last_used_on != day:
        ApiToken.objects.filter(pk=row.pk).update(last_used_on=day)
    return row
