"""Export: its own right (trust: A6). Every row carries the export's code, so that a file found elsewhere names its
export, and the log names who took it, when and for what.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from qipan.foundation.access.scoping import require_anywhere
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.foundation.exports.cells import neutralise, plain
from qipan.foundation.exports.kinds import export_kind
from qipan.foundation.exports.tables import check_suffix, table_write
from qipan.terms.errors import BadInput
from qipan.terms.roles import Actor, Permission

#: rows that one export holds at most
ROW_CAP = 10_000
#: characters of a purpose: a word is none
SHORTEST_PURPOSE = 8
#: the column that carries the code
CODE_COLUMN = "qipan_export"
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file as it is handed over."""

    name: str
    content_type: str
    content: bytes
    code: str
    rows: int


def export_rows(
    *,
    actor: Actor,
    what: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    area_path: str,
    purpose: str,
    at: datetime,
    form: str = "csv",
    cap: int = ROW_CAP,
) -> ExportedFile:
    """Make a file of rows that the actor's selectors gave, and log it.

    `what`: the list's name, for the file and the log. `form`: csv (UTF-8 with mark) or xlsx. Texts that a spreadsheet
    would run are made harmless. Raises Denied without ROWS_EXPORT, BadInput (no purpose, unknown form), Refused (more
    rows than the cap).
    """
    purpose = purpose.strip()
    if len(purpose) < SHORTEST_PURPOSE:
        raise BadInput("Say for what purpose these rows leave, in a sentence.")
    if form not in FORMS:
        raise BadInput("“%(form)s” is no form of file; known are: %(known)s.", form=form[:20], known=", ".join(FORMS))
    with audited(actor=actor, action="rows.export", at=at) as entry:
        require_anywhere(actor, Permission.ROWS_EXPORT)
        if len(rows) > cap:
            raise BadInput("An export holds at most %(cap)s rows: narrow the list down.", cap=cap)
        code = f"X{entry.write_id[:12]}"
        head = [*headers, CODE_COLUMN]
        table = [[*row, code] for row in rows]
        content = _csv(head, table) if form == "csv" else _xlsx(head, table, what, actor, at, code)
        entry.about(
            "export", code, area_path=area_path,
            detail={
                "what": what, "rows": len(rows), "form": form,
                "reason": seal_reason(purpose[:300], write_id=entry.write_id),
            },
        )  # fmt: skip
    return ExportedFile(f"{what}-{at:%Y%m%d}-{code}.{form}", FORMS[form], content, code, len(rows))


def export_picture(
    *,
    actor: Actor,
    what: str,
    draw: Callable[[str], str],
    rows: int,
    area_path: str,
    purpose: str,
    at: datetime,
) -> ExportedFile:
    """Make a picture (SVG) of what the actor's selectors gave, and log it; `draw` writes the export's code into it.

    `rows`: how many rows it shows. Raises Denied without ROWS_EXPORT, BadInput (no purpose, more rows than the cap).
    """
    purpose = purpose.strip()
    if len(purpose) < SHORTEST_PURPOSE:
        raise BadInput("Say for what purpose these rows leave, in a sentence.")
    with audited(actor=actor, action="rows.export", at=at) as entry:
        require_anywhere(actor, Permission.ROWS_EXPORT)
        if rows > ROW_CAP:
            raise BadInput("An export holds at most %(cap)s rows: narrow the list down.", cap=ROW_CAP)
        code = f"X{entry.write_id[:12]}"
        content = draw(code).encode()
        detail = {
            "what": what, "rows": rows, "form": "svg", "reason": seal_reason(purpose[:300], write_id=entry.write_id),
        }  # fmt: skip
        entry.about("export", code, area_path=area_path, detail=detail)
    return ExportedFile(f"{what}-{at:%Y%m%d}-{code}.svg", "image/svg+xml; charset=utf-8", content, code, rows)


#: profiles that `table_export` knows; others come with their rooms
PROFILES = ("qipan",)


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """What `table_export` wrote."""

    kind: str
    file: str
    profile: str
    rows: int
    code: str

    def as_json(self) -> dict[str, object]:
        """The JSON document of `qipan export`."""
        return asdict(self)


def table_export(
    *,
    actor: Actor,
    kind: str,
    path: Path,
    purpose: str,
    at: datetime,
    area_path: str = "/",
    profile: str = "qipan",
) -> ExportedTable:
    """Write a whole table to a new file at the machine itself, and log it: who, what, for what, how many rows.

    The columns are those with which it comes in again. People leave as pseudonymous codes, never as identities.
    Raises Denied (ROWS_EXPORT, or the right to see these rows), BadInput (kind, profile, purpose, suffix), Refused.
    """
    purpose = purpose.strip()
    if len(purpose) < SHORTEST_PURPOSE:
        raise BadInput("Say for what purpose these rows leave, in a sentence.")
    if profile not in PROFILES:
        raise BadInput(
            "The profile %(name)s is not there yet; known are: %(known)s.",
            name=profile[:40], known=", ".join(PROFILES),
        )  # fmt: skip
    table = export_kind(kind)
    check_suffix(path)
    with audited(actor=actor, action="rows.export", at=at) as entry:
        require_anywhere(actor, Permission.ROWS_EXPORT)
        require_anywhere(actor, table.permission)
        rows = table_write(path, table.columns, table.rows(actor, area_path, at))
        try:
            code = f"X{entry.write_id[:12]}"
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            entry.about(
                "export", code, area_path=area_path,
                detail={
                    "what": kind, "rows": rows, "form": path.suffix.lower().lstrip("."), "profile": profile,
                    "sha256": digest, "reason": seal_reason(purpose[:300], write_id=entry.write_id),
                },
            )  # fmt: skip
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return ExportedTable(kind, str(path), profile, rows, code)


def _csv(head: Sequence[str], table: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([neutralise(plain(value)) if isinstance(value, str) else plain(value) for value in row]
                     for row in table)  # fmt: skip
    return text.getvalue().encode("utf-8-sig")


def _xlsx(
    head: Sequence[str], table: Sequence[Sequence[object]], what: str, actor: Actor, at: datetime, code: str
) -> bytes:
    from qipan.foundation.exports.workbooks import sheet_write

    content = io.BytesIO()
    sheet_write(content, head, table, title=what, mark=f"{code} · {actor.label} · {at:%Y-%m-%d %H:%M} UTC")
    return content.getvalue()
