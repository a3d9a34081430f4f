"""The vault's door for lists: names for a purpose, in one entry of the log."""

from collections.abc import Collection, Sequence
from datetime import datetime

from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import choices
from qipan.rooms.persons import forms  # noqa: F401 - its import gives the purposes their words
from qipan.rooms.persons.rules import Purpose
from qipan.rooms.persons.selectors import person_refs
from qipan.rooms.persons.services import identity_open
from qipan.terms.roles import Actor


def open_names(actor: Actor, person_ids: Collection[int], purpose: str, at: datetime) -> dict[int, str]:
    """person -> name; those whose identity was destroyed are left out. Raises what the service raises."""
    known = person_refs(person_ids)
    opened = identity_open(actor=actor, person_ids=known, purpose=purpose, at=at)
    return {person_id: identity.name for person_id, identity in opened.items()}


def purposes() -> Sequence[tuple[str, Words]]:
    """The purposes for which names are opened."""
    return choices(Purpose)
