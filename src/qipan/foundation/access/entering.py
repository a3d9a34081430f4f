"""Coming in and going out, as the log tells it: who, when, and whether it was let happen. Never what was typed.

A name that belongs to no account is not kept: people type their password where their name belongs.
"""

from datetime import datetime, timedelta

from qipan.foundation.access.models import User
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.services import audited
from qipan.terms.roles import Actor

#: who stands at the door before it is known who it is
_NOBODY = Actor(user_id=None, unit_id=None, grants=(), label="nobody")
#: a shut door is written down once in so long for a name: whoever hammers on it does not fill the log
_QUIET = timedelta(minutes=1)


def sign_in_record(*, actor: Actor, user: User, at: datetime) -> None:
    """Somebody came in."""
    with audited(actor=actor, action="sign_in", at=at) as entry:
        entry.about("user", user.pk, area_path=user.area_path)


def sign_out_record(*, actor: Actor, user: User, at: datetime) -> None:
    """Somebody went out."""
    with audited(actor=actor, action="sign_out", at=at) as entry:
        entry.about("user", user.pk, area_path=user.area_path)


def sign_in_failed_record(*, username: str, locked: bool, at: datetime) -> None:
    """Somebody was not let in: a wrong name or password, or the door was shut after too many of them."""
    user = User.objects.filter(username=username).first()
    subject = str(user.pk) if user is not None else ""
    action = "sign_in.locked" if locked else "sign_in.failed"
    with audited(actor=_NOBODY, action=action, at=at) as entry:
        entry.about("user", subject, area_path=user.area_path if user is not None else "")
        recent = AuditEntry.objects.filter(action=action, at__gt=at - _QUIET, subject_id=subject)
        entry.silent = locked and recent.exists()
