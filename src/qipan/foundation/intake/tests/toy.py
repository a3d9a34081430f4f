"""A file kind of the tests' own: readings of a meter, kept in a table that happens to fit."""

from datetime import UTC, datetime

import polars as pl

from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.foundation.intake.writing import bulk_insert_frame

AT = datetime(2022, 7, 20, 4, tzinfo=UTC)
COLUMNS = (
    Column("reading", exact=True, aliases=("编号",), max_length=40),
    Column("area", ColumnType.AREA, aliases=("地区",), max_length=20),
    Column("day", ColumnType.DATE, aliases=("日期",)),
    Column("value", ColumnType.FLOAT, aliases=("数值",), minimum=0, maximum=1000),
    Column("count", ColumnType.INT, required=False),
    Column("taken", ColumnType.INSTANT, required=False),
    Column("sex", ColumnType.CHOICE, required=False, choices=("male", "female"), values={"男": "male", "女": "female"}),
    Column("detail", ColumnType.JSON, required=False),
    Column("note", required=False, max_length=60, aliases=("备注",)),
)


def check(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    nowhere = frame.filter(pl.col("area") == "nowhere")
    rejects = [Reject(row, "area", "There is no such area.") for row in nowhere["_row"]]
    return frame.filter(pl.col("area") != "nowhere").with_columns(pl.lit("x").alias("_area_path")), rejects


def commit(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    assert ctx.write_id
    assert frame["_area_path"].eq("x").all()
    bulk_insert_frame(
        IndicatorValue,
        frame.select(
            indicator="reading",
            area_code="area",
            area_path=pl.lit("/"),
            date="day",
            numerator="value",
            denominator=pl.lit(float(ctx.batch_id)),
            computed_at=pl.lit(ctx.at).dt.cast_time_unit("us"),
        ),
    )


def void(ctx: IntakeContext, batch_id: int) -> dict[str, int]:
    return {"readings": IndicatorValue.objects.filter(denominator=batch_id).delete()[0]}


READINGS = FileKind("readings", "Readings", COLUMNS, commit, void, id_columns=("reading",), check=check)
HEADER = "reading,area,day,value,note\n"


def line(number: int) -> str:
    return f"R{number:06d},4112{number % 100:02d},2022-07-{1 + number % 19:02d},{number % 997}.5,note {number}\n"
