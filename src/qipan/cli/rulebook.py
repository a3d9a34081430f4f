"""``qipan rulebook check FILE`` and ``show ID``, without a database; ``publish ID|FILE`` puts a book in force."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from qipan.rulebooks.explain import explain_book
from qipan.rulebooks.loader import book_text, check_book, load_book
from qipan.terms.errors import BadInput


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its verbs (INTERFACES; `publish` is ours)."""
    parser = subparsers.add_parser("rulebook", help="check a rulebook file; show a rulebook in plain words")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="validate a file and run its examples")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--json", action="store_true", help="print one JSON document")
    check.set_defaults(run=run_check)
    show = verbs.add_parser("show", help="a rulebook in plain words, in both languages")
    show.add_argument("rulebook", metavar="ID")
    show.add_argument("--language", choices=("en", "zh"), help="one language only")
    show.add_argument("--json", action="store_true", help="print one JSON document")
    show.set_defaults(run=run_show)
    publish = verbs.add_parser("publish", help="put a shipped rulebook or a file in force, over its own interval")
    publish.add_argument("rulebook", metavar="ID|FILE")
    publish.add_argument("--area", metavar="CODE", help="where it holds (default: everywhere)")
    publish.add_argument("--as", dest="user", metavar="USER", help="who publishes (default: whoever installs)")
    publish.set_defaults(run=run_publish)


def run_check(args: argparse.Namespace) -> int:
    """Print every problem with file, line and rule; 2 if there is one."""
    if not args.file.is_file():
        raise BadInput("There is no file %(file)s.", file=str(args.file))
    problems = check_book(args.file)
    if args.json:
        rows = [asdict(problem) for problem in problems]
        print(json.dumps({"file": str(args.file), "problems": rows}, ensure_ascii=False))
        return 2 if problems else 0
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    book = load_book(args.file)
    print(f"{args.file}: {book.id}, {len(book.rules)} rules, {len(book.examples)} examples, no problem")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print the book in plain words."""
    book = load_book(args.rulebook)
    languages = (args.language,) if args.language else ("en", "zh")
    texts = {language: explain_book(book, language) for language in languages}
    if args.json:
        print(json.dumps({"rulebook": book.id, **texts}, ensure_ascii=False))
    else:
        print("\n\n".join(texts.values()))
    return 0


def run_publish(args: argparse.Namespace) -> int:
    """Put a book in force. Nothing restricts anybody before one is."""
    from qipan.cli.django_setup import setup

    setup()
    from qipan.cli.machine import actor_or_machine
    from qipan.foundation import clock
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rooms.geography.selectors import areas_by_code

    area_path = "/"
    if args.area is not None:
        found = areas_by_code([args.area]).get(args.area)
        if found is None:
            raise BadInput("There is no area %(area)s.", area=args.area)
        area_path = found.path
    load_book(args.rulebook)  # names the file and its line, where the text alone cannot
    text = book_text(args.rulebook)
    published = rulebook_publish(
        actor=actor_or_machine(args.user), text=text, area_path=area_path, at=clock.now()
    )
    until = published.effective_until or "…"
    print(f"{published.rulebook}: {published.effective_from} .. {until}, {args.area or '/'}")
    return 0
