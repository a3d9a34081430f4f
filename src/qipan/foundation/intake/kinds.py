"""What a file of some kind means: its columns, its row identity, its checks, and what happens with its rows.

A room describes its files in `intake.py` as `FileKind` values and registers them in its `apps.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import polars as pl

from qipan.terms.errors import BadInput
from qipan.terms.roles import Actor, Permission


class ColumnType(StrEnum):
    """How a cell is read. `area` and `person` are references: text here, resolved by the kind's `check`."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    JSON = "json"
    AREA = "area"
    PERSON = "person"


#: The Polars type that a checked column has.
POLARS_TYPES: Mapping[ColumnType, Any] = {
    ColumnType.TEXT: pl.String,
    ColumnType.INT: pl.Int64,
    ColumnType.FLOAT: pl.Float64,
    ColumnType.DATE: pl.Date,
    ColumnType.INSTANT: pl.Datetime("us", "UTC"),
    ColumnType.CHOICE: pl.String,
    ColumnType.JSON: pl.String,
    ColumnType.AREA: pl.String,
    ColumnType.PERSON: pl.String,
}

#: Columns of the frame that a kind's functions are given beside its own.
#: `_row`: unique in the file (the file's row, unless a mapping makes several records of one row);
#: `_line`: the file's row as a spreadsheet counts it (the header is row 1); `_key`: 16 bytes.
ROW, LINE, KEY, CONTENT = "_row", "_line", "_key", "_content"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind of file.

    `required`: the column must be there and filled; with `required=False` both may be missing; a column that
    must be there but may be empty has `nullable=True`. `choices`: the values of a `choice`; `values`: other
    spellings -> value. `max_length` in characters. `minimum`/`maximum`: bounds of a number. `aliases`: other
    headers (Chinese ones for example). `exact`: digits that a spreadsheet must hold as text (identity and
    phone numbers, specimen ids): a cell stored as a number is refused. `future`: may lie after the moment.
    """

    name: str
    type: ColumnType = ColumnType.TEXT
    required: bool = True
    nullable: bool = False
    choices: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    max_length: int = 200
    minimum: float | None = None
    maximum: float | None = None
    aliases: tuple[str, ...] = ()
    exact: bool = False
    future: bool = False


@dataclass(frozen=True, slots=True)
class IntakeContext:
    """What a kind's functions may know. `batch_id` and `write_id` are 0 and "" while a dry run checks.

    `at` is the moment of recording (aware, UTC). `what_if`: times after `at` are allowed. `write_id` names
    the log entry that covers the rows being written. `options` comes from the mapping's `options` table.
    """

    actor: Actor
    source: str
    batch_id: int
    at: datetime
    write_id: str = ""
    what_if: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row is not taken in. `row` is the frame's `_row`; `reason` an English msgid with named
    placeholders that `parameters` (JSON values, no personal data) fill.
    """

    row: int
    column: str
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[IntakeContext, pl.DataFrame], tuple[pl.DataFrame, list[Reject]]]


def check_nothing(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """The check of a kind whose column types say everything."""
    return frame, []


def finish_nothing(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """The end of a kind that has nothing to do after its last chunk."""
    return {}


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file.

    `id_columns`: what identifies a row within its source; empty: the whole row does. `id_digits`: for ids that are
    numbered in sequence, how many last characters neighbours differ in; their digests then begin alike, which
    makes indexes of millions quick and tells without the key which ids begin alike: not for anything that says
    something of a person. `check` runs on every
    chunk in staging and again inside the chunk's transaction; it returns the frame of good rows (it may add
    columns such as ``_person_id``) and the rejects; it must give the same answer for the same facts. A row
    that it leaves out of the frame must be among its rejects: the control totals would not close otherwise.
    `commit` writes the new rows of a chunk inside its transaction (`bulk_insert`); its frame holds the
    columns that `check` returned and `_row`, `_line`, `_key`; what it returns (and what `void` returns) goes
    into the detail of the log's entry, for example the rows and hash of the evidence that it added.
    `check_file` sees all staged identities (a frame of `file_columns` and `_row`), for references between
    rows of one file. `void` takes a batch back as new facts and returns counts by name. `finish` runs after
    the last chunk, opens its own transactions and must be idempotent.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    commit: Callable[[IntakeContext, pl.DataFrame], Mapping[str, Any] | None]
    void: Callable[[IntakeContext, int], Mapping[str, Any]]
    id_columns: tuple[str, ...] = ()
    id_digits: int = 0
    permission: Permission = Permission.BATCH_IMPORT
    void_permission: Permission | None = None
    check: Check = check_nothing
    check_file: Callable[[IntakeContext, pl.DataFrame], list[Reject]] | None = None
    file_columns: tuple[str, ...] = ()
    finish: Callable[[IntakeContext, int], Mapping[str, Any]] = finish_nothing

    def __post_init__(self) -> None:
        """Refuse a description that contradicts itself (ValueError)."""
        names = [column.name for column in self.columns]
        unknown = (set(self.id_columns) | set(self.file_columns)) - set(names)
        if len(set(names)) != len(names) or unknown or any(name.startswith("_") for name in names):
            raise ValueError(f"{self.name}: columns {names}, unknown {sorted(unknown)}")

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


_kinds: dict[str, FileKind] = {}


def register(kind: FileKind) -> None:
    """Make a kind known to `qipan import`. Raises ValueError where another kind has its name."""
    if _kinds.get(kind.name, kind) is not kind:
        raise ValueError(f"a file kind named {kind.name} exists")
    _kinds[kind.name] = kind


def file_kind(name: str) -> FileKind:
    """The kind of that name. Raises BadInput naming the known ones."""
    if name not in _kinds:
        raise BadInput(
            "There is no kind of file called %(name)s; known are: %(known)s.",
            name=name,
            known=", ".join(sorted(_kinds)) or "-",
        )
    return _kinds[name]


def file_kinds() -> Sequence[FileKind]:
    """All registered kinds, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
