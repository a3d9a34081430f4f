"""Version tokens: who changes what he has not seen is told so (trust: C2)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from qipan.terms.errors import Conflict


def version_of(state: Mapping[str, Any]) -> str:
    """A short token of a thing's state as it is answered (JSON values, dates and instants as text)."""
    text = json.dumps(state, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()


def require_version(state: Mapping[str, Any], given: str) -> None:
    """Raise Conflict unless the token that was given (If-Match; "" for none) is that of the present state."""
    if given and given.strip('"') != version_of(state):
        raise Conflict("Somebody else has changed this meanwhile: read it again.")
