"""From the sender's columns to ours, as data: a TOML file or the same as a dict.

    header_row = 1                      # the row that holds the headers
    time_zone = "Asia/Shanghai"         # of instants without an offset, and of "today"
    [columns]                           # ours = theirs
    [constants]                         # ours = value for every row
    [values.COLUMN]                     # their value = ours; "" stands for empty, "*" for any other
    [dates]                             # ours = ["%d/%m/%Y", …] instead of the usual forms
    [derive.COLUMN]                     # ours, made of theirs; see `Derivation`
    [[explode]]                         # one row becomes several: columns, constants, derive of each part,
                                        # `when`: their column without which the part is left out, or which
                                        # must hold the pattern `matches`
    [options]                           # for the kind (for example person_source)

Columns that no entry names are taken by their own name or alias, except where rows are exploded.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from django.conf import settings

from qipan.foundation.intake.kinds import LINE, ROW, FileKind
from qipan.foundation.intake.reading import REJECT_COLUMNS
from qipan.terms.errors import BadInput

DEFAULT_ZONE = "Asia/Shanghai"
_KEYS = {
    "header_row", "time_zone", "columns", "constants", "values", "dates", "derive", "explode", "options",
    "name", "kind", "title", "source_of",
}  # fmt: skip
_PART_KEYS = {"columns", "constants", "derive", "when", "matches"}
_DERIVE_KEYS = {"from", "first_of", "join", "separator", "split", "index", "pattern", "replace", "lower"}


@dataclass(frozen=True, slots=True)
class Derivation:
    """A column made of the sender's: `from_` one column, or the first filled of `first_of`, or all of `join`
    put together with `separator`; then `split` at a text and take part `index`; then the first group that
    `pattern` captures (empty where it does not match); then `replace` (pattern, replacement); then `lower`.
    """

    from_: str = ""
    first_of: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    separator: str = ""
    split: str = ""
    index: int = 0
    pattern: str = ""
    replace: tuple[str, str] | None = None
    lower: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The sender's columns that it needs."""
        return (self.from_,) * bool(self.from_) + self.first_of + self.join

    def expression(self) -> pl.Expr:
        """The column as an expression over the sender's text columns; "" is empty."""
        if self.join:
            value = pl.concat_str([unmark(pl.col(name)) for name in self.join], separator=self.separator)
        elif self.first_of:
            value = pl.coalesce([_filled(name) for name in self.first_of])
        else:
            value = unmark(pl.col(self.from_))
        if self.split:
            value = value.str.split(self.split).list.get(self.index, null_on_oob=True)
        if self.pattern:
            value = value.str.extract(self.pattern, 1)
        if self.replace:
            value = value.str.replace_all(self.replace[0], self.replace[1])
        if self.lower:
            value = value.str.to_lowercase()
        return value.fill_null("")


def _filled(name: str) -> pl.Expr:
    column = unmark(pl.col(name))
    return pl.when(column.str.strip_chars() != "").then(column)


@dataclass(frozen=True, slots=True)
class Part:
    """One record that a row gives."""

    columns: AnyMapping[str, str] = field(default_factory=dict)
    constants: AnyMapping[str, str] = field(default_factory=dict)
    derive: AnyMapping[str, Derivation] = field(default_factory=dict)
    when: str = ""
    matches: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, checked. `raw` is what it was made of (JSON), kept with the batch."""

    parts: tuple[Part, ...] = (Part(),)
    exploded: bool = False
    values: AnyMapping[str, AnyMapping[str, str]] = field(default_factory=dict)
    dates: AnyMapping[str, tuple[str, ...]] = field(default_factory=dict)
    time_zone: str = ""
    header_row: int = 1
    options: AnyMapping[str, Any] = field(default_factory=dict)
    raw: AnyMapping[str, Any] = field(default_factory=dict)


def _bad(what: str, why: str) -> BadInput:
    return BadInput("The mapping cannot be used: %(what)s %(why)s.", what=what, why=why)


def _texts(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(v, str | int | float) for v in table.values()):
        raise _bad(where, "must be a table of texts")
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in table.items()}


def _derivation(name: str, table: object) -> Derivation:
    where = f"derive.{name}"
    if not isinstance(table, dict) or set(table) - _DERIVE_KEYS:
        raise _bad(where, f"may hold only {', '.join(sorted(_DERIVE_KEYS))}")
    for key in ("pattern", "replace"):
        if key in table:
            pattern = table[key] if key == "pattern" else table[key][0]
            try:
                groups = re.compile(pattern).groups
                pl.Series([""]).str.extract(pattern, 0)
            except (re.error, pl.exceptions.PolarsError, TypeError):
                raise _bad(where, "has an unusable pattern") from None
            if key == "pattern" and not groups:
                raise _bad(where, "needs a pattern with a group")
    made = Derivation(
        from_=str(table.get("from", "")),
        first_of=tuple(table.get("first_of", ())),
        join=tuple(table.get("join", ())),
        separator=str(table.get("separator", "")),
        split=str(table.get("split", "")),
        index=int(table.get("index", 0)),
        pattern=str(table.get("pattern", "")),
        replace=tuple(table["replace"]) if "replace" in table else None,
        lower=bool(table.get("lower", False)),
    )
    if sum(map(bool, (made.from_, made.first_of, made.join))) != 1:
        raise _bad(where, "needs one of from, first_of, join")
    return made


def _part(table: AnyMapping[str, Any], shared: Part | None, kind: FileKind) -> Part:
    columns = {**(shared.columns if shared else {}), **_texts(table.get("columns", {}), "columns")}
    constants = {**(shared.constants if shared else {}), **_texts(table.get("constants", {}), "constants")}
    derive = {name: _derivation(name, value) for name, value in table.get("derive", {}).items()}
    derive = {**(shared.derive if shared else {}), **derive}
    names = {column.name for column in kind.columns}
    unknown = sorted((set(columns) | set(constants) | set(derive)) - names)
    if unknown:
        raise _bad(", ".join(unknown), f"is no column of {kind.name}")
    matches = str(table.get("matches", ""))
    try:
        pl.Series([""]).str.contains(matches)
    except pl.exceptions.PolarsError:
        raise _bad("matches", "is an unusable pattern") from None
    return Part(columns, constants, derive, str(table.get("when", "")), matches)


def make_mapping(data: AnyMapping[str, Any], kind: FileKind) -> Mapping:
    """A mapping from its TOML or dict form. Raises BadInput naming what is wrong."""
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise _bad(", ".join(unknown), "is not known")
    if data.get("kind", kind.name) != kind.name:
        raise _bad("kind", f"is {data['kind']}, not {kind.name}")
    zone = str(data.get("time_zone", ""))
    try:
        ZoneInfo(zone or DEFAULT_ZONE)
    except (KeyError, ValueError, OSError):
        raise _bad("time_zone", f"{zone} is not a time zone") from None
    header_row = data.get("header_row", 1)
    if not isinstance(header_row, int) or not 1 <= header_row <= 100:
        raise _bad("header_row", "must be a number from 1 to 100")
    base = _part(data, None, kind)
    pieces = data.get("explode", [])
    for piece in pieces:
        if set(piece) - _PART_KEYS:
            raise _bad("explode", f"may hold only {', '.join(sorted(_PART_KEYS))}")
    values = {name: _texts(table, f"values.{name}") for name, table in data.get("values", {}).items()}
    dates = {name: tuple(formats) for name, formats in data.get("dates", {}).items()}
    strange = sorted((set(values) | set(dates)) - {column.name for column in kind.columns})
    if strange:
        raise _bad(", ".join(strange), f"is no column of {kind.name}")
    return Mapping(
        parts=tuple(_part(piece, base, kind) for piece in pieces) or (base,),
        exploded=bool(pieces),
        values=values,
        dates=dates,
        time_zone=zone,
        header_row=header_row,
        options=dict(data.get("options", {})),
        raw=dict(data),
    )


def shipped_mappings(kind: FileKind) -> list[tuple[str, str]]:
    """(name, title) of the mappings that the rooms ship for a kind of file, by title."""
    found = []
    for path in settings.PACKAGE.glob("rooms/*/mappings/*.toml"):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if data.get("kind") == kind.name:
            found.append((path.stem, str(data.get("title", path.stem))))
    return sorted(found, key=lambda each: each[1])


def load_mapping(name: str, kind: FileKind) -> Mapping:
    """A mapping file by path, or by name one of those that the rooms ship. Raises BadInput."""
    path = Path(name)
    if not path.is_file():
        shipped = sorted(settings.PACKAGE.glob(f"rooms/*/mappings/{path.name}.toml")) if path.name == name else []
        if not shipped:
            raise BadInput("There is no mapping file %(name)s.", name=name)
        path = shipped[0]
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("%(file)s is not a mapping: %(why)s.", file=path.name, why=str(error)) from None
    return make_mapping(data, kind)


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping bound to a file's headers: which of their columns feeds which of ours."""

    mapping: Mapping
    parts: tuple[Part, ...]
    aside: tuple[str, ...]
    kind: FileKind


def bind(mapping: Mapping, kind: FileKind, header: Sequence[str], file: str) -> Plan:
    """Match a mapping with a file. Raises BadInput naming the columns that are missing."""
    plan, missing = match(mapping, kind, header)
    if missing:
        raise BadInput(
            "%(file)s lacks the columns %(columns)s (a file of %(kind)s needs them).",
            file=file,
            columns=", ".join(missing),
            kind=kind.name,
        )
    return plan


def match(mapping: Mapping, kind: FileKind, header: Sequence[str]) -> tuple[Plan, list[str]]:
    """What of a file feeds which column of ours, and the columns that are missing."""
    theirs = set(header)
    by_name: dict[str, str] = {}
    for name in header:
        by_name.setdefault(name.casefold(), name)
    parts, used = [], set(REJECT_COLUMNS)
    missing: list[str] = []
    for part in mapping.parts:
        columns = dict(part.columns)
        for column in kind.columns:
            if mapping.exploded or column.name in {*columns, *part.constants, *part.derive}:
                continue
            for candidate in (column.name, *column.aliases):
                found = by_name.get(unicodedata.normalize("NFC", candidate).casefold())
                if found:
                    columns[column.name] = found
                    break
        named = set(columns.values()).union(*(d.sources for d in part.derive.values()), [part.when] * bool(part.when))
        missing += sorted(named - theirs)
        given = {*columns, *part.constants, *part.derive}
        filled = {name for name, table in mapping.values.items() if "" in table}
        missing += [c.name for c in kind.columns if c.required and c.name not in given | filled]
        used |= named
        parts.append(replace(part, columns=columns))
    plan = Plan(mapping, tuple(parts), tuple(name for name in header if name not in used), kind)
    return plan, list(dict.fromkeys(missing))


def apply(plan: Plan, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    """The sender's frame (text, `_line`) as ours (text, `_line`, `_row`), and the lines of rows that give no
    record at all.
    """
    count = len(plan.parts)
    made = []
    for number, part in enumerate(plan.parts):
        piece = frame
        if part.when:
            piece = piece.filter(pl.col(part.when).str.strip_chars() != "")
            if part.matches:
                piece = piece.filter(pl.col(part.when).str.contains(part.matches))
        expressions = [_ours(plan, part, column.name).alias(column.name) for column in plan.kind.columns]
        row = pl.col(LINE) if count == 1 else pl.col(LINE) * count + number
        made.append(piece.select(*expressions, pl.col(LINE), row.alias(ROW)))
    if count == 1 and not plan.parts[0].when:
        return made[0], []
    together = pl.concat(made).sort(ROW)
    left_out = set(frame[LINE].to_list()) - set(together[LINE].to_list())
    return together, sorted(left_out)


def unmark(column: pl.Expr) -> pl.Expr:
    """A cell without the mark that a spreadsheet's number or date carries."""
    return column.str.replace(r"^\x00[ntd]:", "")


def _ours(plan: Plan, part: Part, name: str) -> pl.Expr:
    if name in part.derive:
        value = part.derive[name].expression()
    elif name in part.constants:
        value = pl.lit(part.constants[name])
    elif name in part.columns:
        value = pl.col(part.columns[name])
    else:
        value = pl.lit("")
    table = plan.mapping.values.get(name)
    if table:
        # marks stay on what the table does not name: the column's own check decides on them
        plain = unmark(value).str.strip_chars()
        known = {key: new for key, new in table.items() if key not in ("*",)}
        other = pl.lit(table["*"]) if "*" in table else value
        value = plain.replace_strict(known, default=None, return_dtype=pl.String)
        value = pl.coalesce(value, pl.when(plain == "").then(pl.lit("")).otherwise(other))
    return value
