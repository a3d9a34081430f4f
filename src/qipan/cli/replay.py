"""`qipan replay`: the ledger under several rulebooks, and the difference."""

import argparse
import json
from datetime import date, timedelta
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("replay", help="the ledger under several rulebooks, and the difference")
    parser.add_argument("--rulebook", action="append", required=True, metavar="ID", help="twice or more to compare")
    parser.add_argument("--from", dest="start", type=date.fromisoformat, metavar="DATE", help="default: 30 days ago")
    parser.add_argument("--to", dest="end", type=date.fromisoformat, metavar="DATE", help="default: today")
    parser.add_argument("--as", dest="user", metavar="USER")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay and print."""
    from qipan.cli.django_setup import actor_named, setup

    setup()
    from qipan.foundation import clock
    from qipan.rooms.control.services import replay
    from qipan.rooms.diseases.selectors import access_book

    actor = actor_named(arguments.user)
    now = clock.now()
    books = [access_book(actor, rulebook) for rulebook in arguments.rulebook]
    end = arguments.end or clock.local_date(now, books[0].time_zone)
    start = arguments.start or end - timedelta(days=29)
    result = replay(actor=actor, books=books, start=start, end=end, at=now)
    if arguments.json:
        print(json.dumps(result.as_json(), ensure_ascii=False))
        return 0
    print(f"{start} .. {end}")
    for book in result.books:
        days = sum(book.person_days.values())
        print(f"{book.id}: {book.persons} persons, {days} restricted person-days, {book.tests} tests")
        print(f"  {end}: " + ", ".join(f"{code} {count}" for code, count in book.codes.items()))
    print(f"decided differently on {end}: {result.changed_persons} persons")
    return 0
