"""The database refuses to change the log, and whatever else is guarded."""

from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from qipan.foundation.audit import guard
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.tests.test_log import write

POSTGRESQL = connection.vendor == "postgresql"
ROLE = "qipan_guard_test_role"


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


ATTEMPTS = [
    "UPDATE audit_auditentry SET actor_label = 'nobody'",
    "UPDATE audit_auditentry SET hash = hash",
    "DELETE FROM audit_auditentry",
    "DELETE FROM audit_auditentry WHERE seq = 2",
]
ATTEMPTS += (
    ["TRUNCATE audit_auditentry", "TRUNCATE audit_auditentry CASCADE"]
    if POSTGRESQL
    else [
        f"INSERT OR REPLACE INTO audit_auditentry SELECT {seq}, at, actor_user_id, actor_unit_id, 'nobody', "
        "action, subject_kind, subject_id, area_path, purpose, detail, write_id, prev_hash, hash "
        "FROM audit_auditentry WHERE seq = 2"
        for seq in (2, 99)  # taking the row's place by its number, and by its write id
    ]
)


@pytest.fixture
def log(db):
    for _ in range(3):
        write()
    return list(AuditEntry.objects.order_by("seq").values())


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_the_log_cannot_be_changed(log, statement):
    # a role that does not own the log is refused for want of the privilege, the owner by the trigger
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(statement)
    assert list(AuditEntry.objects.order_by("seq").values()) == log


def test_nor_through_the_models(log):
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(seq=1).update(actor_label="nobody")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.create(**{**log[0], "write_id": "another"})
    assert list(AuditEntry.objects.order_by("seq").values()) == log


@pytest.fixture
def owned(db):
    """A table of our own that the guard is tried on (as the role that may create tables)."""
    if POSTGRESQL:
        with connection.cursor() as cursor:
            cursor.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')")
            if not cursor.fetchone()[0]:
                pytest.skip("this role owns nothing: the owner's run tries it")
    execute("CREATE TABLE guarded (id integer PRIMARY KEY, key integer UNIQUE, purged boolean NOT NULL)")
    execute("INSERT INTO guarded VALUES (1, 10, false), (2, 20, true)")
    yield "guarded"
    if connection.needs_rollback:
        return
    execute("DROP TABLE guarded CASCADE" if POSTGRESQL else "DROP TABLE guarded")


def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM guarded ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def refused(statement):
    with pytest.raises(IntegrityError), transaction.atomic():
        execute(statement)
    return True


def test_a_condition_lets_single_rows_go(owned):
    guard.guard_table(connection, owned, allow_delete_where="OLD.purged", keys=("key",))
    assert refused("UPDATE guarded SET key = 11 WHERE id = 1")
    assert refused("UPDATE guarded SET key = 21 WHERE id = 2")
    assert refused("DELETE FROM guarded WHERE id = 1")
    assert refused("INSERT INTO guarded VALUES (3, 10, false)")
    if POSTGRESQL:
        assert refused("TRUNCATE guarded")
    execute("DELETE FROM guarded WHERE id = 2")
    execute("INSERT INTO guarded VALUES (3, 30, false)")
    assert rows() == [1, 3]
    assert guard.guarded_tables(connection)[owned] is True
    assert guard.guarded_tables(connection)[guard.LOG_TABLE] is False


def test_the_guard_can_be_lifted_and_is_back(owned):
    guard.guard_table(connection, owned)
    before = guard.guarded_tables(connection)
    assert before[owned] is False
    with guard.unguarded(connection):
        assert guard.guarded_tables(connection) == {}
        execute("UPDATE guarded SET key = 11 WHERE id = 1")
    assert guard.guarded_tables(connection) == before
    assert refused("UPDATE guarded SET key = 12 WHERE id = 1")
    with pytest.raises(RuntimeError), guard.unguarded(connection):
        raise RuntimeError
    assert guard.guarded_tables(connection) == before
    guard.unguard_table(connection, owned)
    execute("DELETE FROM guarded")  # the control: without the guard it goes
    assert rows() == []


@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no roles (docs/decisions/0006)")
def test_the_application_role_may_append_to_the_log_and_nothing_else(owned, log):
    guard.guard_table(connection, owned, allow_delete_where="OLD.purged")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("this role may not create roles: the owner's run tries it")
    execute(f"CREATE ROLE {ROLE}")
    guard.grant_app_role(connection, ROLE)
    execute(f"SET LOCAL ROLE {ROLE}")
    try:
        write()
        for statement in (
            *ATTEMPTS,
            "DROP TRIGGER qipan_guard_rows ON audit_auditentry",
            "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
            "SET LOCAL session_replication_role = replica",
            "DROP TABLE audit_auditentry",
            "UPDATE guarded SET key = 11",
            "TRUNCATE guarded",
        ):
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
                execute(statement)
        execute("DELETE FROM guarded WHERE id = 2")
        assert refused("DELETE FROM guarded WHERE id = 1")
        execute("UPDATE jobs_job SET kind = kind")
    finally:
        execute("RESET ROLE")
        execute(f"DROP OWNED BY {ROLE}")
        execute(f"DROP ROLE {ROLE}")
    assert AuditEntry.objects.count() == len(log) + 1


def test_the_migration_goes_both_ways(owned):
    migration = MigrationLoader(connection).get_migration("audit", "0002_guard")
    editor = SimpleNamespace(connection=connection)
    migration.operations[0].reverse_code(None, editor)
    assert guard.LOG_TABLE not in guard.guarded_tables(connection)
    migration.operations[0].code(None, editor)
    assert guard.LOG_TABLE in guard.guarded_tables(connection)
