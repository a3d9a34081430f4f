"""Imports that are killed, starved and interrupted: run as a program by test_faults, with a database of its own.

    python faults.py FOLDER ROWS KILLS SEED

Every trial gets a fresh copy of a migrated database and runs in forked children, so that a kill is a kill. The
parent touches neither the database nor Polars: both do not survive a fork.
"""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import django
from django.db import connection


class Place:
    """Copies of one migrated database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = connection.vendor == "postgresql"
        self.prefix = f"qipan_faults_{os.getpid()}"
        self.count = 0
        self.base = self._name("base")

    def _name(self, what: str) -> str:
        return f"{self.prefix}_{what}" if self.postgres else str(self.folder / f"{what}.sqlite3")

    def _server(self, *statements: str) -> None:
        import psycopg

        settings = connection.settings_dict
        with psycopg.connect(
            host=settings["HOST"], port=settings["PORT"], user=settings["USER"], dbname="postgres", autocommit=True
        ) as server:
            for statement in statements:
                server.execute(statement)

    def create(self) -> None:
        if self.postgres:
            self._server(f"CREATE DATABASE {self.base}")

    def fresh(self) -> str:
        self.count += 1
        name = self._name(str(self.count))
        if self.postgres:
            self._server(f"CREATE DATABASE {name} TEMPLATE {self.base}")
        else:
            shutil.copy(self.base, name)
        return name

    def drop(self) -> None:
        if self.postgres:
            names = [self.base, *(self._name(str(n + 1)) for n in range(self.count))]
            self._server(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names))


def child(database: str, work, *arguments):
    """Start `work` in a child with its own database; returns (pid, file of its answer)."""
    answer = Path(f"{sys.argv[1]}/answer-{time.monotonic_ns()}.json")
    pid = os.fork()
    if pid:
        return pid, answer
    try:
        from django.conf import settings

        connection.settings_dict["NAME"] = database
        settings.VAR = Path(sys.argv[1]) / f"var-{Path(database).name}"
        answer.write_text(json.dumps(work(*arguments), default=str))
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 (whatever it is, the parent must hear of it)
        answer.write_text(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        os._exit(3)


def wait(started) -> dict:
    pid, answer = started
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return {"killed": os.WTERMSIG(status)}
    return json.loads(answer.read_text())


def migrate() -> dict:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {}


def kind():
    from qipan.foundation.intake import chunks, kinds, reading
    from qipan.foundation.intake.tests.toy import READINGS

    chunks.CHUNK_ROWS = int(os.environ["FAULTS_CHUNK"])
    reading.BLOCK_ROWS = chunks.CHUNK_ROWS * 2
    kinds._kinds["readings"] = READINGS
    return READINGS


def take(path: Path, progress=None, **options) -> dict:
    """Import, or go on importing, and describe what is there afterwards."""
    from qipan.foundation.intake.services import file_import
    from qipan.foundation.intake.tests.toy import AT
    from qipan.terms.roles import SYSTEM_ACTOR

    result = file_import(actor=SYSTEM_ACTOR, kind=kind(), path=path, source="s", at=AT, progress=progress, **options)
    return state() | {"accepted": result.accepted, "duplicate": result.duplicate, "rejected": result.rejected}


def state() -> dict:
    """What is in the database, without the moments of recording."""
    import hashlib

    from qipan.foundation.audit.models import AuditEntry
    from qipan.foundation.indicators.models import IndicatorValue
    from qipan.foundation.intake.models import AcceptedRow, Batch, Chunk, RejectedRow

    digest = hashlib.sha256()
    for row in IndicatorValue.objects.order_by("area_code", "date", "numerator").values_list(
        "area_code", "date", "numerator"
    ):
        digest.update(repr(row).encode())
    for row in AcceptedRow.objects.order_by("key").values_list("key", "content", "row"):
        digest.update(repr([bytes(row[0]), bytes(row[1]), row[2]]).encode())
    for row in RejectedRow.objects.order_by("record").values_list("record", "column", "reason").distinct():
        digest.update(repr(row).encode())
    return {
        "hash": digest.hexdigest(),
        "rows": IndicatorValue.objects.count(),
        "states": sorted(Batch.objects.values_list("state", flat=True)),
        "chunks": Chunk.objects.count(),
        "entries": AuditEntry.objects.filter(action="batch.chunk").count(),
    }


class Ticks:
    """Counts what the import does; at one of these moments the process kills itself, as SIGKILL does."""

    def __init__(self, fatal: tuple[str, int] | None) -> None:
        self.fatal = fatal
        self.counts = {"statement": 0, "row": 0, "file": 0}

    def tick(self, what: str) -> None:
        self.counts[what] += 1
        if self.fatal == (what, self.counts[what]):
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        from qipan.foundation.intake import staging, writing

        def statement(execute, *arguments):
            self.tick("statement")
            answer = execute(*arguments)
            self.tick("statement")
            return answer

        def ticking(function, what):
            def call(*arguments, **options):
                self.tick(what)
                answer = function(*arguments, **options)
                self.tick(what)
                return answer

            return call

        connection.execute_wrappers.append(statement)
        connection._commit = ticking(connection._commit, "statement")
        staging._write = ticking(staging._write, "file")
        staging.clear = ticking(staging.clear, "file")
        inner = writing._write

        def write_rows(target, width, rows):
            def following():
                for row in rows:
                    self.tick("row")
                    yield row

            if connection.vendor != "postgresql":
                writing._SQLITE_ROWS = 100  # so that a kill finds some rows of a statement written, others not
            return inner(target, width, following())

        writing._write = write_rows


def ticked(path: Path, fatal=None) -> dict:
    ticks = Ticks(fatal)
    connection.ensure_connection()
    ticks.install()
    return take(path) | {"ticks": ticks.counts}


def resumed(path: Path) -> dict:
    """Go on by the number of the batch where that is possible, by the file where not."""
    from qipan.foundation.intake.models import Batch
    from qipan.foundation.intake.services import batch_resume
    from qipan.foundation.intake.tests.toy import AT
    from qipan.terms.errors import Refused
    from qipan.terms.roles import SYSTEM_ACTOR

    kind()
    batch = Batch.objects.filter(state="open").first()
    if batch is not None:
        with contextlib.suppress(Refused):
            batch_resume(actor=SYSTEM_ACTOR, batch_id=batch.pk, at=AT)
            return state()
    return take(path)


def unlocked(path: Path) -> dict:
    from qipan.foundation.intake import services

    services.staging.exclusive = lambda batch_id: contextlib.nullcontext()
    services.staging.clear = lambda batch_id: None  # the other may still read
    try:
        return take(path)
    except services.QipanError as error:
        return {"refused": str(error)}


def locked(path: Path) -> dict:
    from qipan.terms.errors import Conflict

    try:
        return take(path)
    except Conflict as error:
        return {"refused": str(error)}


def starved(path: Path, room: int) -> dict:
    """Files may not grow beyond the database's size and `room` bytes."""
    from qipan.foundation.intake.services import Interrupted
    from qipan.terms.errors import Refused

    size = 0 if connection.vendor == "postgresql" else os.path.getsize(connection.settings_dict["NAME"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    try:
        return take(path)
    except (Interrupted, Refused) as error:
        message = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    connection.close()
    return state() | {"refused": message}


def away(path: Path) -> dict:
    """The database goes away while the third chunk is committed."""
    from qipan.foundation.intake.services import Interrupted

    def progress(phase, done, total):
        if phase == "commit" and done == 3:
            if connection.vendor == "postgresql":
                import psycopg

                settings = connection.settings_dict
                me = connection.connection.info.backend_pid
                with psycopg.connect(
                    host=settings["HOST"], port=settings["PORT"], user=settings["USER"], dbname="postgres"
                ) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", [me])
            else:
                import sqlite3

                connection.cursor().execute("PRAGMA busy_timeout=50")
                holder.append(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None))
                holder[0].execute("BEGIN IMMEDIATE")

    holder: list = []
    try:
        return take(path, progress)
    except Interrupted as error:
        message = str(error)
    for held in holder:
        held.close()
    return state() | {"refused": message}


def write(path: Path, numbers) -> Path:
    from qipan.foundation.intake.tests import toy

    text = "".join(toy.line(n) if n % 97 else f"R{n:06d},nowhere,2022-07-01,1,\n" for n in numbers)
    path.write_text(toy.HEADER + text)
    return path


def main() -> None:
    folder, rows, kills, seed = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    django.setup()
    place = Place(folder)
    chance = random.Random(seed)
    path, half, other = folder / "f.csv", folder / "half.csv", folder / "other.csv"
    out: dict = {}
    place.create()
    try:
        made = wait(child(place.base, migrate))
        assert made == {}, made
        wait(child(place.base, lambda: [str(write(path, range(rows))), str(write(half, range(rows * 2 // 3))),
                                        str(write(other, reversed(range(rows // 3, rows))))]))  # fmt: skip
        out["undisturbed"] = clean = wait(child(place.fresh(), ticked, path))
        out["killed"] = []
        for number in range(kills):
            counts = clean["ticks"]
            choices = [what for what in ("statement", "file", "row") if counts[what]]
            what = choices[number % len(choices)]
            fatal = (what, chance.randint(1, counts[what]))
            database = place.fresh()
            death = wait(child(database, ticked, path, fatal))
            left = wait(child(database, state))
            out["killed"].append(
                {"at": fatal, "death": death, "left": left, "after": wait(child(database, resumed, path))}
            )
        for name, work in (("locked", locked), ("unlocked", unlocked)):
            database = place.fresh()
            both = [child(database, work, path), child(database, work, path)]
            out[name] = [*map(wait, both), wait(child(database, take, path)), wait(child(database, state))]
        database = place.fresh()
        both = [child(database, take, half), child(database, take, other)]
        out["overlapping"] = [*map(wait, both), wait(child(database, state))]
        for name, work in (
            ("away", (away,)),
            ("no_room_for_staging", (starved, 4_000)),
            ("no_room", (starved, 200_000)),
        ):
            database = place.fresh()
            disturbed = wait(child(database, work[0], path, *work[1:]))
            out[name] = [disturbed, wait(child(database, take, path))]
    finally:
        place.drop()
    sys.stdout.write(json.dumps(out))


if __name__ == "__main__":
    main()
