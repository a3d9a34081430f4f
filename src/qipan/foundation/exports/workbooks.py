"""Workbooks (XLSX) out. Imported where one is made: the library takes as long to load as the rest of a command."""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from qipan.foundation.exports.cells import plain
from qipan.terms.errors import BadInput, Refused

#: rows of a sheet, below its header
SHEET_ROWS = 1_048_575


def sheet_write(
    target: Path | io.BytesIO,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "qipan",
    mark: str = "",
) -> int:
    """Write one sheet, row by row; how many rows. `mark`: what the head and foot of every printed page say.

    Raises BadInput for more rows than a sheet holds, Refused for signs that a workbook cannot hold.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    if mark:
        sheet.oddHeader.center.text = sheet.oddFooter.center.text = mark.replace("&", "&&")
    sheet.append([_bold(sheet, name) for name in columns])
    count = 0
    for row in rows:
        count += 1
        if count > SHEET_ROWS:
            raise BadInput("A sheet holds at most %(rows)s rows: export as CSV or Parquet.", rows=SHEET_ROWS)
        sheet.append([_cell(sheet, value) for value in row])
    try:
        book.save(target)
    except ValueError:
        raise Refused("These rows hold signs that a spreadsheet cannot hold: export them as CSV.") from None
    return count


def template_sheet(title: str, columns: Sequence[tuple[str, bool]]) -> bytes:
    """An empty sheet with these headers; a column whose digits count (True) is text, so that they stay as typed."""
    book = Workbook()
    sheet = book.create_sheet(title[:31], 0)
    del book[book.sheetnames[1]]
    for number, (name, as_text) in enumerate(columns, 1):
        sheet.cell(1, number, name).font = Font(bold=True)
        width = sheet.column_dimensions[get_column_letter(number)]
        width.width = max(len(name) + 2, 14)
        if as_text:
            width.number_format = "@"
    sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _bold(sheet: Any, name: str) -> Any:
    cell = WriteOnlyCell(sheet, value=name)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: object) -> object:
    """A cell: numbers and dates as themselves, texts as texts, never as formulas; ids keep their digits."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    cell = WriteOnlyCell(sheet, value=plain(value))
    cell.data_type = "s"
    return cell
