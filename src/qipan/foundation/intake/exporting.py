"""Files out of intake: templates, and rejects to be mended and sent again."""

import csv
import os
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.foundation.exports.cells import neutralise
from qipan.foundation.intake.kinds import ColumnType, FileKind, file_kind
from qipan.foundation.intake.reading import REJECT_COLUMNS
from qipan.foundation.intake.selectors import access_batch, open_rejects, reason_text
from qipan.terms.errors import BadInput, Refused
from qipan.terms.roles import Actor

#: types whose digits a spreadsheet must not interpret
_AS_TEXT = (ColumnType.AREA, ColumnType.PERSON, ColumnType.DATE, ColumnType.INSTANT)


def restored(frame: pl.DataFrame) -> pl.DataFrame:
    """A block of one of our own reject files with the apostrophes of `neutralise` taken off again."""
    if not set(REJECT_COLUMNS) <= set(frame.columns):
        return frame
    return frame.with_columns(pl.col(pl.String).str.replace(r"^'([=+\-@\t\r＝＋－＠])", "${1}"))


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    try:
        # rejects hold names and numbers of people: for their owner alone, also where the file was there before
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # with the mark, so that spreadsheets read Chinese right
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
            csv.writer(file).writerows(rows)
    except OSError as error:
        raise Refused("%(file)s cannot be written: %(why)s.", file=path.name, why=error.strerror) from None


def template_write(*, kind: str | FileKind, path: Path) -> list[str]:
    """Write an empty file with a kind's headers; returns them. Raises BadInput for an unknown kind."""
    kind = file_kind(kind) if isinstance(kind, str) else kind
    header = [column.name for column in kind.columns]
    _write_csv(path, [header])
    return header


def template_content(*, kind: FileKind, form: str) -> bytes:
    """An empty file with a kind's headers, as CSV or XLSX; in the workbook, columns whose digits count are text, so
    that a spreadsheet leaves them alone. Raises BadInput for another form.
    """
    header = [column.name for column in kind.columns]
    if form == "csv":
        return (",".join(header) + "\r\n").encode("utf-8-sig")
    if form != "xlsx":
        raise BadInput("“%(form)s” is no form of file; known are: %(known)s.", form=form[:20], known="csv, xlsx")
    from qipan.foundation.exports.workbooks import template_sheet

    return template_sheet(kind.name, [(each.name, each.exact or each.type in _AS_TEXT) for each in kind.columns])


def rejects_export(*, actor: Actor, batch_id: int, path: Path, at: datetime) -> int:
    """Write the rejected rows of a batch as CSV: the sender's own columns, then row, column and reason.

    The file can be mended and imported again as it is: what we add is not read as data. Needs the right to
    import the kind in the batch's area; the log says who took the rows out. Returns how many rows.
    Raises Absent, Denied, BadInput where there are none.
    """
    batch = access_batch(actor, batch_id)
    with audited(actor=actor, action="batch.rejects_export", at=at) as entry:
        require(actor, file_kind(batch.kind).permission, batch.area_path)
        rows = list(open_rejects(batch.pk))
        if not rows:
            raise BadInput("Batch %(batch)s has no rejected rows.", batch=batch.pk)
        names: dict[str, None] = {}
        # one row of the file may have given several records
        once = {reject.row: (reject, raw) for reject, raw in reversed(rows)}
        for _, raw in rows:
            names.update(dict.fromkeys(raw))
        table = [[*names, *REJECT_COLUMNS]]
        for _, (reject, raw) in sorted(once.items()):
            cells = [neutralise(raw.get(name, "")) for name in names]
            table.append([*cells, str(reject.row), reject.column, reason_text(reject)])
        _write_csv(path, table)
        entry.about("batch", batch.pk, area_path=batch.area_path, detail={"rows": len(once)})
    return len(once)
