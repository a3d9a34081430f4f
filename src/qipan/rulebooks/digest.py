"""What one piece of evidence says to a book: which rules it triggers or ends, and the days that it names.

Both evaluators read values through this module (the population evaluator once per distinct value), so that
JSON, days and matching have one meaning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from qipan.rulebooks.model import Matcher, Rulebook
from qipan.rulebooks.tables import Tables, area_risk, origin_class
from qipan.terms.evidence import EvidenceKind, OrderKind

#: attributes that a matcher may name, by kind; `origin`, `level` and `symptomatic` are derived
ATTRIBUTES: Mapping[EvidenceKind, tuple[str, ...]] = {
    EvidenceKind.TEST: ("result", "method"),
    EvidenceKind.EXPOSURE: ("class", "setting"),
    EvidenceKind.ARRIVAL: ("origin",),
    EvidenceKind.RESIDENCE: ("level",),
    EvidenceKind.SYMPTOM: ("symptomatic",),
    EvidenceKind.DIAGNOSIS: ("classification",),
    EvidenceKind.RECOVERY: (),
    EvidenceKind.EXEMPTION: (),
    EvidenceKind.FOLLOW_UP: ("outcome",),
    EvidenceKind.CORRECTION: (),
}
#: attributes that are read from the value as they stand: their word must be in the JSON text
LITERAL = frozenset({"result", "method", "setting", "classification", "outcome"})
RISK_LEVELS = frozenset({"high", "medium", "low"})
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Digest:
    """One value, read by one book: positions of rules triggered, positions in `book.endings`, days, words."""

    triggers: tuple[int, ...]
    ends: tuple[int, ...]
    first: date | None
    last: date | None
    result: str | None
    exempt_kind: str | None
    exempt_until: date | None


@lru_cache(maxsize=65536)
def parse_day(text: str, zone: ZoneInfo) -> date | None:
    """The local day of an ISO date, or of an ISO instant with an offset; None for anything else.

    Days before 1900 are not read; days after 2199 count as its last day (an exemption "for ever").
    """
    try:
        if len(text) <= 10:
            day = date.fromisoformat(text)
        else:
            instant = datetime.fromisoformat(text)
            day = instant.date() if instant.tzinfo is None else instant.astimezone(zone).date()
    except (ValueError, OverflowError):
        return None
    return None if day < _FIRST_DAY else min(day, _LAST_DAY)


def parse_value(text: str) -> Mapping[str, Any]:
    """The JSON object in `text`; empty if it is not one (intake and the command refuse such rows beforehand)."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _day(value: Mapping[str, Any], key: str, zone: ZoneInfo) -> date | None:
    text = value.get(key)
    return parse_day(text, zone) if isinstance(text, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _attribute(name: str, value: Mapping[str, Any], day: date, tables: Tables) -> str | None:
    if name == "class":  # an exposure without a class counts as close
        found = value.get("class") or "close"
    elif name == "origin":
        found = origin_class(tables, str(value.get("origin_area") or ""), day)
    elif name == "level":
        found = value.get("level")
        found = "medium" if found in {"mid", "middle"} else found
        if found not in RISK_LEVELS:
            found = area_risk(tables, str(value.get("area") or ""), day)
    elif name == "symptomatic":
        symptoms = value.get("symptoms")
        found = "yes" if symptoms else "no"
    else:
        found = value.get(name)
    return found if isinstance(found, str) else None


def matches(matcher: Matcher, value: Mapping[str, Any], day: date, tables: Tables) -> bool:
    """Whether a matcher sees this value of its kind. `day` is the local day of the evidence, for the tables."""
    if matcher.temperature_from is not None:
        temperature = _number(value.get("temperature"))
        if temperature is not None and temperature >= matcher.temperature_from:
            return True
    return all(_attribute(name, value, day, tables) in words for name, words in matcher.where)


def digest(book: Rulebook, tables: Tables, kind: EvidenceKind, value: Mapping[str, Any], day: date) -> Digest:
    """Read one value of one kind; `day` is the local day of its `at`."""
    triggers: list[int] = []
    for index, matcher in book.triggering[kind]:
        if index not in triggers and matches(matcher, value, day, tables):
            triggers.append(index)
    ends = [number for number, matcher in book.ending[kind] if matches(matcher, value, day, tables)]
    first = last = exempt_until = None
    result = exempt_kind = None
    if kind is EvidenceKind.EXPOSURE:
        first, last = _day(value, "first", book.zone), _day(value, "last", book.zone)
    elif kind is EvidenceKind.TEST:
        result = value.get("result")
        result = result if isinstance(result, str) else None
    elif kind is EvidenceKind.EXEMPTION and book.exemption is not None:
        exempt_kind = value.get("order_kind")
        exempt_until = _day(value, "until", book.zone)
        if exempt_until is None or exempt_kind not in set(OrderKind):
            exempt_kind = exempt_until = None
    return Digest(tuple(triggers), tuple(ends), first, last, result, exempt_kind, exempt_until)
