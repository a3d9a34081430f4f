"""`qipan replay`: the ledger under several rulebooks, and the difference."""

import argparse
import json
from datetime import timedelta
from typing import Any

from qipan.cli.arguments import local_day
from qipan.terms.errors import Absent, BadInput


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("replay", help="the ledger under several rulebooks, and the difference")
    parser.add_argument("--rulebook", action="append", required=True, metavar="ID", help="twice or more to compare")
    parser.add_argument("--from", dest="start", type=local_day, metavar="DATE", help="default: 30 days ago")
    parser.add_argument("--to", dest="end", type=local_day, metavar="DATE", help="default: today")
    parser.add_argument("--as", dest="user", metavar="USER")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay and print."""
    from qipan.cli.django_setup import actor_named, setup

    setup()
    from qipan.foundation import clock
    from qipan.rooms.control.services import replay
    from qipan.rooms.diseases.selectors import access_book, published_books

    actor = actor_named(arguments.user)
    now = clock.now()
    books = []
    for rulebook in arguments.rulebook:
        try:
            books.append(access_book(actor, rulebook))
        except Absent:
            raise BadInput(
                "There is no published rulebook %(id)s. Published: %(ids)s.",
                id=rulebook, ids=", ".join(book.rulebook for book in published_books()) or "-",
            ) from None  # fmt: skip
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
