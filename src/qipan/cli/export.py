"""``qipan export``: tables out, for a purpose, in the columns with which they come in again."""

import argparse
import json
from pathlib import Path
from typing import Any

from qipan.cli.django_setup import actor_named, setup
from qipan.foundation import clock
from qipan.terms.errors import BadInput


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("export", help="write a table to a file (CSV, XLSX, Parquet, JSON lines)")
    parser.add_argument("kind", nargs="?", metavar="KIND", help="which table; --kinds lists them")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a new file; its suffix says which form")
    parser.add_argument("--profile", default="qipan", metavar="NAME", help="columns and values (default: qipan)")
    parser.add_argument("--purpose", default="", metavar="TEXT", help="who needs it, for what (kept sealed in the log)")
    parser.add_argument("--as", dest="user", metavar="USER", help="the account that acts")
    parser.add_argument("--area", metavar="CODE", help="only this area and what lies in it")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--kinds", action="store_true", help="list the tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    setup()
    from qipan.foundation.exports.kinds import export_kinds
    from qipan.foundation.exports.services import table_export
    from qipan.rooms.geography.selectors import access_area

    if arguments.kinds:
        for kind in export_kinds():
            print(f"{kind.name}\t{kind.title}\t{', '.join(kind.columns)}")
        return 0
    if not arguments.kind or arguments.file is None:
        raise BadInput("qipan export needs KIND, FILE and --purpose TEXT.")
    at = clock.now()
    actor = actor_named(arguments.user)
    area_path = access_area(actor, arguments.area).path if arguments.area else "/"
    done = table_export(
        actor=actor, kind=arguments.kind, path=arguments.file, purpose=arguments.purpose, at=at,
        area_path=area_path, profile=arguments.profile,
    )  # fmt: skip
    if arguments.json:
        print(json.dumps(done.as_json(), ensure_ascii=False))
    else:
        print(f"{done.rows} rows → {done.file} ({done.code})")
    return 0
