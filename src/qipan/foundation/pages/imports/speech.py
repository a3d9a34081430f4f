"""Batches, columns and encodings in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, file_kinds
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.understanding import Understood
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import Grave, register_words
from qipan.terms.roles import Actor

register_words(
    Batch.State,
    {
        "staging": (_("being read"), Grave.INFO),
        "open": (_("not finished"), Grave.WARN),
        "complete": (_("complete"), Grave.GOOD),
        "voided": (_("taken back"), Grave.QUIET),
        "failed": (_("refused"), Grave.ALARM),
    },
)

_TYPES: dict[ColumnType, Words] = {
    ColumnType.TEXT: _("text"),
    ColumnType.INT: _("whole number"),
    ColumnType.FLOAT: _("number"),
    ColumnType.DATE: _("date, such as 2022-07-20"),
    ColumnType.INSTANT: _("day and time, such as 2022-07-20 08:30"),
    ColumnType.CHOICE: _("one of"),
    ColumnType.JSON: _("JSON object"),
    ColumnType.AREA: _("code of an area"),
    ColumnType.PERSON: _("code of a person, or the source’s own id"),
}
_ENCODINGS: dict[str, Words] = {
    "utf-8": _("UTF-8: every byte of the file is valid UTF-8"),
    "utf-8-sig": _("UTF-8: the file begins with the mark of UTF-8, and every byte is valid"),
    "gb18030": _("GB18030 (which holds GBK and GB 2312): it is not UTF-8, and every byte is valid GB18030"),
    "xlsx": _("a workbook says itself how its texts are written"),
    "parquet": _("a Parquet file says itself how its texts are written"),
}
_FORMS: dict[str, str] = {"csv": "CSV", "xlsx": "XLSX", "parquet": "Parquet", "jsonlines": "JSON lines"}


@dataclass(frozen=True, slots=True)
class ColumnSaid:
    """A column as a sender needs it explained."""

    name: str
    alias: str
    type: str
    needed: Words


@dataclass(frozen=True, slots=True)
class KindSaid:
    """A kind of file as somebody who chooses one reads it."""

    name: str
    title: str
    columns: Sequence[ColumnSaid]


def kinds_for(actor: Actor) -> list[FileKind]:
    """The kinds that the actor may take in somewhere."""
    return [kind for kind in file_kinds() if actor.areas_for(kind.permission)]


def kind_said(kind: FileKind) -> KindSaid:
    """A kind with its columns."""
    return KindSaid(kind.name, gettext(kind.title), [_column_said(column) for column in kind.columns])


def _column_said(column: Column) -> ColumnSaid:
    said = str(_TYPES[column.type])
    if column.choices:
        said = f"{said}: {', '.join(column.choices)}"
    if column.exact:
        said = gettext("%(type)s; format it as text, so that no digit is lost") % {"type": said}
    needed = _("needed") if column.required and not column.nullable else (
        _("needed, may be empty") if column.required else _("optional")
    )  # fmt: skip
    return ColumnSaid(column.name, ", ".join(column.aliases), said, needed)


def column_name(kind: FileKind, name: str) -> str:
    """A column as the reader calls it: its Chinese header beside its name for readers of Chinese."""
    try:
        aliases = kind.column(name).aliases
    except KeyError:
        return name
    return f"{aliases[0]} {name}" if is_chinese() and aliases else name


def encoding_said(understood: Understood) -> Words:
    """Which encoding, and why."""
    return _ENCODINGS.get(understood.encoding) or understood.encoding


def form_said(understood: Understood) -> str:
    """Which form of file."""
    return _FORMS.get(understood.form, understood.form)
