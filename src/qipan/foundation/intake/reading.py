"""Files as blocks of text cells: CSV, JSON lines and Parquet here, workbooks in `workbooks`.

Every reader yields blocks of at most `BLOCK_ROWS` records with the sender's own headers, all cells text
("" is empty) and `_line`, the row as a spreadsheet or editor counts it. Nothing is skipped silently: a row
that cannot be read comes back with its reason, an empty row is counted.
"""

import csv
import json
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from qipan.foundation.intake.encoding import decide_encoding
from qipan.foundation.intake.kinds import LINE
from qipan.terms.errors import BadInput

BLOCK_ROWS = 10_000
_DELIMITERS = ",;\t"

#: Columns that our own reject files carry beside the sender's; they are not data.
REJECT_COLUMNS = ("rejected_row", "rejected_column", "rejected_reason")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not even a record: its reason (msgid) and what was in it."""

    line: int
    reason: str
    parameters: dict[str, Any]
    raw: dict[str, str]


@dataclass(slots=True)
class Block:
    """Some records: text columns named by the sender's headers, and `_line` (Int64)."""

    frame: pl.DataFrame
    bad: list[BadRow] = field(default_factory=list)


class Reader(Protocol):
    """A file opened for one pass."""

    header: list[str]
    encoding: str
    #: spreadsheet dates count from 1904 (workbooks only)
    epoch_1904: bool
    #: what the file holds beside the table that is read (other sheets)
    aside: list[str]
    #: empty rows met so far
    blank: int

    def blocks(self) -> Iterator[Block]:
        """The records, in order."""
        ...


def read_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks; the next one is read in a thread while the caller works on the last."""
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        coming = reader.submit(next, blocks, end)
        while isinstance(block := coming.result(), Block):
            coming = reader.submit(next, blocks, end)
            yield block


class FirstRows:
    """The first rows of a reader, and nothing behind them."""

    def __init__(self, reader: Reader, most: int) -> None:
        """Of `reader`, at most `most` rows."""
        self._reader, self._most = reader, most
        self.header, self.encoding, self.aside = reader.header, reader.encoding, reader.aside
        self.epoch_1904 = reader.epoch_1904
        self.blank = 0
        #: whether rows were left out
        self.cut = False

    def blocks(self) -> Iterator[Block]:
        """The records, in order, as far as wanted."""
        left = self._most
        for block in self._reader.blocks():
            self.blank = self._reader.blank
            count = len(block.frame) + len(block.bad)
            if count <= left:
                left -= count
                yield block
                continue
            self.cut = True
            if left:
                lines = sorted([*block.frame[LINE].to_list(), *(bad.line for bad in block.bad)])
                last = lines[left - 1]
                frame = block.frame.filter(pl.col(LINE) <= last)
                yield Block(frame, [bad for bad in block.bad if bad.line <= last])
            return


def clean_header(file: str, cells: Sequence[str]) -> list[str]:
    """Headers stripped and in NFC; empty ones get a name. Raises BadInput for duplicates or no header."""
    names = [unicodedata.normalize("NFC", cell).strip().lstrip("\ufeff") for cell in cells]
    if not any(names):
        raise BadInput("%(file)s is empty: it has no header row.", file=file)
    names = [name or f"(column {i})" for i, name in enumerate(names, 1)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise BadInput(
            "%(file)s has more than one column called %(columns)s.", file=file, columns=", ".join(doubled)
        )
    if any(name.startswith("_") for name in names):
        raise BadInput("%(file)s: a header must not begin with an underscore.", file=file)
    return names


def text_frame(header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]) -> pl.DataFrame:
    """Rows of text cells as a frame of String columns with `_line`."""
    columns: Sequence[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    frame = pl.DataFrame([pl.Series(n, c, dtype=pl.String) for n, c in zip(header, columns, strict=True)])
    return frame.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))


def split_rows(header: Sequence[str], rows: Sequence[Sequence[str]], first: int) -> tuple[Block, int]:
    """A block of rows numbered from `first`, the ragged ones set apart; and how many were empty."""
    width = len(header)
    good: list[Sequence[str]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    blank = 0
    for line, row in enumerate(rows, first):
        if not any(row):
            blank += 1
        elif len(row) == width:
            good.append(row)
            lines.append(line)
        else:
            raw = dict(zip(header, row, strict=False))
            raw.update({f"(extra {i})": cell for i, cell in enumerate(row[width:], 1)})
            bad.append(
                BadRow(line, "The row has %(cells)s cells, the header %(width)s.",
                       {"cells": len(row), "width": width}, raw)
            )  # fmt: skip
    return Block(text_frame(header, good, lines), bad), blank


class CsvReader:
    """A CSV file with a header; the delimiter (comma, semicolon or tab) is told by the header alone."""

    epoch_1904 = False

    def __init__(self, path: Path, header_row: int = 1) -> None:
        """Decide the encoding on the whole file and read the header. Raises BadInput."""
        self._path = path
        self._header_row = header_row
        self.aside: list[str] = []
        self.blank = 0
        if not path.stat().st_size:
            raise BadInput("%(file)s is empty: it has no header row.", file=path.name)
        self.encoding = decide_encoding(path).name
        self._delimiter = self._find_delimiter()
        # header row 0: somebody looks where the header may be (`top`)
        self.header = clean_header(path.name, self._rows_before_data(self._open())) if header_row else []

    def top(self, count: int) -> list[list[str]]:
        """The first rows as they are, the header among them. Raises BadInput where quoting breaks the table."""
        rows: list[list[str]] = []
        try:
            rows.extend(islice(self._open(), count))
        except csv.Error:
            raise self._broken(len(rows)) from None
        return rows

    def _find_delimiter(self) -> str:
        with self._path.open(encoding=self.encoding, newline="") as file:
            # without a known header row, whatever separates the most cells of the first rows
            skipped = self._header_row - 1 if self._header_row else 0
            lines = list(islice(file, skipped, skipped + (1 if self._header_row else 10)))
        outside = "".join("".join(line.split('"')[::2]) for line in lines)
        counts = {delimiter: outside.count(delimiter) for delimiter in _DELIMITERS}
        return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])

    def _open(self) -> Iterator[list[str]]:
        with self._path.open(encoding=self.encoding, newline="") as file:
            yield from csv.reader(file, delimiter=self._delimiter, strict=True)

    def _rows_before_data(self, rows: Iterator[list[str]]) -> list[str]:
        try:
            before = list(islice(rows, self._header_row))
        except csv.Error:
            raise self._broken(self._header_row) from None
        if not before:
            raise BadInput("%(file)s is empty: it has no header row.", file=self._path.name)
        if len(before) < self._header_row:
            raise BadInput(
                "%(file)s has no row %(row)s, where its headers should be.",
                file=self._path.name, row=self._header_row,
            )  # fmt: skip
        return before[-1]

    def _broken(self, line: int) -> BadInput:
        return BadInput(
            "%(file)s cannot be read after row %(row)s: a quotation mark is not closed, stands inside a cell, or "
            "a cell is too long.",
            file=self._path.name,
            row=line,
        )

    def blocks(self) -> Iterator[Block]:
        """The records, in order. Raises BadInput naming the row where quoting breaks the table."""
        rows = self._open()
        self._rows_before_data(rows)
        width, line = {len(self.header)}, self._header_row + 1
        while True:
            taken: list[list[str]] = []
            try:
                # extend keeps what was read before an error, so that the row can be named
                taken.extend(islice(rows, BLOCK_ROWS))
            except csv.Error:
                raise self._broken(line + len(taken) - 1) from None
            if not taken:
                return
            if set(map(len, taken)) == width and all(map(any, taken)):
                yield Block(text_frame(self.header, taken, range(line, line + len(taken))))
            else:
                block, blank = split_rows(self.header, taken, line)
                self.blank += blank
                yield block
            line += len(taken)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


class _Number(str):
    """A number of a JSON line as it was written."""

    __slots__ = ()


class JsonLinesReader:
    """JSON lines: one object a line; its columns are all keys of all lines."""

    epoch_1904 = False

    def __init__(self, path: Path) -> None:
        """Read the keys of every line. Raises BadInput where no line is an object."""
        self._path = path
        self.aside: list[str] = []
        self.blank = 0
        self.encoding = decide_encoding(path).name
        names: dict[str, None] = {}
        for _, item, _ in self._items():
            if isinstance(item, dict):
                names.update(dict.fromkeys(item))
        self.header = clean_header(path.name, list(names))

    def _items(self) -> Iterator[tuple[int, Any, str]]:
        with self._path.open(encoding=self.encoding) as file:
            for line, text in enumerate(file, 1):
                if not text.strip():
                    self.blank += 1
                    continue
                try:
                    # numbers keep their digits: 17 of them would not survive a float
                    yield line, json.loads(text, parse_float=_Number, parse_int=_Number), text
                except (ValueError, RecursionError):
                    yield line, None, text

    def blocks(self) -> Iterator[Block]:
        """The records, in order; a line that is no object is a bad row."""
        self.blank = 0
        items = self._items()
        while taken := list(islice(items, BLOCK_ROWS)):
            rows, lines, bad = [], [], []
            for line, item, text in taken:
                if isinstance(item, dict):
                    values = {unicodedata.normalize("NFC", key).strip(): _numbered(v) for key, v in item.items()}
                    rows.append([_cell(values.get(name)) for name in self.header])
                    lines.append(line)
                else:
                    bad.append(BadRow(line, "The line is not a JSON object.", {}, {"(line)": text.rstrip("\n")}))
            yield Block(text_frame(self.header, rows, lines), bad)


def _numbered(value: Any, inside: bool = False) -> Any:
    """Numbers inside nested values as numbers again; at the top their own digits are what counts."""
    if isinstance(value, dict):
        return {key: _numbered(part, True) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbered(part, True) for part in value]
    return json.loads(value) if inside and isinstance(value, _Number) else value


class ParquetReader:
    """A Parquet file; typed columns become text in ISO form, structs JSON."""

    encoding = "parquet"
    epoch_1904 = False

    def __init__(self, path: Path) -> None:
        """Read the schema. Raises BadInput for a file that is not Parquet."""
        self._path = path
        self.aside: list[str] = []
        self.blank = 0
        try:
            self._frame = pl.scan_parquet(path)
            schema = self._frame.collect_schema()
            self._rows = int(self._frame.select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            raise BadInput("%(file)s is not a Parquet file, or is damaged.", file=path.name) from None
        self.header = clean_header(path.name, list(schema))
        self._columns = [_as_text(name, dtype).alias(new)
                         for (name, dtype), new in zip(schema.items(), self.header, strict=True)]  # fmt: skip

    def blocks(self) -> Iterator[Block]:
        """The records, in order."""
        # a slice decodes the row groups that it touches: so slices of several blocks
        for start in range(0, self._rows, 20 * BLOCK_ROWS):
            try:
                frame = self._frame.slice(start, 20 * BLOCK_ROWS).select(self._columns).collect()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
                raise BadInput("%(file)s is not a Parquet file, or is damaged.", file=self._path.name) from None
            frame = frame.with_columns(pl.int_range(start + 1, start + 1 + len(frame)).alias(LINE))
            for block in frame.iter_slices(BLOCK_ROWS):
                yield Block(block)


def _as_text(name: str, dtype: Any) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            column = column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        else:
            column = column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    elif isinstance(dtype, pl.Struct):
        column = column.struct.json_encode()
    elif dtype.is_float():
        # whole numbers beside empty cells are stored as floats: 411202.0 is the area 411202; from 16 digits on some
        # are lost, and the number stays as it is told
        whole = (column == column.round()) & (column.abs() < 1e15)
        digits = column.cast(pl.Int64, strict=False).cast(pl.String)
        column = pl.when(whole).then(digits).otherwise(column.fill_nan(None).cast(pl.String))
    elif isinstance(dtype, pl.Boolean):
        column = pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false"))
    elif dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Duration):
        raise BadInput("The column %(column)s holds values that are no text, number or date.", column=name)
    else:
        column = column.cast(pl.String)
    return column.fill_null("")
