"""The file kind `persons`: people with their identities, by row."""

from collections.abc import Mapping

import polars as pl

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.rooms.persons.services import (
    NewPerson,
    persons_check,
    persons_take_back,
    persons_write,
)
from qipan.terms.roles import Permission

_COLUMNS = (
    Column("source_id", max_length=120, aliases=("编号", "人员编号")),
    Column("name", nullable=True, max_length=100, aliases=("姓名",)),
    Column(
        "document_kind",
        ColumnType.CHOICE,
        nullable=True,
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
    Column("household", nullable=True, max_length=120, aliases=("户号",)),
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
    """Documents, names, phones, areas; documents that somebody else holds; people and areas that are not the
    actor's. A row that came before passes: intake knows it by its identity and counts it as a duplicate.
    """
    placed, problems = persons_check(_rows(frame), source=ctx.source, at=ctx.at, again=True)
    for position, row in enumerate(placed):
        if row is None:
            continue
        paths = [row.area.path] if row.known is None else [row.area.path, row.known.area_path]
        if not all(ctx.actor.may(Permission.PERSON_REGISTER, path) for path in paths):
            placed[position] = None
            # no more is said than of an area that is not there
            problems.append((position, "area", "There is no such area."))
    rows = frame["_row"].to_list()
    rejects = [Reject(rows[position], column, reason) for position, column, reason in problems]
    return frame.filter(pl.Series([row is not None for row in placed], dtype=pl.Boolean)), rejects


def commit(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    """Write the people of a chunk: new ones, and the identities of those whom the source had named before."""
    placed, problems = persons_check(_rows(frame), source=ctx.source, at=ctx.at, again=True)
    if problems:
        raise RuntimeError("rows that passed the check of their own transaction do not pass it again")
    rows = [row for row in placed if row is not None]
    persons_write(rows, source=ctx.source, at=ctx.at, batch_id=ctx.batch_id)


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
