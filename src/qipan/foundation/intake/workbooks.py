"""XLSX workbooks, looked through before they are opened.

A workbook is an archive of XML written by strangers: its entries are counted, unpacked once under a limit,
and refused where they declare entities, before the reader proper (calamine) sees the file. The same pass
finds what the reader does not report: cells that hold an error, formulas that were saved without a value, and
merged cells, of which the reader shows the first one filled and the others empty.

Cells that a spreadsheet has interpreted carry a mark, because whether that was harmless depends on the
column: a number in a column of identity numbers has lost digits, in a column of ages it has not.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import python_calamine

from qipan.foundation.intake.reading import BLOCK_ROWS, Block, clean_header, split_rows
from qipan.terms.errors import BadInput

#: Marks (an ordinary cell cannot begin with a zero character and be accepted): a number, a date or time, a
#: date that spreadsheets disagree about, an error, a cell that lies under another one.
NUMBER, MOMENT, DOUBTFUL, FAULT, MERGED = "\0n:", "\0t:", "\0d:", "\0e:", "\0m:"

MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
MAX_ENTRIES = 1000
#: Small archives compress well without being bombs.
_RATIO_FROM = 1024 * 1024
_PIECE = 1 << 18

_ERROR_CELL = re.compile(rb"<c\b([^>]*\bt=[\"']e[\"'][^>]*)>")
_EMPTY_FORMULA = re.compile(
    rb"<c\b([^>/]*)>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]+)[\"']")
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z]{1,3})([0-9]+):([A-Z]{1,3})([0-9]+)[\"']")
_EMPTY_TEXT = re.compile(rb"\bt=[\"']str[\"']")
_ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*[\"']([^\"']*)[\"']")


def _unsafe(path: Path) -> BadInput:
    return BadInput("%(file)s is not a workbook that can be opened safely.", file=path.name)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_limits(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
        raise BadInput(
            "%(file)s unpacks to %(size)s MB in %(entries)s parts; at most %(limit)s MB in %(most)s parts are "
            "opened. Save it as CSV UTF-8.",
            file=path.name,
            size=round(unpacked / 1e6),
            entries=len(entries),
            limit=round(MAX_UNPACKED / 1e6),
            most=MAX_ENTRIES,
        )
    if unpacked > _RATIO_FROM and unpacked / packed > MAX_RATIO:
        raise BadInput(
            "%(file)s is packed %(ratio)s to 1; at most %(limit)s to 1 is opened. Save it as CSV UTF-8.",
            file=path.name,
            ratio=round(unpacked / packed),
            limit=MAX_RATIO,
        )
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if entry.flag_bits & 1 or ".." in parts or name.startswith("/") or ":" in name:
            raise _unsafe(path)


def _faults_in(path: Path, text: bytes) -> set[tuple[int, int]]:
    found = [match.group(1) for match in _ERROR_CELL.finditer(text)] if b"=" in text else []
    if b"<f" in text:
        found += [m.group(1) for m in _EMPTY_FORMULA.finditer(text) if not _EMPTY_TEXT.search(m.group(1))]
    cells = set()
    for attributes in found:
        reference = _REFERENCE.search(attributes)
        if reference is None:
            raise BadInput("%(file)s has a cell that holds an error and no address.", file=path.name)
        cells.add((int(reference.group(2)), _column_number(reference.group(1))))
    return cells


@dataclass(slots=True)
class _Marked:
    """What a sheet's reader does not report: (row, column) of cells that hold no usable value, and the areas of
    merged cells (first row, last row, first column, last column), of which only the first cell has a value.
    """

    faults: set[tuple[int, int]] = field(default_factory=set)
    merged: set[tuple[int, int, int, int]] = field(default_factory=set)


def _merged_in(text: bytes) -> set[tuple[int, int, int, int]]:
    return {
        (int(top), int(bottom), _column_number(left), _column_number(right))
        for left, top, right, bottom in (_MERGE.findall(text) if b"mergeCell" in text else ())
    }


def _scan(path: Path, archive: zipfile.ZipFile) -> dict[str, _Marked]:
    """Unpack every part once: entry -> what its reader will not report."""
    parts: dict[str, _Marked] = {}
    for entry in archive.infolist():
        if not entry.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        sheet = entry.filename.startswith("xl/worksheets/")
        marked = parts[entry.filename] = _Marked()
        kept = b""
        with archive.open(entry) as part:
            while piece := part.read(_PIECE):
                text = kept + piece
                # an XML parser would also read UTF-16, in which the searches below find nothing
                if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\0" in piece:
                    raise _unsafe(path)
                if sheet:
                    marked.faults |= _faults_in(path, text)
                    marked.merged |= _merged_in(text)
                start = text.rfind(b"<c ") if sheet else -1
                kept = text[start:] if start >= 0 else text[-64:]
                if len(kept) > 4 * _PIECE:
                    raise _unsafe(path)
    return parts


def _attributes(tag: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(tag))


def _sheet_part(archive: zipfile.ZipFile) -> str:
    """The archive entry of the first sheet ("" where the workbook does not say)."""
    try:
        workbook = archive.read("xl/workbook.xml").decode()
        relations = archive.read("xl/_rels/workbook.xml.rels").decode()
    except (KeyError, UnicodeDecodeError):
        return ""
    first = re.search(r"<(?:\w+:)?sheet\s[^>]*>", workbook)
    identity = _attributes(first.group()).get("r:id", "") if first else ""
    for tag in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", relations):
        relation = _attributes(tag)
        if relation.get("Id") == identity:
            target = relation.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        return NUMBER + (str(int(value)) if whole else repr(value))
    if isinstance(value, datetime | date):
        # Spreadsheets believe in 29 February 1900: before it they are a day off, or off each other
        day = value.date() if isinstance(value, datetime) else value
        mark = DOUBTFUL if day < date(1900, 3, 1) else MOMENT
        return mark + (value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat())
    if isinstance(value, time | timedelta):
        return MOMENT + str(value)
    return "" if value is None else str(value)


class WorkbookReader:
    """The first sheet of a workbook; other sheets that hold cells are reported as set aside."""

    encoding = "xlsx"

    def __init__(self, path: Path, header_row: int = 1) -> None:
        """Look the archive through, then open it. Raises BadInput."""
        self.blank = 0
        self.header: list[str] = []
        self._path = path
        self._header_row = header_row
        try:
            with zipfile.ZipFile(path) as archive:
                _check_limits(path, archive)
                parts = _scan(path, archive)
                self._marked = parts.get(_sheet_part(archive), _Marked())
                properties = re.search(rb"<(?:\w+:)?workbookPr\b[^>]*>", archive.read("xl/workbook.xml"))
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise BadInput(
                "%(file)s is a damaged workbook: its archive cannot be opened.", file=path.name
            ) from None
        except (KeyError, NotImplementedError, OSError, ValueError, RuntimeError):
            raise _unsafe(path) from None
        flag = _attributes(properties.group().decode()).get("date1904", "") if properties else ""
        self.epoch_1904 = flag in ("1", "true", "on")
        try:
            workbook = python_calamine.CalamineWorkbook.from_path(str(path))
            self._sheet = workbook.get_sheet_by_index(0)
            names = workbook.sheet_names
            others = [names[i] for i in range(1, len(names)) if workbook.get_sheet_by_index(i).height]
        except (python_calamine.CalamineError, OSError, IndexError):
            raise _unsafe(path) from None
        self.aside = [f"[{name}]" for name in others]
        self.sheet = names[0]
        if not header_row:
            # somebody looks where the header may be (`top`)
            return
        rows = list(islice(self._rows(), header_row))
        if len(rows) < header_row:
            raise BadInput("%(file)s is empty: it has no header row.", file=path.name)
        cells = [cell.rpartition(":")[2] if cell.startswith("\0") else cell for cell in rows[-1]]
        while cells and not cells[-1].strip():
            cells.pop()
        self.header = clean_header(path.name, cells)

    def top(self, count: int) -> list[list[str]]:
        """The first rows as they are, without marks, the header among them."""
        return [[cell[3:] if cell.startswith("\0") else cell for cell in row] for row in islice(self._rows(), count)]

    def _rows(self) -> Iterator[list[str]]:
        """All rows from the sheet's first row on; columns from its first filled one."""
        left = self._sheet.start[1] if self._sheet.start else 0
        faulty: dict[int, list[int]] = {}
        for row, column in self._marked.faults:
            faulty.setdefault(row, []).append(column - 1 - left)
        areas = sorted(self._marked.merged, reverse=True)
        over: list[tuple[int, int, int, int]] = []
        for number, values in enumerate(self._sheet.iter_rows(), 1):
            cells = [_cell(value) for value in values]
            for position in faulty.get(number, ()):
                if 0 <= position < len(cells):
                    cells[position] = FAULT
            while areas and areas[-1][0] <= number:
                over.append(areas.pop())
            over = [area for area in over if area[1] >= number] if over else over
            if over and any(cells):  # an empty row stays one
                for top, _, first, last in over:
                    start = first if number > top else first + 1  # the first cell of all has the value
                    for position in range(max(0, start - 1 - left), min(len(self.header), len(cells), last - left)):
                        cells[position] = MERGED
            yield cells

    def blocks(self) -> Iterator[Block]:
        """The records, in order."""
        rows = self._rows()
        list(islice(rows, self._header_row))
        width, line = len(self.header), self._header_row + 1
        while taken := list(islice(rows, BLOCK_ROWS)):
            # a sheet is a rectangle: empty cells beyond the header's are none
            trimmed = [row[:width] if not any(row[width:]) else row for row in taken]
            padded = [row + [""] * (width - len(row)) if row else row for row in trimmed]
            block, blank = split_rows(self.header, padded, line)
            self.blank += blank
            line += len(taken)
            yield block
