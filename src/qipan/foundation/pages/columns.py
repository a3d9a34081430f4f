"""The columns of a list: which value of a row, how it is written, sorted and linked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any

from qipan.foundation.pages import formats
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import Grave, gravity, word
from qipan.terms.identity import person_code


class Kind(StrEnum):
    """How a value is written."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    INSTANT = "instant"
    #: an instant by which something must be done: red and said in words when it has passed
    CLOCK = "clock"
    #: a value of an enumeration, as a badge with its word
    WORD = "word"
    #: an area path, said as the area's name
    AREA = "area"
    #: a person's id, said as the pseudonymous code and linked to the person's page
    PERSON = "person"
    #: the id of a user or a unit, said as the name
    USER = "user"
    UNIT = "unit"
    YES_NO = "yes_no"
    #: a health code: word, shape and colour
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    `key`: attribute path in a row ("person__area_path"), or `value` computes it. `sort`: the field to sort by (of a
    queryset: its name; of computed rows: anything, sorted by the value itself); "" cannot be sorted by. `words`: the
    enumeration of a `WORD`. `link`: name of a URL that takes the row's `link_key`. `wide`: left out on a phone.
    """

    key: str
    title: Words
    kind: Kind = Kind.TEXT
    sort: str = ""
    words: type[Enum] | None = None
    value: Callable[[Any], Any] | None = None
    link: str = ""
    link_key: str = "pk"
    wide: bool = False
    #: said as it was written, whatever the reader's language: names in the other language, words of a rulebook
    quoted: bool = False

    def raw(self, row: Any) -> Any:
        """The row's value as it is stored."""
        if self.value is not None:
            return self.value(row)
        return attribute(row, self.key)


def attribute(row: Any, path: str) -> Any:
    """The value at an attribute path; None where something on the way is None."""
    for name in path.split("__"):
        if row is None:
            return None
        row = row.get(name) if isinstance(row, dict) else getattr(row, name)
    return row


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown."""

    text: Words
    kind: str = "text"
    href: str = ""
    grave: str = ""
    title: Words = ""
    wide: bool = False
    label: Words = ""
    quoted: bool = False


def export_value(column: Column, row: Any, names: dict[str, Any]) -> Any:
    """A value as it leaves in a file: dates and numbers as themselves, keys as codes, enumerations as their values."""
    value = column.raw(row)
    if value is None:
        return None
    if column.kind is Kind.PERSON:
        return person_code(value)
    if column.kind is Kind.AREA:
        return str(value).rstrip("/").rpartition("/")[2]
    if column.kind in (Kind.USER, Kind.UNIT):
        return names.get(column.kind.value, {}).get(value, value)
    return value


def names_for(columns: Sequence[Column], rows: Sequence[Any]) -> dict[str, Any]:
    """The names that a page of rows needs: one question a sort of key."""
    found: dict[str, Any] = {}
    for kind in (Kind.AREA, Kind.USER, Kind.UNIT):
        keys = {column.raw(row) for column in columns if column.kind is kind for row in rows}
        if keys:
            found[kind.value] = names_of(kind.value, keys)
    return found


def cell(column: Column, row: Any, names: dict[str, Any], *, now: datetime, area: str = "") -> Cell:
    """One value as it is shown."""
    value = column.raw(row)
    href = ""
    if column.link and value not in (None, ""):
        key = attribute(row, column.link_key)
        href = with_area(address(column.link, key), area) if key not in (None, "") else ""
    text, grave, title = _written(column, value, names, now)
    if column.kind is Kind.PERSON and value is not None and not href:
        href = with_area(address("person", person_code(value)), area)
    return Cell(text, column.kind.value, href, grave, title, column.wide, column.title, column.quoted)


def _written(column: Column, value: Any, names: dict[str, Any], now: datetime) -> tuple[Words, str, Words]:
    """(text, gravity, title) of a value."""
    if value is None or value == "":
        return formats.NO_DATA, "", ""
    match column.kind:
        case Kind.NUMBER:
            return formats.number(value, 1), "", ""
        case Kind.DATE:
            return (value.isoformat() if isinstance(value, date) else str(value)), "", ""
        case Kind.INSTANT:
            return formats.moment_iso(value), "", ""
        case Kind.CLOCK:
            late = value < now
            return formats.until(value, now), (Grave.ALARM if late else Grave.INFO).value, formats.moment_iso(value)
        case Kind.WORD | Kind.CODE:
            if column.words is None:
                return str(value), "", ""
            return word(column.words, value), gravity(column.words, value).value, ""
        case Kind.AREA:
            return names.get("area", {}).get(value, str(value).rstrip("/").rpartition("/")[2]), "", str(value)
        case Kind.PERSON:
            return person_code(value), "", ""
        case Kind.USER | Kind.UNIT:
            return names.get(column.kind.value, {}).get(value, str(value)), "", ""
        case Kind.YES_NO:
            from django.utils.translation import gettext

            return (gettext("yes") if value else gettext("no")), "", ""
    return str(value), "", ""
