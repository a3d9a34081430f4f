"""`qipan restore FILE`: a backup back into an empty database, all of it or nothing."""

import argparse
import json
from pathlib import Path
from typing import Any

from qipan.cli import django_setup
from qipan.cli.machine import actor_or_machine
from qipan.foundation import clock


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("restore", help="restore a backup into an empty database")
    parser.add_argument("file", type=Path, metavar="FILE", help="a file of `qipan backup`")
    parser.add_argument("--replace", action="store_true", help="delete everything that the database holds first")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # no --as: the accounts are in the backup
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Restore the backup and say what was in it."""
    django_setup.setup()
    from qipan.foundation.backup.services import backup_restore

    manifest = backup_restore(
        actor=actor_or_machine(None), path=arguments.file, at=clock.now(), replace=arguments.replace
    )
    if arguments.json:
        print(json.dumps(manifest.as_json()))
    else:
        print(f"{arguments.file}: {manifest.rows} rows restored and verified, log {manifest.log_seq}")
    return 0
