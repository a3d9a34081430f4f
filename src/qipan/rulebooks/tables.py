"""Tables that are revised daily, apart from the rules: origin risk, risk areas, key posts. Rows are effective-dated."""

import re
from dataclasses import dataclass, field
from datetime import date

#: GB/T 2260 province prefixes of the mainland; Hong Kong, Macao and Taiwan count as entry from outside
_MAINLAND = re.compile(r"(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{4}")


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A place and its risk from a day to a day (excluded; None is open). `place` is an area code or a country."""

    place: str
    level: str
    effective_from: date
    effective_until: date | None
    author: str
    source: str


@dataclass(frozen=True, slots=True)
class KeyPostRow:
    """A post (occupation at a place) and the class of key persons that it belongs to."""

    post: str
    post_class: str
    effective_from: date
    effective_until: date | None
    author: str
    source: str


@dataclass(frozen=True, slots=True)
class Tables:
    """One revision of the tables. The default is empty: no place has a risk."""

    revision: str = ""
    origin_risk: tuple[RiskRow, ...] = field(default=())
    risk_areas: tuple[RiskRow, ...] = field(default=())
    key_posts: tuple[KeyPostRow, ...] = field(default=())


EMPTY_TABLES = Tables()


def _covers(place: str, area: str) -> bool:
    """Whether `place` is `area` or contains it (trailing 00 of province and city codes are not significant)."""
    if place == area:
        return True
    if not _MAINLAND.match(place) or not _MAINLAND.match(area):
        return False
    stem = place
    if len(place) == 6:
        stem = place[:2] if place.endswith("0000") else place[:4] if place.endswith("00") else place
    return area.startswith(stem)


def _lookup(rows: tuple[RiskRow, ...], area: str, day: date) -> str | None:
    best: tuple[int, date] | None = None
    level: str | None = None
    for row in rows:
        if row.effective_from <= day and (row.effective_until is None or day < row.effective_until):
            if not _covers(row.place, area):
                continue
            rank = (len(row.place.rstrip("0")), row.effective_from)
            if best is None or rank >= best:
                best, level = rank, row.level
    return level


def area_risk(tables: Tables, area: str, day: date) -> str | None:
    """The risk level of an area on a day: the narrowest row wins, then the latest; None without a row."""
    return _lookup(tables.risk_areas, area, day)


def origin_class(tables: Tables, origin: str, day: date) -> str | None:
    """`abroad`, a risk level, or None for an origin on a day.

    A row of `origin_risk` decides, then one of `risk_areas`; without either, what is not a mainland
    GB/T 2260 code (and not empty, unknown or CN) is abroad.
    """
    level = _lookup(tables.origin_risk, origin, day) or _lookup(tables.risk_areas, origin, day)
    if level is not None:
        return level
    if origin.strip().lower() in {"", "cn", "chn", "unknown"} or _MAINLAND.match(origin):
        return None
    return "abroad"
