"""One writer of the ledger at a time."""

from django.db import connection

#: any number that no other advisory lock of the database uses
_LEDGER_LOCK = 0x6C6564676572


def lock_ledger() -> None:
    """Make this transaction the only one that writes evidence or decisions until it ends.

    A decision that was computed while somebody else added evidence would be stored as fresh without having
    seen it. SQLite's IMMEDIATE transactions exclude each other anyway; PostgreSQL takes an advisory lock,
    always before the log's, so that the two cannot wait for one another.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LEDGER_LOCK])
