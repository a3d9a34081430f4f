"""Append-only, said by the database: triggers refuse UPDATE, DELETE, TRUNCATE; a role that may only append.

On PostgreSQL the triggers fire ALWAYS (also under session_replication_role = replica), and `grant_app_role`
gives the application a role that owns nothing, so it can neither change the rows nor drop the triggers. On
SQLite whoever can open the file can drop a trigger or edit the file: there the triggers stop mistakes and
injected SQL, and the anchors (`anchors`) show the rest (docs/decisions/0006-audit-log.md).
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

LOG_TABLE = "audit_auditentry"
#: What would conflict with a row that is there: SQLite's INSERT OR REPLACE deletes without firing triggers.
LOG_KEYS = ("seq", "write_id")

_PREFIX = "qipan_guard"


@dataclass(frozen=True, slots=True)
class Suspended:
    """A trigger that is out of force for a while: its table, and how to put it back."""

    name: str
    table: str
    restore: str


def _execute(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def guard_table(
    connection: BaseDatabaseWrapper,
    table: str,
    *,
    allow_delete_where: str = "",
    keys: Sequence[str] = (),
) -> None:
    """Make `table` append-only: UPDATE and TRUNCATE never, DELETE only where a condition holds (none: never).

    `allow_delete_where`: an SQL condition over the row as ``OLD``, the same on both databases, for example
    ``EXISTS (SELECT 1 FROM persons_person p WHERE p.id = OLD.person_id AND p.purged_at IS NOT NULL)``.
    `keys`: unique columns; on SQLite an INSERT that conflicts in one is refused before INSERT OR REPLACE can
    take the old row away (INSERT OR IGNORE is then refused, too). It is program text: never from input.
    """
    unguard_table(connection, table)
    if connection.vendor == "postgresql":
        # only for rows: in a statement trigger (TRUNCATE) there is no OLD for the condition
        exception = (
            f"IF TG_LEVEL = 'ROW' THEN IF TG_OP = 'DELETE' AND ({allow_delete_where}) THEN RETURN OLD; END IF; END IF;"
            if allow_delete_where
            else ""
        )
        _execute(
            connection,
            [
                f"""CREATE OR REPLACE FUNCTION {_PREFIX}_{table}() RETURNS trigger LANGUAGE plpgsql AS $guard$
                BEGIN
                    {exception}
                    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
                        USING ERRCODE = 'integrity_constraint_violation';
                END $guard$""",
                f"CREATE TRIGGER {_PREFIX}_rows BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {_PREFIX}_{table}()",
                f"CREATE TRIGGER {_PREFIX}_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {_PREFIX}_{table}()",
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {_PREFIX}_rows",
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {_PREFIX}_truncate",
            ],
        )
        return
    unless = f"WHEN NOT ({allow_delete_where})" if allow_delete_where else ""
    statements = [
        f"CREATE TRIGGER {_PREFIX}_update_{table} BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: UPDATE is refused'); END",
        f"CREATE TRIGGER {_PREFIX}_delete_{table} BEFORE DELETE ON {table} {unless} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: DELETE is refused'); END",
    ]
    if keys:
        there = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})" for key in keys)  # noqa: S608
        statements.append(
            f"CREATE TRIGGER {_PREFIX}_replace_{table} BEFORE INSERT ON {table} WHEN {there} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: UNIQUE constraint failed'); END"
        )
    _execute(connection, statements)


def unguard_table(connection: BaseDatabaseWrapper, table: str) -> None:
    """Take the triggers of `table` away (migrations, tests). Nothing happens where there are none."""
    if connection.vendor == "postgresql":
        _execute(
            connection,
            [
                f"DROP TRIGGER IF EXISTS {_PREFIX}_rows ON {table}",
                f"DROP TRIGGER IF EXISTS {_PREFIX}_truncate ON {table}",
                f"DROP FUNCTION IF EXISTS {_PREFIX}_{table}()",
            ],
        )
    else:
        _execute(
            connection,
            [f"DROP TRIGGER IF EXISTS {_PREFIX}_{act}_{table}" for act in ("update", "delete", "replace")],
        )


def install(connection: BaseDatabaseWrapper) -> None:
    """Guard the log."""
    guard_table(connection, LOG_TABLE, keys=LOG_KEYS)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the log's guard away."""
    unguard_table(connection, LOG_TABLE)


def guarded_tables(connection: BaseDatabaseWrapper) -> dict[str, bool]:
    """The guarded tables in force -> whether a DELETE is allowed under a condition."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT c.relname, p.prosrc LIKE %s FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgname = %s AND t.tgenabled <> 'D' "
                "AND c.relnamespace = current_schema()::regnamespace",
                ["%TG_OP = 'DELETE'%", f"{_PREFIX}_rows"],
            )
        else:
            cursor.execute(
                "SELECT tbl_name, sql LIKE '%% WHEN NOT %%' FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
                [f"{_PREFIX}_delete_%"],
            )
        return {table: bool(conditional) for table, conditional in cursor.fetchall()}


def suspend(connection: BaseDatabaseWrapper) -> list[Suspended]:
    """Put every guard out of force (a restore that replaces, a teardown): needs the tables' owner.

    Returns what `resume` needs. Do both in one transaction wherever it matters.
    """
    found: list[Suspended] = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE t.tgname LIKE %s AND t.tgenabled <> 'D' "
                "AND c.relnamespace = current_schema()::regnamespace",
                [f"{_PREFIX}_%"],
            )
            for name, table in cursor.fetchall():
                found.append(Suspended(name, table, f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"))
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        else:
            cursor.execute(
                "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
                [f"{_PREFIX}_%"],
            )
            for name, table, sql in cursor.fetchall():
                found.append(Suspended(name, table, sql))
                cursor.execute(f"DROP TRIGGER {name}")
    return found


def resume(connection: BaseDatabaseWrapper, suspended: Sequence[Suspended]) -> None:
    """Put the guards back into force."""
    _execute(connection, [trigger.restore for trigger in suspended])


@contextmanager
def unguarded(connection: BaseDatabaseWrapper) -> Generator[None]:
    """A transaction in which no guard is in force; they are back at its end, or with its rollback."""
    with transaction.atomic(using=connection.alias):
        suspended = suspend(connection)
        yield
        if connection.vendor == "postgresql":
            # a table with checks still pending cannot be altered
            connection.check_constraints()
        resume(connection, suspended)


def grant_app_role(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give a role that owns nothing what the application needs, as the tables' owner; again at each migrate.

    SELECT, INSERT, UPDATE and DELETE on every table of the schema; on guarded tables no UPDATE and no
    TRUNCATE, and DELETE only where the guard has a condition. PostgreSQL only; nothing on SQLite, which has
    no roles.
    """
    if connection.vendor != "postgresql":
        return
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
    statements = [
        f"GRANT USAGE ON SCHEMA {schema} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}",
        f"GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {name}",
    ]
    for table, conditional in guarded_tables(connection).items():
        refused = "UPDATE, TRUNCATE" if conditional else "UPDATE, DELETE, TRUNCATE"
        statements.append(f"REVOKE {refused} ON {table} FROM {name}")
    _execute(connection, statements)
