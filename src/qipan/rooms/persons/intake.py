"""The file kind `persons`: people with their identities, by row."""

from collections.abc import Mapping

import polars as pl

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.rooms.persons.services import (
    NewPerson,
    persons_check,
    persons_place,
    persons_take_back,
    persons_write,
)
from qipan.terms.errors import Conflict
from qipan.terms.roles import Permission

_COLUMNS = (
    Column("source_id", max_length=120, exact=True, aliases=("编号", "人员编号")),
    Column("name", nullable=True, max_length=100, aliases=("姓名",)),
    Column(
        "document_kind",
        ColumnType.CHOICE,
        choices=("id", "passport", "other", "none", "synthetic"),
        values={"身份证": "id", "居民身份证": "id", "护照": "passport", "其他": "other", "无": "none"},
        aliases=("证件类型",),
    ),
    Column("document_number", nullable=True, max_length=40, exact=True, aliases=("证件号码", "身份证号", "证件号")),
    Column("birth_date", ColumnType.DATE, nullable=True, aliases=("出生日期",)),
    Column(
        "sex",
        ColumnType.CHOICE,
        nullable=True,
        choices=("male", "female", "unknown"),
        values={"男": "male", "女": "female", "不详": "unknown"},
        aliases=("性别",),
    ),
    Column("phone", nullable=True, max_length=40, exact=True, aliases=("手机号", "联系电话", "电话")),
    Column("area", ColumnType.AREA, max_length=20, aliases=("网格", "区划代码", "地区")),
    Column("address", nullable=True, max_length=300, aliases=("住址", "详细地址")),
    Column("household", nullable=True, max_length=120, exact=True, aliases=("户号",)),
)


def _rows(frame: pl.DataFrame) -> list[NewPerson]:
    names = [column.name for column in _COLUMNS]
    return [
        NewPerson(
            source_id=row[0] or "",
            name=row[1] or "",
            document_kind=row[2] or "",
            document_number=row[3] or "",
            birth_date=row[4],
            sex=row[5] or "",
            phone=row[6] or "",
            area=row[7] or "",
            address=row[8] or "",
            household=row[9] or "",
        )
        for row in frame.select(names).iter_rows()
    ]


def check(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Documents, names, phones, areas; people registered already; areas in which the actor registers nobody."""
    if not len(frame):
        return frame, []
    placed, problems = persons_check(_rows(frame), source=ctx.source, at=ctx.at)
    for position, row in enumerate(placed):
        if row is not None and not ctx.actor.may(Permission.PERSON_REGISTER, row.area.path):
            placed[position] = None
            problems.append((position, "area", _NOT_YOURS))
    lines = frame["_row"].to_list()
    rejects = [Reject(lines[position], column, reason) for position, column, reason in problems]
    return frame.filter(pl.Series([row is not None for row in placed], dtype=pl.Boolean)), rejects


# no more is said than of an area that is not there
_NOT_YOURS = "There is no such area."


def commit(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    """Write the people of a chunk. Raises Conflict where a row no longer fits (the chunk is then tried again)."""
    placed, problems = persons_place(_rows(frame), at=ctx.at)
    if problems:
        raise Conflict("Somebody else registered one of these people in the meantime: try again.")
    persons_write([row for row in placed if row is not None], source=ctx.source, at=ctx.at, batch_id=ctx.batch_id)


def void(ctx: IntakeContext, batch_id: int) -> Mapping[str, int]:
    """Take a batch back: the identities and source ids of its people are destroyed, their pseudonyms stay."""
    return {"persons": persons_take_back(actor=ctx.actor, batch_id=batch_id, at=ctx.at)}


KIND = FileKind(
    name="persons",
    title="People with their identities",
    columns=_COLUMNS,
    id_columns=("source_id",),
    permission=Permission.PERSON_REGISTER,
    check=check,
    commit=commit,
    void=void,
)
