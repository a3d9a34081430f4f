"""DATABASE_URL to Django's connection settings."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from qipan.terms.errors import BadInput

#: WAL with FULL: with NORMAL, acknowledged rows are lost at a power cut (docs/decisions/0002).
#: Pages go from the log into the file when 128 MB have gathered: an import writes the same pages of its indexes
#: again with every chunk. Temporary tables hold the rows that are being written: in memory, not in a second file.
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536; "
    "PRAGMA wal_autocheckpoint=32768; PRAGMA temp_store=MEMORY"
)
#: the address itself is not repeated: it may hold a password
_NO_ADDRESS = "DATABASE_URL is no address of a database (postgres://user@host:port/name or sqlite:///file)."


def database_from_url(url: str, *, var: Path) -> dict[str, Any]:
    """Connection settings for ``postgres://user:password@host:port/name`` or ``sqlite:///path`` (default
    ``var/qipan.sqlite3``). Raises BadInput for any other address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput(_NO_ADDRESS) from None
    if parts.scheme in ("", "sqlite"):
        # sqlite:///relative, sqlite:////absolute
        name = Path(unquote(parts.path[1:])) if parts.path else var / "qipan.sqlite3"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(name),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": _SQLITE_PRAGMAS},
        }
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(port or ""),
            "CONN_HEALTH_CHECKS": True,
        }
    raise BadInput(_NO_ADDRESS)
