"""The filters of a list: what the address asks for, what it means for the rows, the chip that says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Protocol

from django.http import QueryDict
from django.utils.translation import gettext

from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import choices, word
from qipan.terms.errors import BadInput
from qipan.terms.identity import parse_person_code


class Filter(Protocol):
    """What a list needs of a filter. `apply` takes a queryset or a list and gives one back."""

    @property
    def name(self) -> str:
        """Its parameter in the address."""

    @property
    def title(self) -> Words:
        """What it is called."""

    @property
    def kind(self) -> str:
        """Which field the template shows."""

    def read(self, query: QueryDict) -> Any:
        """The value asked for; None for none. Raises BadInput for one that cannot be."""

    def apply(self, rows: Any, value: Any) -> Any:
        """The rows that are left."""

    def chip(self, value: Any) -> Words:
        """The value in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of an enumeration (or of `options`), in `field` of a queryset or by `keep` of computed rows.

    `default`: the value where the address names none (an empty one in the address then means all).
    """

    name: str
    title: Words
    words: type[Enum] | None = None
    options: Sequence[tuple[str, Words]] = ()
    field: str = ""
    keep: Callable[[Any, str], Any] | None = None
    leave_out: tuple[str, ...] = ()
    default: str = ""
    kind: str = "choice"

    def choices(self) -> Sequence[tuple[str, Words]]:
        """(value, word) of what can be chosen."""
        return choices(self.words, leave_out=self.leave_out) if self.words else self.options

    def read(self, query: QueryDict) -> str | None:
        """The chosen value. Raises BadInput for one that is not among the choices."""
        value = query.get(self.name, self.default)
        if not value:
            return None
        if value not in {str(key) for key, _ in self.choices()}:
            raise BadInput("“%(value)s” cannot be chosen as %(filter)s.", value=value[:60], filter=self.title)
        return value

    def apply(self, rows: Any, value: str) -> Any:
        """Rows with this value."""
        if self.keep is not None:
            return self.keep(rows, value)
        return rows.filter(**{self.field or self.name: value})

    def chip(self, value: str) -> Words:
        """The word of the value."""
        return word(self.words, value) if self.words else dict(self.options).get(value, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From one local day to another, on a date field (`name_from`, `name_to` in the address)."""

    name: str
    title: Words
    field: str = ""
    keep: Callable[[Any, date | None, date | None], Any] | None = None
    kind: str = "days"

    def read(self, query: QueryDict) -> tuple[date | None, date | None] | None:
        """(first, last). Raises BadInput for what is no date, or days in the wrong order."""
        days: list[date | None] = []
        for end in ("from", "to"):
            text = query.get(f"{self.name}_{end}", "")
            try:
                days.append(date.fromisoformat(text) if text else None)
            except ValueError:
                raise BadInput("“%(text)s” is not a date (YYYY-MM-DD).", text=text[:30]) from None
        first, last = days
        if first and last and last < first:
            raise BadInput("The first day, %(first)s, is after the last, %(last)s.", first=first, last=last)
        return (first, last) if first or last else None

    def apply(self, rows: Any, value: tuple[date | None, date | None]) -> Any:
        """Rows of these days."""
        first, last = value
        if self.keep is not None:
            return self.keep(rows, first, last)
        field = self.field or self.name
        if first:
            rows = rows.filter(**{f"{field}__gte": first})
        return rows.filter(**{f"{field}__lte": last}) if last else rows

    def chip(self, value: tuple[date | None, date | None]) -> Words:
        """The days in words."""
        first, last = value
        if first and last:
            return f"{first} – {last}"
        return gettext("from %(day)s") % {"day": first} if first else gettext("until %(day)s") % {"day": last}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An exact text (ids, codes, names of places); `keep` decides what it means, else equality of `field`."""

    name: str
    title: Words
    field: str = ""
    keep: Callable[[Any, str], Any] | None = None
    kind: str = "text"

    def read(self, query: QueryDict) -> str | None:
        """The text, without blanks around it."""
        value = query.get(self.name, "").strip()
        if "\0" in value or len(value) > 200:
            raise BadInput("This text cannot be searched for: it is too long or holds signs that no text has.")
        return value or None

    def apply(self, rows: Any, value: str) -> Any:
        """Rows that match."""
        return self.keep(rows, value) if self.keep is not None else rows.filter(**{self.field or self.name: value})

    def chip(self, value: str) -> Words:
        """The text itself."""
        return value


def by_person_code(rows: Any, code: str) -> Any:
    """The rows of the person with this code (`Text.keep`). Raises BadInput for what is no code."""
    try:
        return rows.filter(person_id=parse_person_code(code))
    except ValueError:
        raise BadInput("“%(code)s” is no person code: it begins with P and ends with its check character.",
                       code=code[:30]) from None  # fmt: skip
