"""Opening and finding identities: for a purpose of disease control, in one's own areas, and logged."""

from collections.abc import Collection
from datetime import datetime

from qipan.foundation import crypto
from qipan.foundation.access.scoping import require, require_anywhere, scope
from qipan.foundation.audit.services import audited, record_denial
from qipan.rooms.persons import identity as vault
from qipan.rooms.persons.models import BlindIndex, Person, SealedIdentity
from qipan.rooms.persons.rules import Identity, Purpose, SearchBy
from qipan.rooms.persons.selectors import PersonRef, person_refs
from qipan.terms.errors import Absent, Denied, Refused
from qipan.terms.roles import Actor, Permission

#: Identities opened in one call. A list for field work is shorter; nobody opens a district.
MOST = 1000


def _purpose(actor: Actor, action: str, at: datetime, purpose: str, permission: Permission) -> Purpose:
    """The purpose, or Refused; what was said instead is not kept, that it was tried is."""
    try:
        return Purpose(purpose)
    except ValueError:
        record_denial(actor=actor, action=action, at=at, denied=Denied(permission))
        raise Refused("Identities are opened for a purpose of disease control only.") from None


def identity_open(*, actor: Actor, person_ids: Collection[int], purpose: str, at: datetime) -> dict[int, Identity]:
    """Open the identities of a list of people, in one entry of the log.

    All or none: raises Denied or Absent where one of them is not the actor's to open or is not there (both look
    alike at the edge), Refused for a purpose that is none or a list longer than `MOST`. People without an
    identity are missing in the answer.
    """
    reason = _purpose(actor, "identity.open", at, purpose, Permission.IDENTITY_OPEN)
    wanted = sorted(set(person_ids))
    if len(wanted) > MOST:
        raise Refused("No more than %(most)s identities are opened at once.", most=MOST)
    with audited(actor=actor, action="identity.open", at=at, purpose=reason.value) as entry:
        require_anywhere(actor, Permission.IDENTITY_OPEN)
        refs = person_refs(wanted)
        for ref in refs.values():
            require(actor, Permission.IDENTITY_OPEN, ref.area_path)
        if len(refs) != len(wanted):
            raise Absent("person")
        opened = _open_rows(wanted)
        one = wanted[0] if len(wanted) == 1 else ""
        entry.about("person", one, area_path=refs[wanted[0]].area_path if one else "", detail={"persons": wanted})
        entry.silent = not wanted
    return opened


def _open_rows(wanted: list[int]) -> dict[int, Identity]:
    rows = SealedIdentity.objects.filter(pk__in=wanted).values_list("person_id", "wrapped_key", "sealed")
    opened: dict[int, Identity] = {}
    stale: list[int] = []
    for pk, wrapped, sealed in rows:
        try:
            opened[pk] = vault.open_identity(pk, wrapped, sealed)
        except crypto.Unsealable:
            stale.append(pk)
    # A rotation may have re-wrapped a row and retired the old key between our query and its opening
    # (PostgreSQL, where readers wait for nobody): read again, once. What still does not open was tampered with.
    for pk, wrapped, sealed in (
        SealedIdentity.objects.filter(pk__in=stale).values_list("person_id", "wrapped_key", "sealed") if stale else ()
    ):
        opened[pk] = vault.open_identity(pk, wrapped, sealed)
    return opened


def identity_search(*, actor: Actor, by: str, text: str, purpose: str, at: datetime) -> list[PersonRef]:
    """The people with exactly this name, document number or phone, where the actor may search; as pseudonyms.

    Logged with its purpose, the kind of search and the number found, never with the text. Raises Denied where
    the actor may search nowhere, Refused for a purpose that is none, or another kind of search.
    """
    reason = _purpose(actor, "identity.search", at, purpose, Permission.IDENTITY_SEARCH)
    try:
        kind = SearchBy(by)
    except ValueError:
        raise Refused("People are found by exact name, document or phone only.") from None
    with audited(actor=actor, action="identity.search", at=at, purpose=reason.value) as entry:
        require_anywhere(actor, Permission.IDENTITY_SEARCH)
        digests = vault.search_digests(kind, text)
        matches = BlindIndex.objects.filter(**{f"{kind.value}__in": digests}).values("person_id")
        persons = scope(Person.objects.filter(pk__in=matches, purged_at=None), actor, Permission.IDENTITY_SEARCH)
        found = [PersonRef(*row) for row in persons.order_by("pk").values_list("pk", "area_id", "area_path")]
        entry.about("person", "", detail={"by": kind.value, "persons": [ref.id for ref in found[:MOST]],
                                          "found": len(found)})  # fmt: skip
    return found
