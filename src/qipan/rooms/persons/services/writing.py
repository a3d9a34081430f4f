"""What every writer of the vault does: blocks of ids, and the lock that a rotation waits for."""

from collections.abc import Sequence

from django.db import connection, models, transaction

#: Any number that no other advisory lock of the database uses: "vault" in ASCII.
_VAULT_LOCK = 0x7661756C74


def vault_shared() -> None:
    """Hold the vault open for writing until the transaction ends: no key is retired meanwhile.

    A row sealed under the old key in a transaction that is not committed yet is invisible to a rotation, which
    would then retire the key under it. SQLite has one writer at a time and needs no lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_VAULT_LOCK])


def vault_alone() -> None:
    """Wait until every writer of the vault has ended its transaction, and hold off new ones until ours ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_VAULT_LOCK])


def reserve_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """`count` ids of `model` that nobody else gets and that were never used, ascending (inside a transaction).

    PostgreSQL: drawn from the sequence. SQLite: after the table's highest id ever (AUTOINCREMENT remembers
    it), under the write lock that the transaction holds.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
    return range(first, first + count)


def overwrite_deleted() -> None:
    """Let what this transaction deletes be overwritten, not only marked free.

    SQLite: zeros in the file, and the write-ahead log, which holds the pages as they were, is emptied after the
    commit, as soon as no reader needs it. PostgreSQL drops dead rows at its next VACUUM.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
        transaction.on_commit(_truncate_wal)


def _truncate_wal() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
