"""Checked reading of parsed TOML: every complaint becomes a `Problem` with its line, reading goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from qipan.rulebooks.lines import Path, line_of
from qipan.rulebooks.model import Words

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a book: where (file, line, rule) and what."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        rule = f", rule {self.rule}" if self.rule else ""
        return f"{self.file}, line {self.line}{rule}: {self.message}"


@dataclass
class Reader:
    """The file, its line map and the problems found so far."""

    file: str
    lines: dict[Path, int]
    rule: str = ""
    problems: list[Problem] = field(default_factory=list)

    def complain(self, path: Path, message: str, rule: str | None = None) -> None:
        """Note a problem at `path`."""
        named = self.rule if rule is None else rule
        self.problems.append(Problem(self.file, line_of(self.lines, path), named, message))

    def table(self, parent: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
        """A sub-table; empty (and a problem) if it is missing or something else."""
        value = parent.get(key)
        if isinstance(value, dict):
            return value
        self.complain((*path, key), f"the table `{key}` is missing" if value is None else f"`{key}` is not a table")
        return {}

    def only(self, table: Mapping[str, Any], allowed: Sequence[str], path: Path) -> None:
        """Complain of keys that the language does not have."""
        for key in table:
            if key not in allowed:
                self.complain((*path, key), f"unknown key `{key}` (known here: {', '.join(allowed)})")

    def text(self, table: Mapping[str, Any], key: str, path: Path, default: str | None = None) -> str:
        """A text that is not empty."""
        value = table.get(key, default)
        if isinstance(value, str) and (value.strip() or value == default):
            return value
        self.complain((*path, key), f"`{key}` is missing or not a text")
        return ""

    def words(self, table: Mapping[str, Any], path: Path) -> Words:
        """The keys `en` and `zh`."""
        return Words(self.text(table, "en", path), self.text(table, "zh", path))

    def number(self, table: Mapping[str, Any], key: str, path: Path, default: int | None, least: int = 0) -> int:
        """A whole number of at least `least`."""
        value = table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= 10_000:
            return value
        self.complain((*path, key), f"`{key}` is missing or not a whole number of at least {least}")
        return least

    def flag(self, table: Mapping[str, Any], key: str, path: Path) -> bool:
        """true or false (default false)."""
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.complain((*path, key), f"`{key}` is neither true nor false")
        return value is True

    def day(self, table: Mapping[str, Any], key: str, path: Path, default: date | None) -> date | None:
        """A local date."""
        value = table.get(key, default)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        self.complain((*path, key), f"`{key}` is not a date")
        return default

    def instant(self, table: Mapping[str, Any], key: str, path: Path) -> datetime | None:
        """A date and time with an offset."""
        value = table.get(key)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        self.complain((*path, key), f"`{key}` is missing or not a date and time with an offset")
        return None

    def word(self, table: Mapping[str, Any], key: str, path: Path, words: type[E], default: E) -> E:
        """One word of a vocabulary; `default` is returned with a problem, never silently."""
        value = table.get(key)
        try:
            return words(str(value))
        except ValueError:
            self.complain((*path, key), f"`{key}` is {value!r}, not one of {', '.join(words)}")
            return default
