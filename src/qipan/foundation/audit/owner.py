"""Connected as the role that owns the tables, where it is another than the application's (PostgreSQL)."""

from collections.abc import Generator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def as_owner() -> Generator[None]:
    """Run as the owner (settings.DATABASE_OWNER): migrations, and what the guards refuse to everybody else.

    Nothing changes where the application owns its tables, or inside a transaction, which a new connection
    would leave.
    """
    owner, mine = settings.DATABASE_OWNER, dict(connection.settings_dict)
    if owner.get("USER") in (None, mine.get("USER")) or connection.in_atomic_block:
        yield
        return
    connection.close()
    connection.settings_dict.update(USER=owner["USER"], PASSWORD=owner["PASSWORD"])
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(USER=mine["USER"], PASSWORD=mine["PASSWORD"])
