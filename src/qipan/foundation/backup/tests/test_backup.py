"""The drill: backup, wipe, restore, compare; and every way in which a file can be wrong."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from qipan.foundation import crypto
from qipan.foundation.access.models import User
from qipan.foundation.audit import anchors, guard
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.owner import as_owner
from qipan.foundation.audit.services import audited
from qipan.foundation.backup import container
from qipan.foundation.backup.services import backup_check, backup_restore, backup_write
from qipan.foundation.backup.tables import content_hash, summarise, tables
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.jobs.models import Job
from qipan.terms.errors import BadInput, Denied, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2022, 7, 20, 4, 0, 0, 123456, tzinfo=UTC)
FANG = Actor(6, 1, (Grant(Role.ADMINISTRATOR, "/"),), "fang")
AWKWARD = {"里": "𠮷", "b": [1, 1.0, 0.1, -0.0, 1e-7, 123456789012345678901, None, True, "a\\n\"'\n\t"], "a": {}}


@pytest.fixture
def keys(tmp_path, settings):
    settings.KEYS = tmp_path / "keys"
    crypto.keys_create(settings.KEYS)


@pytest.fixture
def filled(keys):
    """Rows of every kind of column, and a log."""
    User.objects.create(username="方", display_name="Fang", created_at=AT)
    for number in range(30):
        with audited(actor=SYSTEM_ACTOR, action="test.fill", at=AT + timedelta(seconds=number)) as entry:
            entry.about("test", number, detail={"n": number, "x": AWKWARD})
    Job.objects.create(kind="k", arguments=AWKWARD, run_after=AT.replace(microsecond=0), created_at=AT, result=None)
    Job.objects.create(kind="k", arguments={}, run_after=AT, created_at=AT, result={"a": [1]}, progress_total=2**40)
    for code, share in (("b", 0.1), ("A", 1 / 3), ("a", 1e300)):
        IndicatorValue.objects.create(
            indicator=f"i{code}", area_code=code, area_path="/", date=date(2022, 2, 28), numerator=share,
            denominator=None, computed_at=AT,
        )  # fmt: skip


def state():
    """Counts, content hash and log head."""
    summaries = summarise(connection)
    head = anchors.head(AT)
    return {name: each.rows for name, each in summaries.items()}, content_hash(summaries), head.seq, head.hash


def content(but="audit_auditentry"):
    return {name: each for name, each in summarise(connection).items() if name != but}


def test_the_drill(filled, tmp_path):
    path = tmp_path / "backup"
    manifest = backup_write(actor=FANG, path=path, at=AT)
    before = state()
    assert before[2] == 31  # the backup's own entry is in the backup
    assert (manifest.content_hash, manifest.log_seq, manifest.log_hash) == before[1:]
    kept = content()
    with as_owner(), guard.unguarded(connection):
        AuditEntry.objects.all().delete()
    Job.objects.all().delete()
    User.objects.all().update(display_name="x")
    assert state()[1] != before[1]
    restored = backup_restore(actor=FANG, path=path, at=AT, replace=True)
    assert restored == manifest
    assert content() == kept
    # the log is the backup's, and goes on: the restore is its next entry
    entries = list(AuditEntry.objects.order_by("-seq")[:2])
    assert (entries[0].action, entries[0].prev_hash) == ("backup.restore", before[3])
    assert (entries[1].seq, entries[1].hash) == before[2:]
    assert anchors.verify({before[2]: before[3]})["verified"]
    assert guard.LOG_TABLE in guard.guarded_tables(connection)
    # the next row gets an id that is free
    Job.objects.create(kind="k", arguments={}, run_after=AT, created_at=AT)
    assert Job.objects.order_by("pk")[0].arguments == AWKWARD


def test_a_database_with_rows_is_not_replaced_unasked(filled, tmp_path):
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    before = state()
    with pytest.raises(Refused, match="--replace"):
        backup_restore(actor=FANG, path=path, at=AT)
    assert state() == before


def test_a_backup_never_overwrites_a_file(filled, tmp_path):
    path = tmp_path / "backup"
    path.write_text("precious")
    with pytest.raises(BadInput):
        backup_write(actor=FANG, path=path, at=AT)
    assert path.read_text() == "precious"
    with pytest.raises(BadInput):
        backup_write(actor=FANG, path=tmp_path / "no" / "folder", at=AT)


def test_nothing_can_be_read_in_the_file(filled, tmp_path):
    path = tmp_path / "backup"
    User.objects.update(display_name="CANARY" * 10)
    backup_write(actor=FANG, path=path, at=AT)
    assert b"CANARY" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["backup"]


def wrong(path, changed):
    """The file, broken: restoring it is refused in one line and changes nothing."""
    before = state()
    path.write_bytes(changed)
    for act in (lambda: backup_check(path=path), lambda: backup_restore(actor=FANG, path=path, at=AT, replace=True)):
        with pytest.raises(BadInput) as caught:
            act()
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
    assert state() == before


def test_an_edited_file_is_refused(filled, tmp_path):
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    whole = path.read_bytes()
    for place in (0, 9, 12, 25, 60, len(whole) // 2, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        wrong(path, bytes(changed))


def test_a_truncated_file_is_refused(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(container, "CHUNK", 512)  # many chunks, so that it can end between two
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    whole = path.read_bytes()
    offset = len(container.MAGIC) + 2 + int.from_bytes(whole[8:10], "big")
    ends = []
    while offset < len(whole):
        offset += 4 + int.from_bytes(whole[offset : offset + 4], "big")
        ends.append(offset)
    assert len(ends) > 5
    for length in (0, 5, 20, ends[0], ends[2], ends[-2], ends[-2] + 2, len(whole) - 1):
        wrong(path, whole[:length])
    wrong(path, whole + b"x")
    first, second = ends[0], ends[1]
    third = ends[2]
    wrong(path, whole[:first] + whole[second:third] + whole[first:second] + whole[third:])  # two chunks swapped
    wrong(path, whole[:first] + whole[second:])  # one taken out


def test_another_installations_key_is_refused(filled, tmp_path, settings):
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    settings.KEYS = tmp_path / "others"
    crypto.keys_create(settings.KEYS)
    wrong(path, path.read_bytes())


def test_a_key_that_was_destroyed_takes_its_backups_along(filled, tmp_path):
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    old = crypto.current_key_id("backup")
    crypto.key_rotate("backup")
    assert backup_check(path=path).log_seq == 31
    crypto.key_retire("backup", old)
    wrong(path, path.read_bytes())


def test_rows_that_do_not_fit_the_manifest_are_refused(filled, tmp_path, monkeypatch):
    """Sealed with the right key, and still not what was there: the last line of defence."""
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    lines = list(container.read(path))
    place = next(number for number, line in enumerate(lines) if line.startswith(b"[") and b"Fang" in line)
    before = state()
    for changed in (
        [*lines[:place], lines[place].replace(b"Fang", b"Feng"), *lines[place + 1 :]],
        [*lines[:place], *lines[place + 1 :]],
        lines[:-1],
        [*lines, lines[-1]],
        [lines[0], *lines],
    ):
        with path.open("wb") as file:
            container.write(file, changed)
        with pytest.raises(BadInput):
            backup_restore(actor=FANG, path=path, at=AT, replace=True)
        assert state() == before


def test_a_restore_that_reads_back_differently_keeps_nothing(filled, tmp_path, monkeypatch):
    path = tmp_path / "backup"
    backup_write(actor=FANG, path=path, at=AT)
    before = state()
    from qipan.foundation.backup import services

    def careless(connection, table, columns, lines):
        write_table(connection, table, columns, (line.replace(b"Fang", b"Feng") for line in lines))

    write_table = services.write_table
    monkeypatch.setattr(services, "write_table", careless)
    with pytest.raises(Refused, match="differs"):
        backup_restore(actor=FANG, path=path, at=AT, replace=True)
    assert state() == before


def test_backups_are_for_administrators(filled, tmp_path):
    path = tmp_path / "backup"
    epidemiologist = Actor(7, 1, (Grant(Role.EPIDEMIOLOGIST, "/"),))
    with pytest.raises(Denied):
        backup_write(actor=epidemiologist, path=path, at=AT)
    assert not path.exists()
    backup_write(actor=FANG, path=path, at=AT)
    before = content()
    with pytest.raises(Denied):
        backup_restore(actor=epidemiologist, path=path, at=AT, replace=True)
    assert content() == before
    assert AuditEntry.objects.filter(action="denied").count() == 2


def test_every_table_is_in_it():
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    passing = {name for name in there if name.startswith(("axes_", "auth_"))}
    assert there - passing - {table.name for table in tables()} == {"django_migrations", "django_content_type"}


ELSEWHERE = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.KEYS = sys.argv[1]
from datetime import UTC, datetime
from qipan.foundation.backup.services import backup_restore, backup_write
from qipan.terms.roles import Actor, Grant, Role
actor = Actor(6, 1, (Grant(Role.ADMINISTRATOR, "/"),), "fang")
at = datetime(2022, 7, 21, tzinfo=UTC)
print(backup_restore(actor=actor, path=Path(sys.argv[2]), at=at).content_hash)
print(backup_write(actor=actor, path=Path(sys.argv[3]), at=at).content_hash)
"""


def test_a_backup_moves_to_a_fresh_sqlite_file_and_back(filled, tmp_path, settings):
    """From the tests' database, PostgreSQL or SQLite, into a new SQLite file, and from there back."""
    there, back = tmp_path / "there", tmp_path / "back"
    manifest = backup_write(actor=FANG, path=there, at=AT)
    kept = content()
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.sqlite3'}"}
    environment.pop("DATABASE_OWNER_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(settings.KEYS), str(there), str(back)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == manifest.content_hash
    returned = backup_restore(actor=FANG, path=back, at=AT, replace=True)
    assert returned.content_hash == done.stdout.splitlines()[1]
    assert content() == kept
    assert returned.log_seq == manifest.log_seq + 2
    assert anchors.verify({manifest.log_seq: manifest.log_hash})["verified"]
