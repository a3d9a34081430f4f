"""The file kinds `areas` and `population`."""

from collections.abc import Mapping

import polars as pl

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.rooms.geography.rules import NewArea
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.geography.services import (
    NewPopulation,
    areas_write,
    plan_areas,
    population_write,
)
from qipan.terms.areas import AreaLevel
from qipan.terms.errors import Conflict, Refused
from qipan.terms.roles import Permission

_AREA_COLUMNS = (
    Column("code", max_length=20, aliases=("代码", "区划代码")),
    Column("parent", nullable=True, max_length=20, aliases=("上级代码",)),
    Column(
        "level",
        ColumnType.CHOICE,
        choices=tuple(level.value for level in AreaLevel),
        values={"省": "province", "市": "city", "县": "county", "乡": "township", "村": "village", "网格": "grid"},
        aliases=("级别",),
    ),
    Column("name_zh", max_length=80, aliases=("名称",)),
    Column("name_en", nullable=True, max_length=120, aliases=("英文名称",)),
    Column("population", ColumnType.INT, nullable=True, minimum=0, maximum=2_000_000_000, aliases=("人口",)),
)
_POPULATION_COLUMNS = (
    Column("area", ColumnType.AREA, max_length=20, aliases=("区划代码",)),
    Column("sex", ColumnType.CHOICE, choices=("male", "female"), values={"男": "male", "女": "female"},
           aliases=("性别",)),
    Column("age_from", ColumnType.INT, minimum=0, maximum=150, aliases=("年龄起",)),
    Column("age_to", ColumnType.INT, nullable=True, minimum=0, maximum=150, aliases=("年龄止",)),
    Column("count", ColumnType.INT, minimum=0, maximum=2_000_000_000, aliases=("人数",)),
)  # fmt: skip


def _areas(frame: pl.DataFrame) -> list[NewArea]:
    names = [column.name for column in _AREA_COLUMNS]
    return [
        NewArea(code, parent or "", AreaLevel(level), name_zh, name_en or name_zh, population)
        for code, parent, level, name_zh, name_en, population in frame.select(names).iter_rows()
    ]


def check_areas(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """The tree: codes, levels, parents, and where the actor may load areas.

    While staging (nothing is written, `write_id` is empty) a parent may still come in another chunk of the file:
    `check_area_file` looks for it. When chunks are written, parents must come before their children, as they do in
    any file of up to 10,000 rows (sorted by level here) and in any file sorted by level.
    """
    if not len(frame):
        return frame, []
    rows = _areas(frame)
    placed, problems = plan_areas(rows, assume_parents=not ctx.write_id)
    lines = frame["_row"].to_list()
    rejects = [
        Reject(lines[problem.position], problem.column, problem.reason, dict(problem.parameters))
        for problem in problems
    ]
    bad = {problem.position for problem in problems}
    positions = {row.code: position for position, row in enumerate(rows) if position not in bad}
    for row, path in placed:
        if path and not ctx.actor.may(Permission.AREA_LOAD, path):
            position = positions[row.code]
            bad.add(position)
            rejects.append(Reject(lines[position], "code", "This area is not yours to load."))
    keep = pl.Series([position not in bad for position in range(len(rows))], dtype=pl.Boolean)
    return frame.filter(keep), rejects


def check_area_file(ctx: IntakeContext, staged: pl.DataFrame) -> list[Reject]:
    """Areas whose parent is neither in the database nor in the file, and everything below them."""
    parents = dict(zip(staged["code"], staged["parent"], strict=True))
    known = set(areas_by_code({parent for parent in parents.values() if parent}))
    lost: set[str] = set()
    rejects: list[Reject] = []
    # from the top of the tree down (codes are longer the deeper they lie), so that a loss is passed on
    for code, parent, line in sorted(
        zip(staged["code"], staged["parent"], staged["_row"], strict=True), key=lambda row: (len(row[0]), row[0])
    ):
        if parent and parent not in known and (parent not in parents or parent in lost):
            lost.add(code)
            rejects.append(Reject(line, "parent", "There is no area %(parent)s.", {"parent": parent}))
    return rejects


def commit_areas(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    """Write the areas of a chunk, parents first."""
    placed, problems = plan_areas(_areas(frame))
    if problems:
        raise Conflict("The area tree changed in the meantime: try again.")
    areas_write(placed)


def check_population(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Areas that are there and the actor's to load, age bands that end after they begin."""
    areas = areas_by_code(set(frame["area"].to_list()))
    mine = {code for code, area in areas.items() if ctx.actor.may(Permission.AREA_LOAD, area.path)}
    rejects = []
    for line, area, low, high in frame.select("_row", "area", "age_from", "age_to").iter_rows():
        if area not in mine:
            rejects.append(Reject(line, "area", "There is no area %(area)s.", {"area": area}))
        elif high is not None and high < low:
            rejects.append(Reject(line, "age_to", "An age band cannot end before it begins."))
    return frame.filter(~pl.col("_row").is_in([reject.row for reject in rejects])), rejects


def commit_population(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    """Write the age bands of a chunk."""
    names = [column.name for column in _POPULATION_COLUMNS]
    population_write([NewPopulation(*row) for row in frame.select(names).iter_rows()])


def void(ctx: IntakeContext, batch_id: int) -> Mapping[str, int]:
    """Refused: people live in areas and rights hang on them. Loading the right file again mends names and counts."""
    raise Refused("Areas and populations are not taken back: load a file with what is right.")


AREAS = FileKind(
    name="areas",
    title="The area tree",
    columns=_AREA_COLUMNS,
    id_columns=("code",),
    permission=Permission.AREA_LOAD,
    check=check_areas,
    check_file=check_area_file,
    file_columns=("code", "parent"),
    commit=commit_areas,
    void=void,
)
POPULATION = FileKind(
    name="population",
    title="People by area, sex and age",
    columns=_POPULATION_COLUMNS,
    id_columns=("area", "sex", "age_from"),
    permission=Permission.AREA_LOAD,
    check=check_population,
    commit=commit_population,
    void=void,
)
