"""From text cells to typed columns, column by column, with a reason for every row that does not fit.

Everything is vectorised over a block. A reason never repeats the cell: reasons are kept in clear, rows sealed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from qipan.foundation.intake.dates import parse_dates, parse_instants, serials_as_text
from qipan.foundation.intake.kinds import LINE, POLARS_TYPES, ROW, Column, ColumnType, FileKind, Reject
from qipan.foundation.intake.mapping import DEFAULT_ZONE, unmark
from qipan.foundation.intake.workbooks import DOUBTFUL, FAULT, MERGED, MOMENT, NUMBER

#: control characters except tab and line ends; zero-width and direction marks; replacement and non-characters
_INVISIBLE = (
    r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u{AD}\u{61C}\u{115F}\u{1160}\u{180E}\u{200B}-\u{200F}\u{2028}-\u{202E}"
    r"\u{2060}-\u{206F}\u{3164}\u{FEFF}\u{FFA0}\u{FFF9}-\u{FFFB}\u{FFFD}-\u{FFFF}\u{E0000}-\u{E007F}]"
)
_ERROR_TEXTS = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#####"]
_INTEGER = r"^([+-]?[0-9]{1,18})(?:\.0*)?$"
_DECIMAL = r"^[+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?$"

_TEXTS = (ColumnType.TEXT, ColumnType.AREA, ColumnType.PERSON)
_REFERENCES = (ColumnType.AREA, ColumnType.PERSON)


@dataclass(slots=True)
class Checked:
    """A block after its column checks. `frame`: the good rows, typed; `rejects`: one a bad row, its first."""

    frame: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the checks depend on beside the columns. `at`: the moment after which lies the future."""

    at: datetime
    what_if: bool = False
    time_zone: str = ""
    dates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    epoch_1904: bool = False

    @property
    def zone(self) -> str:
        """The zone in which "today" is meant."""
        return self.time_zone or DEFAULT_ZONE


class _Findings:
    """Which rows of a block have failed, and why first."""

    def __init__(self, rows: pl.Series) -> None:
        self.rows = rows
        self.failed = pl.repeat(False, len(rows), dtype=pl.Boolean, eager=True)
        self.rejects: list[Reject] = []

    def add(self, mask: pl.Series, column: str, reason: str, **parameters: Any) -> None:
        mask = mask.fill_null(False)
        if not mask.any():
            return
        for row in self.rows.filter(mask & ~self.failed):
            self.rejects.append(Reject(row, column, reason, parameters))
        self.failed = self.failed | mask


def check_columns(kind: FileKind, frame: pl.DataFrame, rules: Rules) -> Checked:
    """Type every column of a block of text cells ("" is empty).

    Returns the good rows with the Polars types of `POLARS_TYPES` (empty cells null), `_line` and `_row`, and
    one reject for every other row.
    """
    findings = _Findings(frame[ROW])
    typed = [_typed(column, frame[column.name], rules, findings).alias(column.name) for column in kind.columns]
    good = pl.DataFrame([*typed, frame[LINE], frame[ROW]])
    if findings.rejects:
        good = good.filter(~findings.failed)
    return Checked(good, findings.rejects)


def _typed(column: Column, cells: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    cells = _without_marks(column, cells, rules, findings)
    text = cells.str.strip_chars()
    ascii_only = (text.str.len_bytes() == text.str.len_chars()).all()
    if not ascii_only:
        # digits and letters of full width mean themselves in numbers, dates and choices; texts stay as they are
        text = text.str.normalize("NFC" if column.type in _TEXTS or column.type is ColumnType.JSON else "NFKC")
    empty = text == ""
    if empty.any():
        if column.required and not column.nullable:
            findings.add(empty, column.name, "The cell is empty and must not be.")
        text = text.set(empty, None)
    findings.add(text.is_in(_ERROR_TEXTS), column.name, "The cell holds a spreadsheet's error.")
    findings.add(
        text.str.contains(_INVISIBLE), column.name, "The cell holds invisible or control characters."
    )
    typed = _PARSERS.get(column.type, _parse_text)(column, text, rules, findings)
    return typed.cast(POLARS_TYPES[column.type])


def _without_marks(column: Column, cells: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    marked = cells.str.starts_with("\0")
    if not marked.any():
        return cells
    numbers, moments = cells.str.starts_with(NUMBER), cells.str.starts_with(MOMENT)
    name = column.name
    findings.add(cells.str.starts_with(FAULT), name, "The cell holds a spreadsheet's error.")
    findings.add(
        cells.str.starts_with(MERGED), name,
        "The cell is merged with another one: separate them and fill in each of them.",
    )  # fmt: skip
    findings.add(
        cells.str.starts_with(DOUBTFUL), name,
        "The date lies before 1 March 1900, where spreadsheets are a day off: send it as text.",
    )  # fmt: skip
    if column.exact or column.type is ColumnType.PERSON:
        findings.add(
            numbers, name,
            "The cell is stored as a number, which loses digits: format the column as text and enter it again.",
        )  # fmt: skip
    elif column.type in _TEXTS:
        findings.add(
            numbers & cells.str.contains(r"[eE]|[0-9]{16}"), name,
            "The cell is stored as a number, which loses digits: format the column as text and enter it again.",
        )  # fmt: skip
    if column.exact or column.type in _REFERENCES:
        findings.add(moments, name, "The spreadsheet turned the cell into a date: format it as text.")
    if column.type in (ColumnType.DATE, ColumnType.INSTANT) and numbers.any():
        cells, doubtful = serials_as_text(cells, numbers, rules.epoch_1904)
        findings.add(
            doubtful, name,
            "The date lies before 1 March 1900, where spreadsheets are a day off: send it as text.",
        )  # fmt: skip
    plain = cells.to_frame("cells").select(unmark(pl.col("cells"))).to_series()
    # what the reader marked as an error is told once
    return plain.set(plain.str.starts_with(FAULT) | plain.str.starts_with(MERGED), "?")


def _parse_text(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    findings.add(
        text.str.len_chars() > column.max_length, column.name,
        "The text is longer than %(limit)s characters.", limit=column.max_length,
    )  # fmt: skip
    return text


def _bounded(column: Column, values: pl.Series, findings: _Findings) -> pl.Series:
    if column.minimum is not None:
        findings.add(values < column.minimum, column.name, "The number is less than %(limit)s.", limit=column.minimum)
    if column.maximum is not None:
        findings.add(values > column.maximum, column.name, "The number is more than %(limit)s.", limit=column.maximum)
    return values


def _parse_int(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    values = text.str.extract(_INTEGER, 1).cast(pl.Int64, strict=False)
    findings.add(text.is_not_null() & values.is_null(), column.name, "The cell is not a whole number.")
    return _bounded(column, values, findings)


def _parse_float(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    values = text.set(~text.str.contains(_DECIMAL), None).cast(pl.Float64, strict=False)
    values = values.set(values.is_infinite(), None)
    findings.add(text.is_not_null() & values.is_null(), column.name, "The cell is not a number.")
    return _bounded(column, values, findings)


def _parse_date(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    values = parse_dates(text, rules.dates.get(column.name, ()))
    findings.add(
        text.str.contains(r"^[0-9]{5}$") & values.is_null(), column.name,
        "The cell is a spreadsheet's day number: format the column as a date (2022-07-20).",
    )  # fmt: skip
    findings.add(
        text.is_not_null() & values.is_null(), column.name,
        "The cell is not a date, or there is no such day (2022-07-20 is one).",
    )  # fmt: skip
    if not (rules.what_if or column.future):
        today = rules.at.astimezone(ZoneInfo(rules.zone)).date()
        findings.add(values > today, column.name, "The date lies in the future.")
    return values


def _parse_instant(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    values, local = parse_instants(text, rules.dates.get(column.name, ()), rules.time_zone)
    if not rules.time_zone:
        findings.add(
            local, column.name,
            "The time has no offset (2022-07-20T08:30:00+08:00 has one), and the mapping names no time zone.",
        )  # fmt: skip
    findings.add(
        local & values.is_null(), column.name, "There is no such local time, or there are two, on that day."
    )
    findings.add(
        text.is_not_null() & values.is_null(), column.name,
        "The cell is not a day with a time (2022-07-20T08:30:00+08:00 is one).",
    )  # fmt: skip
    if not (rules.what_if or column.future):
        findings.add(values > rules.at, column.name, "The time lies in the future.")
    return values


def _parse_choice(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    known = {name.casefold(): value for name, value in column.values.items()}
    known |= {choice.casefold(): choice for choice in column.choices}
    values = text.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String)
    findings.add(
        text.is_not_null() & values.is_null(), column.name,
        "The value is none of: %(choices)s.", choices=", ".join(column.choices),
    )  # fmt: skip
    return values


def _canonical_object(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
        if not isinstance(value, dict):
            return None
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None


def _parse_json(column: Column, text: pl.Series, rules: Rules, findings: _Findings) -> pl.Series:
    findings.add(
        text.str.len_chars() > max(column.max_length, 20_000), column.name,
        "The text is longer than %(limit)s characters.", limit=max(column.max_length, 20_000),
    )  # fmt: skip
    values = pl.Series(text.name, [_canonical_object(cell) for cell in text], dtype=pl.String)
    findings.add(text.is_not_null() & values.is_null(), column.name, "The cell is not a JSON object.")
    return values


_PARSERS: Mapping[ColumnType, Callable[[Column, pl.Series, Rules, _Findings], pl.Series]] = {
    ColumnType.INT: _parse_int,
    ColumnType.FLOAT: _parse_float,
    ColumnType.DATE: _parse_date,
    ColumnType.INSTANT: _parse_instant,
    ColumnType.CHOICE: _parse_choice,
    ColumnType.JSON: _parse_json,
}
