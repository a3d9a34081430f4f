"""Evidence files for commands: CSV or Parquet in the columns of INTERFACES, checked as a whole before use."""

import csv
import json
import mmap
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from polars.exceptions import PanicException, PolarsError

from qipan.terms.errors import BadInput
from qipan.terms.evidence import VALUE_KEYS, EvidenceKind
from qipan.terms.evidence_values import DAYS, WORDS, read_day

_REQUIRED = ("evidence_id", "person_id", "kind", "at", "value")
_OPTIONAL = ("linked_person_id", "recorded_at", "voids")
_UTC = pl.Datetime("us", "UTC")
_ANY_ZONE = ZoneInfo("UTC")  # whether it is a day at all, not which one


def scan_evidence(path: Path) -> pl.LazyFrame:
    """The file as a lazy frame with UTC instants. Raises BadInput naming file, row and column.

    Rows are counted as `qipan import` counts them: a CSV's header is row 1. Columns that INTERFACES does not name
    are reported on standard error and left aside.
    """
    if not path.is_file():
        raise BadInput("There is no file %(file)s.", file=str(path))
    try:
        parquet = _is_parquet(path)
        lazy = pl.scan_parquet(path) if parquet else _scan_csv(path)
        names = lazy.collect_schema().names()
        for column in _REQUIRED:
            if column not in names:
                raise BadInput("%(file)s has no column %(column)s.", file=str(path), column=column)
        aside = [name for name in names if name not in _REQUIRED + _OPTIONAL]
        if aside:
            print(f"{path}: not used here: {', '.join(aside)}", file=sys.stderr)
        lazy = lazy.select(name for name in names if name not in aside)
        first = 1 if parquet else 2
        _check_present(path, lazy, first)
        _check_kinds(path, lazy, first)
        for column in ("at", "recorded_at"):
            if column in names:
                lazy = _with_instants(path, lazy, column, first)
        _check_values(path, lazy, first)
    except OSError as error:
        raise BadInput(
            "%(file)s cannot be read: %(why)s.", file=str(path), why=error.strerror or str(error)
        ) from None
    except PanicException:  # what some damage inside a Parquet file makes of its reader
        raise BadInput("%(file)s is not a Parquet file, or is damaged.", file=path.name) from None
    except PolarsError as error:
        fault = _parquet_fault(path) if parquet else _csv_fault(path)
        if fault:
            raise fault from None
        why = str(error).splitlines()[0].rstrip(".")
        raise BadInput("%(file)s cannot be read: %(why)s.", file=str(path), why=why) from None
    return lazy


def _is_parquet(path: Path) -> bool:
    """Whether the file is to be read as Parquet. Raises BadInput for a workbook, and for what is no text."""
    with path.open("rb") as file:
        magic = file.read(4)
        if magic.startswith(b"PK"):
            if not zipfile.is_zipfile(file):
                raise BadInput("%(file)s is a damaged workbook: its archive cannot be opened.", file=path.name)
            raise BadInput("%(file)s is a workbook: save it as CSV UTF-8 or Parquet.", file=str(path))
        if magic == b"PAR1" or path.suffix.lower() == ".parquet":
            return True
        if magic:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                place = content.find(b"\0")
                if place >= 0:
                    row = content[:place].count(b"\n") + 1
                    raise BadInput("%(file)s is no text: it holds a NUL in row %(row)s.", file=str(path), row=row)
    return False


def _parquet_fault(path: Path) -> BadInput | None:
    """That a Parquet file cannot be opened at all; None where it can."""
    try:
        pl.scan_parquet(path).select(pl.len()).collect()
    except PolarsError:
        return BadInput("%(file)s is not a Parquet file, or is damaged.", file=path.name)
    return None


def _scan_csv(path: Path) -> pl.LazyFrame:
    """The CSV as text, blanks as null. It is read as a whole: a lazy scan would miss what is wrong elsewhere."""
    text = pl.read_csv(path, infer_schema=False, encoding="utf8").lazy()
    return text.with_columns(pl.when(pl.all().str.strip_chars() != "").then(pl.all().str.strip_chars()))


def _csv_fault(path: Path) -> BadInput | None:
    """The first row of a CSV that cannot be read, named; None if it is not that."""
    with path.open("rb") as file:
        width = None
        lines = (line.decode("utf-8", errors="surrogateescape") for line in file)
        for number, fields in enumerate(_rows(lines), 1):
            width = width or len(fields)
            if any(0xDC80 <= ord(char) <= 0xDCFF for field in fields for char in field):
                if number == 1:
                    return BadInput("%(file)s, header: not UTF-8.", file=str(path))
                return BadInput("%(file)s, row %(row)s: not UTF-8.", file=str(path), row=number)
            if len(fields) > width:
                return BadInput(
                    "%(file)s, row %(row)s: %(found)s fields, but the header has %(wanted)s.",
                    file=str(path), row=number, found=len(fields), wanted=width,
                )  # fmt: skip
    return None


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    """The rows as far as they can be told apart; a file of junk may have none."""
    with suppress(csv.Error):
        yield from csv.reader(lines)


def _first(lazy: pl.LazyFrame, wrong: pl.Expr, column: str, first: int) -> tuple[int, Any] | None:
    """Row number (counted from `first`) and content of the first row in which `wrong` holds."""
    found = (
        lazy.with_row_index("row", offset=first).filter(wrong).select("row", column).head(1).collect(engine="streaming")
    )
    return None if found.is_empty() else (found.row(0)[0], found.row(0)[1])


def _check_present(path: Path, lazy: pl.LazyFrame, first: int) -> None:
    needed = ("evidence_id", "person_id", "kind", "at")
    counts = lazy.select(pl.col(column).null_count() for column in needed).collect(engine="streaming").row(0)
    for column, count in zip(needed, counts, strict=True):
        if count:
            found = _first(lazy, pl.col(column).is_null(), column, first)
            raise BadInput(
                "%(file)s, row %(row)s, column %(column)s: empty.",
                file=str(path), column=column, row=found and found[0],
            )  # fmt: skip


def _check_kinds(path: Path, lazy: pl.LazyFrame, first: int) -> None:
    kinds = lazy.select(pl.col("kind").cast(pl.String).unique()).collect(engine="streaming")["kind"]
    wrong = sorted(set(kinds) - set(EvidenceKind))
    if wrong:
        found = _first(lazy, pl.col("kind").cast(pl.String).is_in(wrong), "kind", first)
        if found:
            raise BadInput(
                "%(file)s, row %(row)s, column kind: %(value)s is not a kind of evidence (%(kinds)s).",
                file=str(path), row=found[0], column="kind", value=found[1], kinds=", ".join(EvidenceKind),
            )  # fmt: skip


def _with_instants(path: Path, lazy: pl.LazyFrame, column: str, first: int) -> pl.LazyFrame:
    kind = lazy.collect_schema()[column]
    if isinstance(kind, pl.Datetime):
        instants = pl.col(column).cast(pl.Datetime("us", kind.time_zone))
        if kind.time_zone is None:
            raise BadInput(
                "%(file)s, column %(column)s: its instants carry no time zone.", file=str(path), column=column
            )
        return lazy.with_columns(instants.cast(_UTC))
    read = pl.col(column).cast(pl.String).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    found = _first(lazy, read.is_null() & pl.col(column).is_not_null(), column, first)
    if found:
        raise BadInput(
            "%(file)s, row %(row)s, column %(column)s: %(value)s is not an instant with an offset.",
            file=str(path), row=found[0], column=column, value=found[1],
        )  # fmt: skip
    return lazy.with_columns(read)


def _check_values(path: Path, lazy: pl.LazyFrame, first: int) -> None:
    """Every distinct (kind, value) is read once; the first row of a wrong one is named."""
    pair = lazy.select(pl.col("kind").cast(pl.String), pl.col("value").cast(pl.String)).unique()
    faults: list[BadInput] = []
    wrong = []
    for kind, value in pair.collect(engine="streaming").iter_rows():
        fault = _fault(EvidenceKind(kind), value)
        if fault:
            wrong.append((kind, value, len(faults)))
            faults.append(fault)
    if not wrong:
        return
    table = pl.LazyFrame(wrong, schema={"kind": pl.String, "value": pl.String, "fault": pl.Int64}, orient="row")
    met = (
        lazy.with_row_index("row", offset=first)
        .with_columns(pl.col("kind").cast(pl.String), pl.col("value").cast(pl.String))
        .join(table, on=["kind", "value"], how="inner", nulls_equal=True)
        .select("row", "fault")
        .sort("row")
        .head(1)
        .collect()
    )
    row, number = met.row(0)
    fault = faults[number]
    raise BadInput(fault.message, **{**fault.params, "file": str(path), "row": row})


def _fault(kind: EvidenceKind, text: str | None) -> BadInput | None:
    """What is wrong with a value of a kind, for a row to be named; None if nothing is."""
    place = {"file": "", "row": 0}
    required, _ = VALUE_KEYS[kind]
    if text is None:
        if not required:
            return None
        return BadInput("%(file)s, row %(row)s, column value: empty, but %(kind)s needs %(keys)s.",
                        kind=kind.value, keys=", ".join(required), **place)  # fmt: skip
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return BadInput("%(file)s, row %(row)s, column value: not JSON.", **place)
    if not isinstance(value, dict):
        return BadInput("%(file)s, row %(row)s, column value: not a JSON object.", **place)
    for key in required:
        if value.get(key) is None:
            return BadInput("%(file)s, row %(row)s, column value: %(kind)s needs %(key)s.",
                            kind=kind.value, key=key, **place)  # fmt: skip
    for key, words in WORDS.get(kind, {}).items():
        # a level of risk that is no such word is looked up by the area
        if key != "level" and value.get(key) is not None and value[key] not in words:
            return BadInput("%(file)s, row %(row)s, column value: %(key)s is %(value)s, not one of %(words)s.",
                            key=key, value=_shown(value[key]), words=", ".join(sorted(words)), **place)  # fmt: skip
    days = {key: read_day(value[key], _ANY_ZONE) for key in DAYS.get(kind, ()) if value.get(key) is not None}
    for key, day in days.items():
        if day is None:
            return BadInput("%(file)s, row %(row)s, column value: %(key)s is %(value)s, not a date (YYYY-MM-DD).",
                            key=key, value=_shown(value[key]), **place)  # fmt: skip
    begins, ends = days.get("first"), days.get("last")
    if begins and ends and ends < begins:
        return BadInput(
            "%(file)s, row %(row)s, column value: the exposure ends on %(last)s, before it begins on %(first)s.",
            first=begins.isoformat(), last=ends.isoformat(), **place,
        )  # fmt: skip
    return None


def _shown(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
