"""What a fact may say: the value of each kind of evidence checked key by key, and against the fact's own day.

The ledger is never edited, so a value that means nothing is refused before it is written: an exposure that ends
before it begins, or a word that no rulebook knows, would be passed over in silence by every decision after it.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qipan.terms.errors import BadInput
from qipan.terms.evidence import (
    VALUE_KEYS,
    Classification,
    ContactClass,
    EvidenceKind,
    FollowUpOutcome,
    OrderKind,
    TestOutcome,
)

#: kind -> key -> the words that it takes
WORDS: Mapping[EvidenceKind, Mapping[str, tuple[str, ...]]] = {
    EvidenceKind.TEST: {"result": tuple(TestOutcome)},
    EvidenceKind.EXPOSURE: {"class": tuple(ContactClass)},
    # the rulebooks read two more spellings of medium; of unknown they look the area up in the risk tables
    EvidenceKind.RESIDENCE: {"level": ("high", "medium", "low", "mid", "middle", "unknown")},
    EvidenceKind.DIAGNOSIS: {"classification": tuple(Classification)},
    EvidenceKind.EXEMPTION: {"order_kind": tuple(OrderKind)},
    EvidenceKind.FOLLOW_UP: {"outcome": tuple(FollowUpOutcome)},
}
#: kind -> the keys that name a day
DAYS: Mapping[EvidenceKind, tuple[str, ...]] = {
    EvidenceKind.EXPOSURE: ("first", "last"),
    EvidenceKind.DIAGNOSIS: ("onset_date",),
    EvidenceKind.EXEMPTION: ("until",),
}
#: key -> least and greatest number: cycles, degrees Celsius, minutes and metres as files of contacts take them
RANGES: Mapping[str, tuple[int, int]] = {
    "ct": (0, 60),
    "temperature": (30, 45),
    "minutes": (0, 1_000_000),
    "distance_m": (0, 10_000),
}
_TEXTS = frozenset({"method", "setting", "origin_area", "area", "place", "group"})
_EARLIEST = date(1900, 1, 1)  # no rulebook reads an earlier day
_SHOWN = 60


def read_day(text: object, zone: ZoneInfo) -> date | None:
    """The local day of an ISO date or ISO instant, from 1900 on; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        if len(text) <= 10:
            day = date.fromisoformat(text)
        else:
            moment = datetime.fromisoformat(text)
            day = moment.date() if moment.tzinfo is None else moment.astimezone(zone).date()
    except (ValueError, OverflowError):
        return None
    return None if day < _EARLIEST else day


def check_evidence_value(kind: EvidenceKind, value: Mapping[str, Any], at: datetime, *, zone: str) -> None:
    """Raise BadInput unless `value` is one that evidence of `kind` of the instant `at` can have.

    `value`: what the JSON of the fact says (INTERFACES, Values); an optional key may be null, keys that begin
    with ``x_`` are the sender's own and not looked at. `at`: aware. `zone`: the place's calendar, in which no
    exposure ends and no illness begins after the local day of `at`.
    """
    if not isinstance(value, Mapping):
        raise BadInput("The value of evidence is a JSON object.")
    _check_keys(kind, value)
    for key, words in WORDS.get(kind, {}).items():
        if value.get(key) is not None and value[key] not in words:
            raise BadInput("%(key)s is %(value)s, but it is one of: %(words)s.",
                           key=key, value=_shown(value[key]), words=", ".join(words))  # fmt: skip
    for key, content in value.items():
        if content is None or key.startswith("x_"):
            continue
        if key in RANGES:
            _check_number(key, content)
        elif key == "symptoms":
            _check_symptoms(content)
        elif key in _TEXTS:
            _check_text(key, content)
    _check_days(kind, value, at, ZoneInfo(zone))


def _shown(content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _check_keys(kind: EvidenceKind, value: Mapping[str, Any]) -> None:
    required, optional = VALUE_KEYS[kind]
    missing = [key for key in required if value.get(key) is None]
    if missing:
        raise BadInput("Evidence of kind %(kind)s needs %(keys)s.", kind=kind.value, keys=", ".join(missing))
    unknown = [str(key) for key in value if key not in required + optional and not str(key).startswith("x_")]
    if unknown:
        raise BadInput("Evidence of kind %(kind)s has no %(keys)s.", kind=kind.value, keys=", ".join(unknown))


def _check_number(key: str, content: object) -> None:
    low, high = RANGES[key]
    number = isinstance(content, int | float) and not isinstance(content, bool)
    # neither infinity nor a not-a-number lies between two numbers
    if not number or not low <= content <= high:  # type: ignore[operator]
        raise BadInput("%(key)s is %(value)s, not a number from %(low)s to %(high)s.",
                       key=key, value=_shown(content), low=low, high=high)  # fmt: skip


def _check_text(key: str, content: object) -> None:
    # codes of areas come as whole numbers out of some programs, and are read as their digits
    if not isinstance(content, str) and (not isinstance(content, int) or isinstance(content, bool)):
        raise BadInput("%(key)s is %(value)s, not a text.", key=key, value=_shown(content))


def _check_symptoms(content: object) -> None:
    listed = content if isinstance(content, list | tuple) else [content]
    if not all(isinstance(symptom, str) for symptom in listed):
        raise BadInput("%(key)s is %(value)s, not a text or a list of texts.", key="symptoms", value=_shown(content))


def _check_days(kind: EvidenceKind, value: Mapping[str, Any], at: datetime, zone: ZoneInfo) -> None:
    days: dict[str, date] = {}
    for key in DAYS.get(kind, ()):
        if value.get(key) is None:
            continue
        day = read_day(value[key], zone)
        if day is None:
            raise BadInput("%(key)s is %(value)s, not a date (YYYY-MM-DD).", key=key, value=_shown(value[key]))
        days[key] = day
    today = at.astimezone(zone).date()
    if kind is EvidenceKind.EXPOSURE and days["last"] < days["first"]:
        raise BadInput("The exposure ends on %(last)s, before it begins on %(first)s.",
                       first=days["first"].isoformat(), last=days["last"].isoformat())  # fmt: skip
    for key in ("last", "onset_date"):
        if key in days and days[key] > today:
            raise BadInput("%(key)s is %(value)s, after the day of the fact itself, %(day)s.",
                           key=key, value=days[key].isoformat(), day=today.isoformat())  # fmt: skip
