"""Registering people, opening and searching their identities, and keeping the vault."""

from qipan.rooms.persons.rules import (
    CheckedPerson,
    DocumentKind,
    Identity,
    NewPerson,
    PurgeReason,
    Purpose,
    RowProblem,
    SearchBy,
)
from qipan.rooms.persons.services.keeping import Rotation, person_purge, persons_take_back, vault_rotate
from qipan.rooms.persons.services.links import LINK_DAYS, personal_link_issue, personal_link_revoke
from qipan.rooms.persons.services.opening import identity_open, identity_search
from qipan.rooms.persons.services.registering import (
    PlacedPerson,
    identity_record,
    person_move,
    person_register,
    persons_check,
    persons_for_references,
    persons_place,
    persons_register_bulk,
    persons_write,
)

__all__ = [
    "LINK_DAYS",
    "CheckedPerson",
    "DocumentKind",
    "Identity",
    "NewPerson",
    "PlacedPerson",
    "PurgeReason",
    "Purpose",
    "Rotation",
    "RowProblem",
    "SearchBy",
    "identity_open",
    "identity_record",
    "identity_search",
    "person_move",
    "person_purge",
    "person_register",
    "personal_link_issue",
    "personal_link_revoke",
    "persons_check",
    "persons_for_references",
    "persons_place",
    "persons_register_bulk",
    "persons_take_back",
    "persons_write",
    "vault_rotate",
]
