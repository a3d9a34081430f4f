"""`qipan day run`: one daily cycle for all areas."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from qipan.cli.arguments import local_day
from qipan.cli.django_setup import actor_named, setup
from qipan.foundation import clock

if TYPE_CHECKING:
    from qipan.rooms.command.services import DayResult


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare `day run` and its options (INTERFACES)."""
    parser = subparsers.add_parser("day", help="the daily cycle")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run_parser = actions.add_parser("run", help="one daily cycle for all areas; run twice, it changes nothing")
    run_parser.add_argument("--date", type=local_day, metavar="D", help="local date (default: today)")
    run_parser.add_argument("--as", dest="user", metavar="USER", help="who runs it (default: the system)")
    run_parser.add_argument("--json", action="store_true", help="print one JSON document")
    run_parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the day and print what it did; 0. Raises BadInput, Denied."""
    setup()
    from tqdm import tqdm

    from qipan.rooms.command.services import day_run

    at = clock.now()
    day = args.date if args.date is not None else clock.local_date(at, clock.civil_zone())
    with tqdm(disable=not sys.stderr.isatty(), leave=False, unit="step") as bar:

        def progress(name: str, number: int, count: int) -> None:
            bar.total, bar.n = count, number
            bar.set_description(name)
            bar.refresh()

        result = day_run(actor=actor_named(args.user), date=day, at=at, progress=progress)
    if args.json:
        print(json.dumps(result.as_json(), ensure_ascii=False))
    else:
        _print(result)
    return 0


def _print(result: "DayResult") -> None:
    from django.utils.translation import gettext

    for step in result.steps:
        counts = ", ".join(f"{name} {count}" for name, count in step.counts.items())
        print(f"{step.name:<12}{step.seconds:>8.2f} s  {counts}")
    if result.changed:
        print(gettext("%(day)s: run.") % {"day": result.day.isoformat()})
    else:
        print(gettext("%(day)s: nothing was left to do.") % {"day": result.day.isoformat()})
