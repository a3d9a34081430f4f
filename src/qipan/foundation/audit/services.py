"""Writing the log: `audited` opens the transaction, and appends the entry as its last act."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from qipan.foundation.audit.chain import FIELDS, GENESIS, entry_hash
from qipan.foundation.audit.models import AuditEntry
from qipan.terms.errors import Denied
from qipan.terms.roles import Actor

#: Any number that no other advisory lock of the database uses: "qipan" in ASCII.
_LOG_LOCK = 0x716970616E


@dataclass(slots=True)
class Entry:
    """An entry in the making. `write_id` may be stored in the rows that it covers."""

    actor: Actor
    action: str
    at: datetime
    purpose: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    area_path: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    write_id: str = field(default_factory=lambda: uuid4().hex)
    #: Set it where nothing was done after all: no entry is written.
    silent: bool = False

    def about(
        self,
        subject_kind: str,
        subject_id: object,
        *,
        area_path: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Name what the mutation was about. `detail`: JSON values, never personal data."""
        self.subject_kind = subject_kind
        self.subject_id = str(subject_id)
        self.area_path = area_path
        self.detail.update(detail or {})


def _append(entry: Entry) -> AuditEntry:
    # Appending is serialised to the end of the transaction. SQLite writes are (IMMEDIATE); PostgreSQL
    # takes an advisory lock, so the log stays gapless and in commit order.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])
    last = AuditEntry.objects.order_by("-seq").values_list("seq", "hash").first()
    seq, prev_hash = (last[0] + 1, last[1]) if last else (1, GENESIS)
    values: dict[str, Any] = {
        "seq": seq,
        "at": entry.at,
        "actor_user_id": entry.actor.user_id,
        "actor_unit_id": entry.actor.unit_id,
        "actor_label": entry.actor.label[:80],
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "area_path": entry.area_path,
        "purpose": entry.purpose[:200],
        # through JSON once, so that what is hashed is what the database gives back
        "detail": json.loads(json.dumps(entry.detail, sort_keys=True)),
        "write_id": entry.write_id,
    }
    assert set(values) == set(FIELDS)
    return AuditEntry.objects.create(**values, prev_hash=prev_hash, hash=entry_hash(prev_hash, values))


@contextmanager
def audited(*, actor: Actor, action: str, at: datetime, purpose: str = "") -> Generator[Entry]:
    """One mutation: a transaction whose last act is its entry in the log.

    A `Denied` raised inside rolls everything back and is itself logged (by the outermost `audited`, after
    the rollback, because an entry written inside would be rolled back with the rest). Nested calls write
    one entry each, in the outer transaction.
    """
    outermost = not connection.in_atomic_block
    entry = Entry(actor=actor, action=action, at=at, purpose=purpose)
    try:
        with transaction.atomic():
            yield entry
            if not entry.silent:
                _append(entry)
    except Denied as denied:
        if outermost:
            record_denial(actor=actor, action=action, at=at, denied=denied)
        raise


def record_denial(*, actor: Actor, action: str, at: datetime, denied: Denied) -> None:
    """Log that an actor tried what he may not do."""
    with transaction.atomic():
        entry = Entry(actor=actor, action="denied", at=at)
        entry.about("permission", denied.permission, area_path=denied.area_path, detail={"action": action})
        _append(entry)
