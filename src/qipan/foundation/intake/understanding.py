"""What a file seems to say, before anything of it is taken in: for somebody who looks and decides.

The same readers, mappings and checks as the import itself; nothing is stored.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from qipan.foundation import clock
from qipan.foundation.intake.checking import Rules, check_columns
from qipan.foundation.intake.exporting import restored
from qipan.foundation.intake.kinds import LINE, ROW, FileKind
from qipan.foundation.intake.mapping import Mapping as ColumnMapping
from qipan.foundation.intake.mapping import Plan, apply, make_mapping, match, unmark
from qipan.foundation.intake.opening import open_file
from qipan.foundation.intake.reading import FirstRows, Reader
from qipan.foundation.intake.services import file_import
from qipan.foundation.intake.totals import ROW_LIMITS
from qipan.terms.errors import BadInput
from qipan.terms.roles import Actor

#: rows that a preview checks
PREVIEW_ROWS = 20_000
#: bytes of a file whose rows are counted while somebody waits
COUNTED_BYTES = 32 * 1024 * 1024
#: rows shown as they were understood, and rows with problems beside them
_SHOWN, _SHOWN_BAD = 8, 25
_TOP = 20


@dataclass(frozen=True, slots=True)
class Recognised:
    """One of our columns: which of theirs feeds it (""), and how that was told: name, mapping, made, constant."""

    name: str
    theirs: str = ""
    how: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of a file."""

    form: str
    encoding: str
    header_row: int
    #: the first rows as they stand in the file: (number of the row, cells)
    top: Sequence[tuple[int, Sequence[str]]]
    header: Sequence[str]
    columns: Sequence[Recognised]
    missing: Sequence[str]
    aside: Sequence[str]
    sheet: str
    sheets_aside: Sequence[str]
    #: None where the file is too large to be counted while somebody waits
    rows: int | None
    blank: int
    #: it ends exactly where spreadsheets cut files off
    at_limit: bool
    #: one row of the file gives several records
    exploded: bool
    mapping: Mapping[str, Any] = field(default_factory=dict)


def _names(kind: FileKind, mapping: ColumnMapping) -> set[str]:
    ours = {name for column in kind.columns for name in (column.name, *column.aliases)}
    theirs = {name for part in mapping.parts for name in part.columns.values()}
    theirs |= {name for part in mapping.parts for made in part.derive.values() for name in made.sources}
    return {unicodedata.normalize("NFC", name).strip().casefold() for name in ours | theirs}


def find_header(top: Sequence[Sequence[str]], kind: FileKind, mapping: ColumnMapping) -> int:
    """The row (from 1) that holds the most headers that are known; the first filled one where none is known."""
    names = _names(kind, mapping)
    scores = [
        len({unicodedata.normalize("NFC", cell).strip().lstrip("\ufeff").casefold() for cell in row} & names)
        for row in top
    ]
    if any(scores):
        return scores.index(max(scores)) + 1
    # titles stand alone in their row: headers do not
    widths = [sum(bool(cell.strip()) for cell in row) for row in top]
    return widths.index(max(widths)) + 1 if any(widths) else 1


def _top(path: Path) -> tuple[Sequence[Sequence[str]], Reader]:
    reader = open_file(path, header_row=0)
    top = getattr(reader, "top", None)
    return (top(_TOP) if top is not None else [reader.header]), reader


def _form(reader: Reader) -> str:
    return {"xlsx": "xlsx", "parquet": "parquet"}.get(reader.encoding) or type(reader).__name__.removesuffix(
        "Reader"
    ).lower()


def understand(
    path: Path, kind: FileKind, data: Mapping[str, Any], *, rows: int | None = None, find: bool = True
) -> Understood:
    """Read a file as far as it takes to say what is in it. `data`: the mapping as a dict; `find`: look for the
    header row, where the mapping names none; `rows`: how many were counted before. Raises BadInput.
    """
    mapping = make_mapping(data, kind)
    top, reader = _top(path)
    tabular = hasattr(reader, "top")
    header_row = mapping.header_row
    if tabular and find and "header_row" not in data:
        header_row = find_header(top, kind, mapping)
        mapping = make_mapping({**data, "header_row": header_row}, kind)
    if tabular:
        reader = open_file(path, header_row=header_row)
    plan, missing = match(mapping, kind, reader.header)
    if rows is None and path.stat().st_size <= COUNTED_BYTES:
        rows = sum(len(block.frame) + len(block.bad) for block in reader.blocks())
    return Understood(
        form=_form(reader),
        encoding=reader.encoding,
        header_row=header_row if tabular else 0,
        top=[(number, row) for number, row in enumerate(top, 1) if number <= header_row + 3] if tabular else [],
        header=reader.header,
        columns=_recognised(plan, kind),
        missing=missing,
        aside=plan.aside,
        sheet=str(getattr(reader, "sheet", "")),
        sheets_aside=[name.strip("[]") for name in reader.aside],
        rows=rows,
        blank=reader.blank,
        at_limit=rows in ROW_LIMITS,
        exploded=mapping.exploded,
        mapping=dict(mapping.raw),
    )


def _recognised(plan: Plan, kind: FileKind) -> list[Recognised]:
    found = []
    first = plan.parts[0]
    given = plan.mapping.parts[0]
    for column in kind.columns:
        name, theirs, how = column.name, "", ""
        if name in first.derive:
            theirs, how = ", ".join(first.derive[name].sources), "made"
        elif name in first.constants:
            theirs, how = first.constants[name], "constant"
        elif name in first.columns:
            theirs, how = first.columns[name], "mapping" if name in given.columns else "name"
        found.append(Recognised(name, theirs, how, column.required))
    return found


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell of the preview, and what is wrong with it."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of the preview. `reason`: what is wrong with it as a whole."""

    line: int
    cells: Sequence[ShownCell]
    reason: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something is wrong, and in which rows first."""

    column: str
    reason: str
    count: int
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do with the rows that were looked at."""

    columns: Sequence[str]
    rows: Sequence[ShownRow]
    reasons: Sequence[Counted]
    declared: int
    accepted: int
    rejected: int
    duplicate: int
    #: all rows of the file were looked at
    whole: bool


def preview(
    *,
    actor: Actor,
    kind: FileKind,
    path: Path,
    source: str,
    at: datetime,
    mapping: Mapping[str, Any],
    confirm_rows: int | None = None,
    rows: int | None = None,
    most: int = PREVIEW_ROWS,
) -> Preview:
    """A dry run over the first rows, and how they were understood. Raises BadInput, Denied."""
    whole = rows is not None and rows <= most
    result = file_import(
        actor=actor, kind=kind, path=path, source=source, at=at, mapping=mapping, dry_run=True,
        confirm_rows=confirm_rows if whole else None, most_rows=most,
    )  # fmt: skip
    by_line: dict[int, dict[str, Any]] = {}
    for reject in result.rejects:
        by_line.setdefault(reject["row"], reject)
    counts = Counter((reject["column"], reject["reason"]) for reject in result.rejects)
    lines: dict[tuple[str, str], list[int]] = {}
    for reject in result.rejects:
        lines.setdefault((reject["column"], reject["reason"]), []).append(reject["row"])
    columns, shown = _without_empty(
        [column.name for column in kind.columns], _shown(path, kind, mapping, at, by_line, most)
    )
    return Preview(
        columns=columns,
        rows=shown,
        reasons=[
            Counted(column, reason, count, lines[column, reason][:5])
            for (column, reason), count in counts.most_common()
        ],
        declared=result.declared,
        accepted=result.accepted,
        rejected=result.rejected,
        duplicate=result.duplicate,
        whole=whole,
    )


def _without_empty(names: Sequence[str], rows: Sequence[ShownRow]) -> tuple[list[str], list[ShownRow]]:
    """The rows without the columns in which nothing stands and nothing is wrong."""
    kept = [
        number
        for number in range(len(names))
        if any(number < len(row.cells) and (row.cells[number].text or row.cells[number].reason) for row in rows)
    ]
    slim = [
        replace(row, cells=[row.cells[number] for number in kept if number < len(row.cells)]) for row in rows
    ]
    return [names[number] for number in kept], slim


def _shown(
    path: Path, kind: FileKind, data: Mapping[str, Any], at: datetime, bad: Mapping[int, Mapping[str, Any]], most: int
) -> list[ShownRow]:
    mapping = make_mapping(data, kind)
    reader = FirstRows(open_file(path, header_row=mapping.header_row), most)
    plan, missing = match(mapping, kind, reader.header)
    if missing:
        raise BadInput("The columns %(columns)s are missing.", columns=", ".join(missing))
    rules = Rules(at, False, mapping.time_zone, mapping.dates, reader.epoch_1904)
    wanted = set(sorted(bad)[:_SHOWN_BAD])
    shown: list[ShownRow] = []
    first = True
    for block in reader.blocks():
        frame = restored(block.frame)
        if first:
            wanted |= set(frame[LINE].to_list()[:_SHOWN])
            first = False
        for broken in block.bad:
            if broken.line in wanted:
                cells = [ShownCell(cell) for cell in list(broken.raw.values())[: len(kind.columns)]]
                shown.append(_marked(broken.line, cells, [c.name for c in kind.columns], bad))
        part = frame.filter(pl.col(LINE).is_in(list(wanted)))
        if len(part):
            shown += _understood_rows(plan, kind, part, rules, bad)
        if wanted <= {row.line for row in shown}:
            break
    return sorted(shown, key=lambda row: row.line)


def _understood_rows(
    plan: Plan, kind: FileKind, part: pl.DataFrame, rules: Rules, bad: Mapping[int, Mapping[str, Any]]
) -> list[ShownRow]:
    """Rows as our columns: values as they were understood where they were, else as they stand in the file."""
    ours, _ = apply(plan, part)
    names = [column.name for column in kind.columns]
    plain = ours.with_columns(unmark(pl.col(name)) for name in names)
    typed = {row[ROW]: row for row in check_columns(kind, ours, rules).frame.iter_rows(named=True)}
    rows = []
    for row in plain.iter_rows(named=True):
        good = typed.get(row[ROW])
        cells = [ShownCell(_said(good[name]) if good is not None else row[name]) for name in names]
        rows.append(_marked(row[LINE], cells, names, bad))
    return rows


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(clock.civil_zone())).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _marked(
    line: int, cells: Sequence[ShownCell], names: Sequence[str], bad: Mapping[int, Mapping[str, Any]]
) -> ShownRow:
    reject = bad.get(line)
    if reject is None:
        return ShownRow(line, cells)
    columns = [name.strip() for name in str(reject["column"]).split(",")]
    marked = [
        ShownCell(cell.text, str(reject["reason"]) if name in columns else "")
        for name, cell in zip(names, cells, strict=False)
    ]
    whole = "" if set(columns) & set(names) else str(reject["reason"])
    return ShownRow(line, marked, whole, bad=True)
