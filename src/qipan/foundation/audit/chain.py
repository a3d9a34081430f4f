"""The canonical form of an entry and its hash: sha256(previous hash + canonical JSON).

Canonical: keys sorted, no spaces, non-ASCII kept as UTF-8, instants in UTC with microseconds and "Z". The
stand-alone verifier repeats this definition on purpose: it must share no code with the application.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
FIELDS = (
    "seq", "at", "actor_user_id", "actor_unit_id", "actor_label", "action", "subject_kind", "subject_id",
    "area_path", "purpose", "detail", "write_id",
)  # fmt: skip


def canonical_instant(moment: datetime) -> str:
    """An aware instant as ``2022-07-20T00:00:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an entry given as a mapping of `FIELDS` (`at` an aware datetime or text)."""
    values = {name: entry[name] for name in FIELDS}
    if isinstance(values["at"], datetime):
        values["at"] = canonical_instant(values["at"])
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def entry_hash(prev_hash: str, entry: Mapping[str, Any]) -> str:
    """The hash that binds an entry to everything before it (64 hex digits)."""
    return hashlib.sha256(prev_hash.encode() + canonical(entry)).hexdigest()
