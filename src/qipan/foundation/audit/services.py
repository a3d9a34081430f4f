"""Writing the log: `audited` opens the transaction, and appends the entry as its last act."""

import json
import math
import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from qipan.foundation.audit.chain import FIELDS, GENESIS, entry_hash
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import export_lines
from qipan.terms.errors import BadInput, Denied
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

    def covers(self, rows: int, content_hash: str = "") -> None:
        """Say how many rows carry this entry's `write_id`, and the hash of their content (`reconcile`)."""
        self.detail["rows"] = rows
        if content_hash:
            self.detail["content_hash"] = content_hash


class _Pending(threading.local):
    """The entries of the `audited` blocks that are open in this thread, innermost finished first."""

    def __init__(self) -> None:
        self.depth = 0
        self.entries: list[Entry] = []


_pending = _Pending()


def _settled(value: Any) -> Any:
    """A JSON value in the one form in which both databases give it back.

    PostgreSQL keeps numbers as decimals: 1e20 comes back as an integer, -0.0 as 0. Whole floats are therefore
    stored as integers. Raises ValueError for what is no JSON (NaN, infinity, a zero character).
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a log entry holds no NaN and no infinity")
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {_settled(key): _settled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_settled(each) for each in value]
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a log entry holds no zero characters")
    return value


def _append(entries: list[Entry]) -> None:
    # Appending is serialised to the end of the transaction. SQLite writes are (IMMEDIATE); PostgreSQL
    # takes an advisory lock, so the log stays gapless and in commit order.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])
    last = AuditEntry.objects.order_by("-seq").values_list("seq", "hash").first()
    seq, prev_hash = last or (0, GENESIS)
    rows = []
    for entry in entries:
        seq += 1
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
            "detail": _settled(json.loads(json.dumps(entry.detail))),
            "write_id": entry.write_id,
        }
        assert set(values) == set(FIELDS)
        row_hash = entry_hash(prev_hash, values)
        rows.append(AuditEntry(**values, prev_hash=prev_hash, hash=row_hash))
        prev_hash = row_hash
    AuditEntry.objects.bulk_create(rows)


@contextmanager
def audited(*, actor: Actor, action: str, at: datetime, purpose: str = "") -> Generator[Entry]:
    """One mutation: a transaction whose last act is its entry in the log.

    Nested calls write one entry each, in the outermost call's transaction, when that one ends: the log is
    locked from the first append to the commit, so it is appended to once and last. A call that fails takes
    its own entry and those of the calls inside it away. A `Denied` rolls everything back and is itself logged
    by the outermost call, after the rollback.
    """
    entry = Entry(actor=actor, action=action, at=at, purpose=purpose)
    outermost = _pending.depth == 0
    kept = len(_pending.entries)
    try:
        with transaction.atomic():
            _pending.depth += 1
            try:
                yield entry
                if not entry.silent:
                    _pending.entries.append(entry)
                if outermost and _pending.entries:
                    _append(_pending.entries)
            except BaseException:
                del _pending.entries[kept:]
                raise
            finally:
                _pending.depth -= 1
                if outermost:
                    _pending.entries.clear()
    except Denied as denied:
        if outermost:
            record_denial(actor=actor, action=action, at=at, denied=denied)
        raise


def log_export(*, actor: Actor, path: Path, at: datetime, purpose: str) -> int:
    """Write the whole log to a new file as JSON lines, for the stand-alone verifier; returns the entries written.

    The export is itself the last entry in the file. Raises Denied without AUDIT_VIEW everywhere, BadInput
    where the file exists or cannot be written.
    """
    with audited(actor=actor, action="audit.export", at=at, purpose=purpose) as entry:
        lines = export_lines(actor)
        entry.about("log", path.name[:80])
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            count = 0
            for count, line in enumerate(lines, 1):  # noqa: B007 - counted for the answer
                file.write(line + "\n")
    except OSError as error:
        raise BadInput("%(path)s: %(reason)s", path=path, reason=error.strerror) from None
    return count


def record_denial(*, actor: Actor, action: str, at: datetime, denied: Denied) -> None:
    """Log that an actor tried what he may not do."""
    with transaction.atomic():
        entry = Entry(actor=actor, action="denied", at=at)
        entry.about("permission", denied.permission, area_path=denied.area_path, detail={"action": action})
        _append([entry])
