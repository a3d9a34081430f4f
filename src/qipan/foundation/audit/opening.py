"""Opening a sealed reason of an entry: for a purpose, and in the log itself."""

from datetime import datetime
from typing import Any

from qipan.foundation import crypto
from qipan.foundation.audit.reasons import open_reason
from qipan.foundation.audit.selectors import access_entry
from qipan.foundation.audit.services import audited
from qipan.terms.errors import BadInput, Refused
from qipan.terms.roles import Actor

#: keys of an entry's detail that hold somebody's own words, sealed
SEALED_KEYS = ("reason",)
#: characters of a purpose: a word is none
SHORTEST_PURPOSE = 8


def is_sealed(key: str, value: Any) -> bool:
    """Whether this part of an entry's detail is sealed words."""
    return key in SEALED_KEYS and isinstance(value, str) and len(value) > 40


def reason_open(*, actor: Actor, seq: int, purpose: str, at: datetime) -> dict[str, str]:
    """The sealed words of an entry by their key. The log says who read them, and for what.

    Raises Absent (no such entry, or not the actor's to see), BadInput (no purpose, nothing sealed), Refused (its key
    is gone).
    """
    purpose = purpose.strip()
    if not SHORTEST_PURPOSE <= len(purpose) <= 200:
        raise BadInput("Say for what purpose you read this, in a sentence of at most 200 characters.")
    entry = access_entry(actor, seq)
    sealed = {key: value for key, value in entry.detail.items() if is_sealed(key, value)}
    if not sealed:
        raise BadInput("Nothing of this entry is sealed.")
    with audited(actor=actor, action="audit.reason_open", at=at, purpose=purpose) as opened:
        try:
            words = {key: open_reason(value, write_id=entry.write_id) for key, value in sealed.items()}
        except (crypto.Unsealable, ValueError):
            raise Refused("These words cannot be opened: the key they were sealed under is not here.") from None
        opened.about("entry", seq, area_path=entry.area_path, detail={"action": entry.action})
    return words
