"""Personal links: a person reads without an account what holds for him. Issued, shown once, taken back."""

import secrets
from datetime import datetime, timedelta

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.rooms.persons.models import Person, PersonalLink
from qipan.rooms.persons.selectors import link_digest
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.roles import Actor, Permission

#: days for which a link opens where nobody says otherwise, and at the most
LINK_DAYS = 60
MOST_LINK_DAYS = 180
#: 192 bits from the system's source of randomness
_TOKEN_BYTES = 24


def personal_link_issue(*, actor: Actor, person_id: int, at: datetime, days: int = LINK_DAYS) -> str:
    """Make a link for a person and answer with its token, which is stored nowhere: show it once.

    Links issued before stay valid (one on paper, one for a parent) until they expire or are taken back. Raises
    Absent (unknown, purged), Denied (whoever may not open an appeal for him), BadInput (days).
    """
    if not 1 <= days <= MOST_LINK_DAYS:
        raise BadInput("A personal link holds for 1 to %(most)s days.", most=MOST_LINK_DAYS)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with audited(actor=actor, action="personal_link.issue", at=at) as entry:
        row = Person.objects.select_for_update().filter(pk=person_id, purged_at=None).first()
        if row is None:
            raise Absent("person")
        require(actor, Permission.APPEAL_OPEN, row.area_path)
        link = PersonalLink.objects.create(
            person_id=person_id, digest=link_digest(token), issued_at=at, issued_by_id=actor.user_id,
            expires_at=at + timedelta(days=days),
        )  # fmt: skip
        entry.about("person", person_id, area_path=row.area_path,
                    detail={"link": link.pk, "until": link.expires_at.isoformat()})  # fmt: skip
    return token


def personal_link_revoke(*, actor: Actor, link_id: int, at: datetime) -> None:
    """Take a link back: from this moment it opens nothing. Raises Absent, Denied, Refused (closed already)."""
    with audited(actor=actor, action="personal_link.revoke", at=at) as entry:
        link = PersonalLink.objects.select_related("person").filter(pk=link_id).first()
        if link is None:
            raise Absent("link")
        require(actor, Permission.APPEAL_OPEN, link.person.area_path)
        if not PersonalLink.objects.filter(pk=link_id, revoked_at=None, expires_at__gt=at).update(revoked_at=at):
            raise Refused("This link opens nothing any more.")
        entry.about("person", link.person_id, area_path=link.person.area_path, detail={"link": link_id})
