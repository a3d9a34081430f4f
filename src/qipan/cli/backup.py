"""`qipan backup FILE`: an encrypted copy of the whole database, read back before it is called done."""

import argparse
import json
from pathlib import Path
from typing import Any

from qipan.cli import django_setup
from qipan.cli.machine import actor_or_machine
from qipan.foundation import clock


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("backup", help="write an encrypted, verified backup")
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file; keep the key folder elsewhere")
    parser.add_argument("--as", dest="user", metavar="USER", help="the administrator (default: the machine)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the backup and say what is in it."""
    django_setup.setup()
    from qipan.foundation.backup.services import backup_write

    manifest = backup_write(actor=actor_or_machine(arguments.user), path=arguments.file, at=clock.now())
    report = manifest.as_json()
    if arguments.json:
        print(json.dumps(report))
    else:
        print(f"{arguments.file}: {manifest.rows} rows, content {manifest.content_hash[:16]}…, log {manifest.log_seq}")
    return 0
