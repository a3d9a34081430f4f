"""Writing a backup from one consistent snapshot; restoring it in one transaction, verified before it commits."""

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from qipan.foundation.access.scoping import require_anywhere
from qipan.foundation.audit import anchors, guard
from qipan.foundation.audit.chain import canonical_instant
from qipan.foundation.audit.owner import as_owner
from qipan.foundation.audit.services import audited
from qipan.foundation.backup import container
from qipan.foundation.backup.tables import (
    LEFT_OUT,
    Counted,
    Summary,
    content_hash,
    empty,
    is_empty,
    read_table,
    sequences_reset,
    summarise,
    tables,
    write_table,
)
from qipan.terms.errors import BadInput, Refused
from qipan.terms.roles import Actor, Permission

FORMAT = 1
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself at its end."""

    made_at: str
    tables: dict[str, Summary]
    content_hash: str
    log_seq: int
    log_hash: str

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(summary.rows for summary in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """For `--json`: moment, rows in all and a table, content hash, head of the log."""
        return {
            "made_at": self.made_at,
            "rows": self.rows,
            "tables": {name: summary.rows for name, summary in self.tables.items()},
            "content_hash": self.content_hash,
            "log_head": {"seq": self.log_seq, "hash": self.log_hash},
        }


def _silent(table: str) -> None:
    """Progress that nobody looks at."""


def _line(record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _migrations() -> list[list[str]]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted([app, name] for app, name in applied if app not in LEFT_OUT)


# --- backup ------------------------------------------------------------------------------------------------


@contextmanager
def _snapshot() -> Generator[None]:
    """A read transaction that sees the database as it is now; writers go on beside it."""
    if connection.vendor == "postgresql":
        with transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    # transaction.atomic() begins IMMEDIATE on SQLite and would keep the writers out
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _dumped(at: datetime, progress: Progress) -> Iterator[bytes]:
    yield _line({"format": FORMAT, "made_at": canonical_instant(at), "migrations": _migrations()})
    summaries = {}
    head = anchors.head(at)
    for table in tables():
        progress(table.name)
        yield _line({"table": table.name, "columns": table.columns})
        counted = Counted(read_table(connection, table))
        yield from counted
        summaries[table.name] = counted.summary
    yield _line(
        {
            "end": {name: [summary.rows, summary.hash] for name, summary in summaries.items()},
            "content_hash": content_hash(summaries),
            "log_head": [head.seq, head.hash],
        }
    )


def backup_write(*, actor: Actor, path: Path, at: datetime, progress: Progress = _silent) -> Manifest:
    """Write an encrypted backup of the whole database to a new file, read it back, and only then name it `path`.

    Raises Denied without BACKUP_RUN, BadInput where the file exists or cannot be written, KeysUnusable.
    """
    if path.exists():
        raise BadInput("%(path)s exists already; a backup never overwrites a file.", path=path)
    # the entry comes first, so that the backup holds it: its log head is the log's head
    with audited(actor=actor, action="backup.write", at=at) as entry:
        require_anywhere(actor, Permission.BACKUP_RUN)
        entry.about("backup", path.name[:80])
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file, _snapshot():
            container.write(file, _dumped(at, progress))
        manifest = backup_check(path=part)
        os.rename(part, path)
    except OSError as error:
        raise BadInput("%(path)s: %(reason)s", path=path, reason=error.strerror) from None
    finally:
        part.unlink(missing_ok=True)
    return manifest


# --- reading -----------------------------------------------------------------------------------------------


def _records(path: Path, on_table: Callable[[str, list[str], Iterator[bytes]], None]) -> Manifest:
    """Go through a backup: hand each table's lines to `on_table`, and check them against the manifest."""
    wrong = BadInput("%(path)s: this backup was changed or cut short; nothing was restored.", path=path)
    with closing(container.read(path)) as lines:
        try:
            first = json.loads(next(lines))
        except (StopIteration, ValueError):
            raise wrong from None
        if first.get("format") != FORMAT:
            raise BadInput("%(path)s: this backup was made by another version of qipan.", path=path)
        if first["migrations"] != _migrations():
            raise BadInput("%(path)s: this backup was made by another version of qipan: its tables differ.", path=path)
        found: dict[str, Summary] = {}
        header: dict[str, Any] = {}

        def rows() -> Iterator[bytes]:
            nonlocal header
            for line in lines:
                if line.startswith(b"{"):  # rows are arrays, all else is an object
                    header = json.loads(line)
                    return
                yield line
            header = {}

        for _ in rows():
            raise wrong
        while "table" in header:
            name, columns = header["table"], header["columns"]
            counted = Counted(rows())
            on_table(name, columns, iter(counted))
            found[name] = counted.summary
        said = {name: Summary(*each) for name, each in header.get("end", {}).items()}
        if said != found or content_hash(found) != header.get("content_hash") or next(lines, None) is not None:
            raise wrong
    return Manifest(first["made_at"], found, header["content_hash"], *header["log_head"])


def _pass_by(name: str, columns: list[str], lines: Iterator[bytes]) -> None:
    for _ in lines:
        pass


def backup_check(*, path: Path) -> Manifest:
    """Read a backup whole, without restoring it. Raises BadInput: no backup, another key, changed, cut short."""
    return _records(path, _pass_by)


# --- restore -----------------------------------------------------------------------------------------------


def _is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def backup_restore(
    *, actor: Actor, path: Path, at: datetime, replace: bool = False, progress: Progress = _silent
) -> Manifest:
    """Restore a backup into an empty database (made by `migrate` where there are no tables yet).

    The file is read and checked whole before the database is touched; the restore is one transaction, and
    commits only when counts, content hash and log head, read back, are the backup's. Raises Denied without
    BACKUP_RUN, BadInput for a file that is no whole backup of ours, Refused for a database that holds rows
    (`replace` deletes them) or when the restored content differs.
    """
    role = connection.settings_dict.get("USER")
    with as_owner():
        if not connection.in_atomic_block and _is_behind():
            call_command("migrate", verbosity=0, interactive=False)
            if role != connection.settings_dict.get("USER"):
                guard.grant_app_role(connection, str(role))
        backup_check(path=path)
        known = {table.name: table for table in tables()}

        def load(name: str, columns: list[str], lines: Iterator[bytes]) -> None:
            progress(name)
            write_table(connection, known[name], columns, lines)

        with audited(actor=actor, action="backup.restore", at=at) as entry:
            require_anywhere(actor, Permission.BACKUP_RUN)
            if not is_empty(connection):
                if not replace:
                    raise Refused("The database holds data; --replace deletes all of it first.")
                with guard.unguarded(connection):
                    empty(connection)
            manifest = _records(path, load)
            connection.check_constraints()
            sequences_reset(connection)
            head = anchors.head(at)
            if summarise(connection) != manifest.tables or (head.seq, head.hash) != (
                manifest.log_seq,
                manifest.log_hash,
            ):
                raise Refused("What was restored differs from the backup; nothing was kept.")
            entry.about("backup", path.name[:80], detail={"rows": manifest.rows, "log_seq": head.seq})
    return manifest
