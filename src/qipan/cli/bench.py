"""`qipan bench NAME`: the measurements of docs/benchmarks.md, run again on this machine."""

import argparse
import json
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("bench", help="measure, as docs/benchmarks.md reports")
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    decide = names.add_parser("decide", help="a city's evidence through one book, beside the same rules by hand")
    decide.add_argument("--people", type=int, default=10_000_000)
    decide.add_argument("--seed", type=int, default=1)
    intake = names.add_parser("intake", help="test results from CSV to accepted evidence")
    intake.add_argument("--rows", type=int, default=1_000_000)
    intake.add_argument("--seed", type=int, default=1)
    pages = names.add_parser("pages", help="how long the pages take over many people")
    pages.add_argument("--people", type=int, default=300_000)
    pages.add_argument("--seed", type=int, default=1)
    pages.add_argument("--repeats", type=int, default=5)
    for each in (decide, intake, pages):
        each.add_argument("--json", action="store_true")
        each.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run one benchmark; it prints what it measured."""
    options = {k: v for k, v in vars(arguments).items() if k not in ("command", "name", "json", "run")}
    if arguments.name == "decide":
        from qipan.cli.benchmarks.decide import run as measure
    elif arguments.name == "pages":
        from qipan.cli.benchmarks.pages import run as measure
    else:
        from qipan.cli.benchmarks.intake import run as measure
    result = measure(json_output=arguments.json, **options)
    if arguments.json:
        print(json.dumps(result))
    return 0
