"""`qipan audit`: verify the log, anchor its head, export it for the stand-alone verifier."""

import argparse
import json
from pathlib import Path
from typing import Any

from qipan.cli import django_setup
from qipan.cli.machine import actor_or_machine
from qipan.foundation import clock


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command and its three actions."""
    parser = subparsers.add_parser("audit", help="verify, anchor and export the log")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="verify the chain, and that anchored entries are still there")
    verify.add_argument("--anchor", type=Path, metavar="FILE", help="anchors kept outside (qipan audit anchor)")
    verify.set_defaults(run=run_verify)
    anchor = actions.add_parser("anchor", help="append the head of the log to a file, to be handed out")
    anchor.add_argument("file", type=Path, metavar="FILE")
    anchor.set_defaults(run=run_anchor)
    export = actions.add_parser("export", help="write the whole log as JSON lines, for verify_log.py")
    export.add_argument("file", type=Path, metavar="FILE")
    export.add_argument("--purpose", default="verification", metavar="TEXT", help="why (kept in the log)")
    export.add_argument("--as", dest="user", metavar="USER", help="the auditor (default: the machine)")
    export.set_defaults(run=run_export)
    for action in (verify, anchor, export):
        action.add_argument("--json", action="store_true", help="print one JSON document")


def run_verify(arguments: argparse.Namespace) -> int:
    """0 where the log verifies, 1 where it does not."""
    django_setup.setup()
    from qipan.foundation.audit import anchors

    report = anchors.verify(anchors.anchors_read(arguments.anchor) if arguments.anchor else None)
    if arguments.json:
        print(json.dumps(report))
    else:
        for finding in report["findings"]:
            print(finding)
        if report["more"]:
            print(f"and {report['more']} more")
        state = "verified" if report["verified"] else "DOES NOT VERIFY"
        print(f"{report['entries']} entries, {report['anchors']} anchors: {state}")
        if not arguments.anchor:
            print("No anchor given: a log that was cut at its end, or chained anew, looks the same.")
    return 0 if report["verified"] else 1


def run_anchor(arguments: argparse.Namespace) -> int:
    """Append the head; print it, for the bulletin."""
    django_setup.setup()
    from qipan.foundation.audit import anchors

    head = anchors.head(clock.now())
    anchors.anchor_append(arguments.file, head)
    if arguments.json:
        print(json.dumps({"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()}))
    else:
        print(f"{head.seq} {head.hash}")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the log to a new file."""
    django_setup.setup()
    from qipan.foundation.audit.services import log_export

    entries = log_export(
        actor=actor_or_machine(arguments.user), path=arguments.file, at=clock.now(), purpose=arguments.purpose
    )
    print(json.dumps({"file": str(arguments.file), "entries": entries}) if arguments.json else f"{entries} entries")
    return 0
