"""Whole tables as files: CSV, XLSX, Parquet or JSON lines, by the file's suffix; as long as they are, past memory."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from qipan.foundation.exports.cells import neutralise, plain
from qipan.terms.errors import BadInput, Refused

_ROWS = 50_000


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([neutralise(value) if isinstance(value, str) else plain(value) for value in row])
            count += 1
    return count


def _json_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value if isinstance(value, dict | list) else plain(value)


def _jsonl(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            item = {name: _json_value(value) for name, value in zip(columns, row, strict=True)}
            file.write(json.dumps(item, ensure_ascii=False) + "\n")
            count += 1
    return count


def _xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    from qipan.foundation.exports.workbooks import sheet_write

    return sheet_write(path, columns, rows)


def _parts(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    source = iter(rows)
    while part := list(islice(source, _ROWS)):
        yield part


def _parquet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    frames = [_frame(columns, part) for part in _parts(rows)]
    empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    frame = pl.concat(frames, how="diagonal_relaxed") if frames else empty
    frame.write_parquet(path)
    return len(frame)


def _frame(columns: Sequence[str], rows: list[Sequence[object]]) -> pl.DataFrame:
    made = []
    for number, name in enumerate(columns):
        values = [plain(row[number]) if isinstance(row[number], dict | list) else row[number] for row in rows]
        made.append(pl.Series(name, values, strict=False))
    return pl.DataFrame(made)


_Writer = Callable[[Path, Sequence[str], Iterable[Sequence[object]]], int]
_WRITERS: dict[str, _Writer] = {
    ".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet, ".jsonl": _jsonl, ".ndjson": _jsonl,
}  # fmt: skip


def check_suffix(path: Path) -> None:
    """Raises BadInput for a file whose suffix says no known form."""
    if path.suffix.lower() not in _WRITERS:
        raise BadInput(
            "%(file)s: the suffix says which form the file has; known are: %(known)s.",
            file=path.name, known=" ".join(_WRITERS),
        )  # fmt: skip


def table_write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a new file for its owner alone; returns its rows. Nothing half written stays.

    Raises BadInput (a suffix that is none, a file that is there), Refused (a full disk).
    """
    check_suffix(path)
    if path.exists():
        raise BadInput("%(file)s exists.", file=path)
    part = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        count = _WRITERS[path.suffix.lower()](part, columns, rows)
        os.replace(part, path)
    except OSError as error:
        raise Refused("%(file)s cannot be written: %(why)s.", file=path.name, why=error.strerror) from None
    finally:
        part.unlink(missing_ok=True)
    return count
