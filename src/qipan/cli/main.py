"""`qipan`: one parser, one module a command, and the edge where errors become one line and an exit code.

0: done · 1: failed · 2: bad usage or bad input.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from gettext import translation
from pathlib import Path

from qipan.cli import commands
from qipan.cli.arguments import Parser
from qipan.cli.environment import check_environment
from qipan.terms.errors import BadInput, QipanError


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command that INTERFACES names and that exists by now."""
    parser = Parser(prog="qipan", description="The whole city as one board.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_parser in commands.ADD_PARSERS:
        add_parser(subparsers)
    return parser


def _translated(message: str) -> str:
    """The message in the reader's language, also in commands that never load Django."""
    if "django" in sys.modules:
        from django.apps import apps
        from django.utils.translation import gettext

        if apps.ready:
            return str(gettext(message))
    language = {"zh-hans": "zh_Hans"}.get(os.environ.get("QIPAN_LANGUAGE", "").lower(), "en")
    catalogue = translation("django", Path(__file__).parents[1] / "locale", languages=[language], fallback=True)
    return catalogue.gettext(message)


def say(error: QipanError) -> str:
    """An error as one line in the reader's language."""
    message = _translated(error.message)
    text = message % error.params if error.params else message
    return " ".join(text.split())


_DATABASE_AWAY = "The database cannot be used: %(why)s. What was acknowledged is kept; run the command again."


_DATABASE_BROKEN = "The database cannot be read: %(why)s."
_BROKEN = ("file is not a database", "database disk image is malformed")  # SQLite: another file, or a damaged one
_NO_TABLES = "The database has no tables of this version (%(why)s): run `qipan init`."
_UNDEFINED = ("42P01", "42703")  # PostgreSQL: no such table, no such column


def _lacks_tables(error: Exception) -> bool:
    """Whether the database was never brought up to date by `qipan init`."""
    if "django" not in sys.modules:
        return False
    from django.db import DatabaseError

    if not isinstance(error, DatabaseError):
        return False
    told = str(error).startswith(("no such table", "no such column"))
    return told or getattr(error.__cause__, "sqlstate", None) in _UNDEFINED


def _is_operational(error: Exception) -> bool:
    """Whether the database is away, full or locked: not a defect of ours, and not to be shown as one."""
    if "django" not in sys.modules:
        return False
    from django.db import InterfaceError, OperationalError

    return isinstance(error, OperationalError | InterfaceError)


def _is_broken(error: Exception) -> bool:
    """Whether what should be the database is another file, or a damaged one."""
    if "django" not in sys.modules:
        return False
    from django.db import DatabaseError

    return isinstance(error, DatabaseError) and str(error).startswith(_BROKEN)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        check_environment()
        return run(arguments)
    except BadInput as error:
        print(f"qipan: {say(error)}", file=sys.stderr)
        return 2
    except QipanError as error:
        print(f"qipan: {say(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("qipan: stopped; what was acknowledged is kept", file=sys.stderr)
        return 1
    except OSError as error:  # a folder that is not there, a full disk, a file that is not ours to write
        why, file = error.strerror or str(error), error.filename
        fault = QipanError("%(file)s: %(why)s.", file=file, why=why) if file else QipanError("%(why)s.", why=why)
        print(f"qipan: {say(fault)}", file=sys.stderr)
        return 1
    except Exception as error:
        if _is_broken(error):
            print(f"qipan: {say(QipanError(_DATABASE_BROKEN, why=str(error)))}", file=sys.stderr)
            return 1
        if _lacks_tables(error):
            print(f"qipan: {say(QipanError(_NO_TABLES, why=str(error).partition(chr(10))[0]))}", file=sys.stderr)
            return 2
        if not _is_operational(error):
            raise
        print(f"qipan: {say(QipanError(_DATABASE_AWAY, why=str(error)))}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
