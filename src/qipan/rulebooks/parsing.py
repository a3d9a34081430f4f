"""From parsed TOML to a `Rulebook`: one function a part of the language."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from qipan.rulebooks.digest import ATTRIBUTES
from qipan.rulebooks.lines import Path
from qipan.rulebooks.model import (
    EXEMPTION,
    Changeover,
    Codes,
    Example,
    Exemption,
    Linked,
    Matcher,
    OrderTemplate,
    Release,
    Rule,
    Words,
)
from qipan.rulebooks.reading import Reader
from qipan.terms.evidence import (
    VALUE_KEYS,
    Classification,
    ContactClass,
    EvidenceItem,
    EvidenceKind,
    FollowUpOutcome,
    HealthCode,
    OrderKind,
    TestOutcome,
)

CONFIDENCE = ("S", "W", "D", "M")
POLICIES = ("new_rule", "old_rule_until_end")
_VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "result": tuple(TestOutcome),
    "class": tuple(ContactClass),
    "classification": tuple(Classification),
    "outcome": tuple(FollowUpOutcome),
    "level": ("high", "medium", "low"),
    "origin": ("abroad", "high", "medium", "low"),
    "symptomatic": ("yes", "no"),
}
_RULE_KEYS = (
    "id", "en", "zh", "authority", "source", "confidence", "from", "until", "when", "clock", "ends_by", "linked",
    "orders",
)  # fmt: skip
_ORDER_KEYS = (
    "kind", "code", "from_day", "until_day", "latest_day", "tests", "release", "early", "fulfil_hours",
    "review_after",
)  # fmt: skip


def zone_name(reader: Reader, book: Mapping[str, Any]) -> str:
    """A time zone that exists."""
    name = reader.text(book, "time_zone", ("book",))
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        reader.complain(("book", "time_zone"), f"there is no time zone {name!r}")
        return "UTC"
    return name


def parse_codes(reader: Reader, table: Mapping[str, Any]) -> Codes:
    """Order kind -> colour, complete."""
    reader.only(table, ("authority", "source", *OrderKind), ("codes",))
    colours = {
        kind: reader.word(table, kind.value, ("codes",), HealthCode, HealthCode.RED) for kind in OrderKind
    }
    return Codes(colours, reader.text(table, "authority", ("codes",)), reader.text(table, "source", ("codes",)))


def parse_changeover(reader: Reader, table: Mapping[str, Any]) -> Changeover:
    """The stated policy for orders opened under the previous book."""
    path: Path = ("changeover",)
    reader.only(table, ("policy", "en", "zh", "source"), path)
    policy = reader.text(table, "policy", path)
    if policy and policy not in POLICIES:
        reader.complain((*path, "policy"), f"`policy` is {policy!r}, not one of {', '.join(POLICIES)}")
    return Changeover(policy, reader.words(table, path), reader.text(table, "source", path))


def parse_exemption(reader: Reader, table: Mapping[str, Any]) -> Exemption:
    """By what authority exemptions count."""
    path: Path = (EXEMPTION,)
    reader.only(table, ("en", "zh", "authority", "source"), path)
    return Exemption(
        reader.words(table, path), reader.text(table, "authority", path), reader.text(table, "source", path)
    )


def _matchers(reader: Reader, value: object, path: Path) -> tuple[Matcher, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        reader.complain(path, f"`{path[-1]}` is not a list of tables such as {{ kind = \"exposure\" }}")
        return ()
    found = []
    for number, item in enumerate(value):
        here = (*path, number)
        kind = reader.word(item, "kind", here, EvidenceKind, EvidenceKind.CORRECTION)
        known = ATTRIBUTES[kind] + (("temperature_from",) if kind is EvidenceKind.SYMPTOM else ())
        ending = path[-1] == "ends_by"
        reader.only(item, ("kind", *known, "back_days") if ending else ("kind", *known), here)
        where = []
        for name in known:
            if name == "temperature_from" or name not in item:
                continue
            words = item[name]
            if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
                reader.complain((*here, name), f"`{name}` is not a list of words")
                continue
            for word in words:
                if name in _VOCABULARY and word not in _VOCABULARY[name]:
                    reader.complain(
                        (*here, name), f"`{name}` names {word!r}, not one of {', '.join(_VOCABULARY[name])}"
                    )
            where.append((name, tuple(words)))
        degrees = item.get("temperature_from")
        if degrees is not None and (isinstance(degrees, bool) or not isinstance(degrees, int | float)):
            reader.complain((*here, "temperature_from"), "`temperature_from` is not a number of degrees Celsius")
            degrees = None
        back = reader.number(item, "back_days", here, 0) if ending else 0
        found.append(Matcher(kind, tuple(where), None if degrees is None else float(degrees), back))
    return tuple(found)


def _release(reader: Reader, table: Mapping[str, Any], path: Path, until_day: int) -> Release:
    reader.only(table, ("negatives", "tests", "hours_apart", "from_day", "linked_negative"), path)
    release = Release(
        negatives=reader.number(table, "negatives", path, 0),
        tests=reader.number(table, "tests", path, 0),
        hours_apart=reader.number(table, "hours_apart", path, 0),
        from_day=reader.number(table, "from_day", path, 0),
        linked_negative=reader.flag(table, "linked_negative", path),
    )
    if not (release.negatives or release.tests or release.linked_negative):
        reader.complain(path, "a release that needs nothing: name `negatives`, `tests` or `linked_negative`")
    if release.hours_apart and release.negatives < 2:
        reader.complain(path, "`hours_apart` needs at least two `negatives`")
    if release.from_day > until_day:
        reader.complain(path, f"`from_day` {release.from_day} lies after the order's last day {until_day}")
    return release


#: the greatest day that `Reader.number` takes
_LONGEST = 10_000


def _order(reader: Reader, table: Mapping[str, Any], path: Path, codes: Codes) -> OrderTemplate:
    reader.only(table, _ORDER_KEYS, path)
    kind = reader.word(table, "kind", path, OrderKind, OrderKind.TEST)
    code = codes.colours[kind]
    if "code" in table:
        code = reader.word(table, "code", path, HealthCode, code)
    before = len(reader.problems)
    first = reader.number(table, "from_day", path, 0)
    until = reader.number(table, "until_day", path, None)
    if len(reader.problems) > before:  # what hangs on a day that is not known is not wrong besides
        until = _LONGEST
    latest = reader.number(table, "latest_day", path, until)
    if until < first:
        reader.complain((*path, "until_day"), f"`until_day` {until} lies before `from_day` {first}")
    if latest < until < _LONGEST:
        reader.complain((*path, "latest_day"), f"`latest_day` {latest} lies before `until_day` {until}")
    tests = table.get("tests", [])
    if not isinstance(tests, list) or not all(isinstance(day, int) for day in tests):
        reader.complain((*path, "tests"), "`tests` is not a list of days")
        tests = []
    for day in tests:
        if not first <= day <= until:
            reader.complain((*path, "tests"), f"test day {day} lies outside of the order's days {first} to {until}")
    if sorted(set(tests)) != tests:
        reader.complain((*path, "tests"), "`tests` is not in ascending order, each day once")
    release = None
    if "release" in table:
        release = _release(reader, reader.table(table, "release", path), (*path, "release"), until)
    elif latest > until:
        reader.complain((*path, "latest_day"), "`latest_day` lies after `until_day`, but the release needs nothing")
    early = reader.flag(table, "early", path)
    if early and release is None:
        reader.complain((*path, "early"), "`early` without `release`: nothing can end the order early")
    optional = {
        key: reader.number(table, key, path, None, 1) if key in table else None
        for key in ("fulfil_hours", "review_after")
    }
    return OrderTemplate(
        kind, code, first, until, latest, tuple(tests), release, early, optional["fulfil_hours"],
        optional["review_after"],
    )  # fmt: skip


def parse_rule(reader: Reader, table: Mapping[str, Any], path: Path, codes: Codes) -> Rule:
    """One rule with its orders; what it refers to is checked by `check_references`."""
    reader.rule = str(table.get("id", ""))
    reader.only(table, _RULE_KEYS, path)
    confidence = reader.text(table, "confidence", path)
    if confidence and confidence not in CONFIDENCE:
        reader.complain((*path, "confidence"), f"`confidence` is {confidence!r}, not one of {', '.join(CONFIDENCE)}")
    clock = reader.text(table, "clock", path, "at")
    when = _matchers(reader, table.get("when", []), (*path, "when"))
    if not when:
        reader.complain(path, "no evidence triggers this rule: `when` is missing")
    if clock not in {"at", "last"}:
        reader.complain((*path, "clock"), f"`clock` is {clock!r}, not `at` or `last`")
    elif clock == "last" and any(matcher.kind is not EvidenceKind.EXPOSURE for matcher in when):
        reader.complain((*path, "clock"), "the clock `last` exists for exposures only")
    linked = None
    if "linked" in table:
        link = reader.table(table, "linked", path)
        here = (*path, "linked")
        reader.only(link, ("first_tests", "of", "upgrade_to"), here)
        linked = Linked(
            reader.number(link, "first_tests", here, None, 1),
            reader.text(link, "of", here),
            reader.text(link, "upgrade_to", here),
        )
    rows = table.get("orders", [])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        reader.complain(path, "the rule gives no order: `[[rules.orders]]` is missing")
        rows = []
    orders = tuple(_order(reader, row, (*path, "orders", n), codes) for n, row in enumerate(rows))
    for n, order in enumerate(orders):
        if n and order.from_day <= orders[n - 1].until_day:
            message = f"order {n + 1} begins on day {order.from_day}, before the one before it has ended"
            reader.complain((*path, "orders", n), message)
        if order.release is not None and order.release.linked_negative and linked is None:
            reader.complain((*path, "orders", n), "`linked_negative` in a rule without `linked`")
    rule = Rule(
        id=reader.text(table, "id", path),
        words=reader.words(table, path),
        authority=reader.text(table, "authority", path),
        source=reader.text(table, "source", path),
        confidence=confidence,
        clock=clock,
        when=when,
        ends_by=_matchers(reader, table.get("ends_by", []), (*path, "ends_by")),
        orders=orders,
        linked=linked,
        in_force_from=reader.day(table, "from", path, date.min) or date.min,
        in_force_until=reader.day(table, "until", path, date.max) or date.max,
    )
    if rule.in_force_from >= rule.in_force_until:
        reader.complain((*path, "until"), "the rule's interval is empty")
    reader.rule = ""
    return rule


def _plain(value: object) -> object:
    """TOML dates inside evidence values, as the JSON text that evidence carries."""
    return value.isoformat() if isinstance(value, date) else value


def _item(reader: Reader, table: Mapping[str, Any], path: Path) -> EvidenceItem | None:
    reader.only(table, ("id", "person", "linked", "kind", "at", "recorded_at", "value", "voids"), path)
    kind = reader.word(table, "kind", path, EvidenceKind, EvidenceKind.CORRECTION)
    at = reader.instant(table, "at", path)
    recorded = reader.instant(table, "recorded_at", path) if "recorded_at" in table else at
    value = {key: _plain(item) for key, item in dict(table.get("value", {})).items()}
    required, optional = VALUE_KEYS[kind]
    for key in required:
        if key not in value:
            reader.complain((*path, "value"), f"the value of `{kind}` lacks `{key}`")
    for key in value:
        if key not in required + optional:
            reader.complain((*path, "value"), f"the value of `{kind}` has no key `{key}`")
    if at is None or recorded is None:
        return None
    return EvidenceItem(
        evidence_id=reader.text(table, "id", path),
        person_id=reader.text(table, "person", path),
        kind=kind,
        at=at,
        recorded_at=recorded,
        value=value,
        linked_person_id=table.get("linked"),
        voids=table.get("voids"),
    )


def parse_example(reader: Reader, table: Mapping[str, Any], path: Path) -> Example | None:
    """One example; None if it cannot be read (the problems say why)."""
    reader.only(table, ("name", "person", "at", "evidence", "code", "orders", "next_change_at"), path)
    at = reader.instant(table, "at", path)
    next_change = reader.instant(table, "next_change_at", path) if "next_change_at" in table else None
    rows = table.get("evidence", [])
    items = [
        _item(reader, row, (*path, "evidence", n))
        for n, row in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
    orders = table.get("orders")
    if at is None:
        return None
    return Example(
        name=reader.text(table, "name", path),
        person=reader.text(table, "person", path),
        at=at,
        evidence=tuple(item for item in items if item is not None),
        code=reader.word(table, "code", path, HealthCode, HealthCode.GREEN),
        orders=None if orders is None else tuple(orders),
        next_change_at=next_change,
    )


def parse_title(reader: Reader, book: Mapping[str, Any]) -> Words:
    """The book's title in both languages."""
    title = reader.table(book, "title", ("book",))
    return reader.words(title, ("book", "title"))
