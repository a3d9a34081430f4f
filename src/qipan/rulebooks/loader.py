"""Loading and checking books: `load_book`, `check_book`, `shipped_books`. A book with a problem is refused."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from qipan.rulebooks.lines import key_lines
from qipan.rulebooks.model import EXEMPTION, Rule, Rulebook
from qipan.rulebooks.parsing import (
    parse_changeover,
    parse_codes,
    parse_example,
    parse_exemption,
    parse_rule,
    parse_title,
    zone_name,
)
from qipan.rulebooks.reading import Problem, Reader
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import EMPTY_TABLES
from qipan.terms.errors import BadInput

BOOKS = Path(__file__).parent / "books"
_TOP_KEYS = ("book", "codes", "changeover", EXEMPTION, "rules", "examples")
_BOOK_KEYS = (
    "id", "disease", "jurisdiction", "version", "title", "effective_from", "effective_until", "time_zone",
    "authority", "source", "extends", "removes",
)  # fmt: skip


def shipped_books() -> tuple[str, ...]:
    """The ids of the books that come with the program, in order."""
    return tuple(sorted(path.stem for path in BOOKS.glob("*.toml")))


def load_book(id_or_path: str | Path) -> Rulebook:
    """The book of that id (shipped) or in that file.

    Raises BadInput if there is none, or if it has a problem: the first one is named with file, line and rule.
    """
    return _load(str(id_or_path))


@lru_cache(maxsize=32)
def _load(name: str) -> Rulebook:
    return _accepted(*_read(_find(name)))


def _accepted(book: Rulebook | None, problems: list[Problem]) -> Rulebook:
    if problems or book is None:
        first = problems[0]
        raise BadInput(
            "%(file)s, line %(line)s: rule %(rule)s: %(problem)s",
            file=first.file,
            line=first.line,
            rule=first.rule or "-",
            problem=first.message,
        )
    return book


def book_text(book_id: str) -> str:
    """The text of a shipped book. Raises BadInput if there is none of that id."""
    return _find(book_id).read_text(encoding="utf-8")


def load_text(text: str, *, name: str = "rulebook") -> Rulebook:
    """The book in a text (as published); a layer's base is looked up among the shipped books.

    Raises BadInput as `load_book` does, naming `name` as the file.
    """
    return _accepted(*_read_text(text, BOOKS / f"{name}.toml"))


def _find(name: str) -> Path:
    shipped = BOOKS / f"{name}.toml"
    if re.fullmatch(r"[A-Za-z0-9._-]+", name) and shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    raise BadInput(
        "There is no rulebook %(book)s. Shipped: %(shipped)s.", book=name, shipped=", ".join(shipped_books())
    )


def check_book(path: str | Path) -> list[Problem]:
    """Everything that is wrong with the book in a file; empty if it may be used."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[Rulebook | None, list[Problem]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Problem(path.name, 1, "", f"cannot be read: {error}")]
    return _read_text(text, path)


def _read_text(text: str, path: Path) -> tuple[Rulebook | None, list[Problem]]:
    file = path.name
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return None, [Problem(file, int(found.group(1)) if found else 1, "", f"not TOML: {error}")]
    reader = Reader(file, key_lines(text))
    book = _build(reader, data, path)
    if not reader.problems and book is not None:
        _run_examples(reader, book)
    return book, reader.problems


def _base(reader: Reader, head: Mapping[str, Any], path: Path) -> Rulebook | None:
    name = head.get("extends")
    if name is None:
        return None
    beside = path.parent / f"{name}.toml"
    try:
        return _load(str(beside) if beside.is_file() and beside != path else str(name))
    except BadInput as error:
        reader.complain(("book", "extends"), str(error))
        return None


def _build(reader: Reader, data: Mapping[str, Any], path: Path) -> Rulebook | None:
    reader.only(data, _TOP_KEYS, ())
    head = reader.table(data, "book", ())
    reader.only(head, _BOOK_KEYS, ("book",))
    base = _base(reader, head, path)
    if head.get("extends") is not None and base is None:
        return None
    codes = base.codes if base and "codes" not in data else parse_codes(reader, reader.table(data, "codes", ()))
    if base and "changeover" not in data:
        changeover = base.changeover
    else:
        changeover = parse_changeover(reader, reader.table(data, "changeover", ()))
    exemption = base.exemption if base else None
    if EXEMPTION in data:
        exemption = parse_exemption(reader, reader.table(data, EXEMPTION, ()))
    rows = [row for row in data.get("rules", []) if isinstance(row, dict)]
    own = [parse_rule(reader, row, ("rules", n), codes) for n, row in enumerate(rows)]
    rules = _merge(reader, base, own, head)
    effective_from = reader.day(head, "effective_from", ("book",), base.effective_from if base else None)
    effective_until = reader.day(head, "effective_until", ("book",), base.effective_until if base else None)
    if effective_from is None:
        reader.complain(("book", "effective_from"), "`effective_from` is missing")
        return None
    if effective_until is not None and effective_until <= effective_from:
        reader.complain(("book", "effective_until"), "the book's interval is empty")
    _check_references(reader, rules, own)
    if not rules:
        reader.complain((), "the book has no rules")
    examples = [
        parse_example(reader, row, ("examples", n)) for n, row in enumerate(data.get("examples", []))
    ]
    if not examples:
        reader.complain((), "the book has no example: a book without one is refused")
    return Rulebook(
        id=reader.text(head, "id", ("book",)),
        disease=reader.text(head, "disease", ("book",)),
        jurisdiction=reader.text(head, "jurisdiction", ("book",)),
        version=reader.text(head, "version", ("book",)),
        title=parse_title(reader, head),
        effective_from=effective_from,
        effective_until=effective_until,
        time_zone=zone_name(reader, head),
        authority=reader.text(head, "authority", ("book",)),
        source=reader.text(head, "source", ("book",)),
        extends=base.id if base else None,
        codes=codes,
        changeover=changeover,
        exemption=exemption,
        rules=rules,
        examples=tuple(example for example in examples if example is not None),
    )


def _merge(reader: Reader, base: Rulebook | None, own: list[Rule], head: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The base's rules without those removed, each replaced by the layer's of the same id; new ones follow."""
    seen: set[str] = set()
    for number, rule in enumerate(own):
        if rule.id in seen:
            reader.complain(("rules", number, "id"), f"the id {rule.id!r} is there twice", rule.id)
        if rule.id == EXEMPTION:
            reader.complain(("rules", number, "id"), f"the id {EXEMPTION!r} is reserved", rule.id)
        seen.add(rule.id)
    removes = head.get("removes", [])
    inherited = base.rules if base else ()
    for name in removes:
        if name not in {rule.id for rule in inherited}:
            reader.complain(("book", "removes"), f"there is no rule {name!r} to remove")
    replaced = {rule.id: rule for rule in own}
    kept = [replaced.pop(rule.id, rule) for rule in inherited if rule.id not in removes]
    return (*kept, *(rule for rule in own if rule.id in replaced))


def _check_references(reader: Reader, rules: tuple[Rule, ...], own: list[Rule]) -> None:
    by_id = {rule.id: rule for rule in rules}
    places = {rule.id: number for number, rule in enumerate(own)}
    for rule in rules:
        if rule.linked is None:
            continue
        path = ("rules", places[rule.id], "linked") if rule.id in places else ("book", "removes")
        for name in (rule.linked.of, rule.linked.upgrade_to):
            if name not in by_id:
                reader.complain(path, f"it refers to the rule {name!r}, which the book does not have", rule.id)
            elif by_id[name].linked is not None:
                reader.complain(path, f"it refers to {name!r}, which depends on a link itself", rule.id)
        target = by_id.get(rule.linked.upgrade_to)
        if target is not None and target.clock != rule.clock:
            reader.complain(path, f"it upgrades to {target.id!r}, whose clock is another", rule.id)


def _run_examples(reader: Reader, book: Rulebook) -> None:
    for number, example in enumerate(book.examples):
        path = ("examples", number)
        got = decide(book, EMPTY_TABLES, example.evidence, example.person, example.at)
        if got.code is not example.code:
            reader.complain(
                path, f"example {example.name!r}: expected {example.code}, decided {got.code}", "examples"
            )
        if example.next_change_at is not None and got.next_change_at != example.next_change_at:
            reader.complain(
                path, f"example {example.name!r}: the next change is {got.next_change_at}", "examples"
            )
        if example.orders is None:
            continue
        if len(example.orders) != len(got.orders):
            kinds = ", ".join(order.kind for order in got.orders) or "none"
            reader.complain(path, f"example {example.name!r}: decided other orders: {kinds}", "examples")
            continue
        for wanted, order in zip(example.orders, got.orders, strict=True):
            for key, value in wanted.items():
                found = getattr(order, key, None)
                found = list(found) if isinstance(found, tuple) else found
                if found != value:
                    message = f"example {example.name!r}: `{key}` of {order.kind} is {found}, not {value}"
                    reader.complain(path, message, "examples")
