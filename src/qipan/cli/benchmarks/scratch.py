"""A database of a benchmark's own: empty, of the engine of DATABASE_URL, dropped at the end."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def scratch_database(folder: Path) -> Generator[str]:
    """The address of an empty database; SQLite lies in `folder`."""
    given = urlsplit(os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL", ""))
    if given.scheme not in ("postgres", "postgresql"):
        yield f"sqlite:///{folder}/bench.sqlite3"
        return
    import psycopg
    from psycopg import sql

    name = f"qipan_bench_{os.getpid()}"
    server = urlunsplit(("postgresql", given.netloc, "/postgres", "", ""))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(("postgres", given.netloc, f"/{name}", "", ""))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def environment_of(url: str, folder: Path) -> dict[str, str]:
    """The environment of a process that works in that database, with a folder and keys of its own."""
    return os.environ | {
        "DATABASE_URL": url,
        "DATABASE_OWNER_URL": url,
        "QIPAN_VAR": f"{folder}/var",
        "QIPAN_KEYS": f"{folder}/keys",
        "DJANGO_SETTINGS_MODULE": "qipan.config.settings",
    }
