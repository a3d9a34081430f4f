"""The file kind `rooms`: sites and their rooms."""

from collections.abc import Mapping

import polars as pl

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.foundation.intake.models import Batch
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.quarantine.models import Room, Site
from qipan.rooms.quarantine.services import NewRoom, rooms_withdraw, rooms_write
from qipan.terms.roles import Permission

#: beds of a room whose file names no capacity: a family is two at least
_BEDS = {"single": 1, "accessible": 1, "family": 2}
#: values in one query: below SQLite's limit of variables
_PART = 20_000

_COLUMNS = (
    Column("site", max_length=120, aliases=("隔离点", "隔离点名称")),
    Column("room", max_length=20, exact=True, aliases=("房间", "房间号", "房号")),
    Column(
        "kind",
        ColumnType.CHOICE,
        choices=tuple(_BEDS),
        values={"单人间": "single", "家庭间": "family", "无障碍间": "accessible", "亲子间": "family"},
        aliases=("房型", "类型"),
    ),
    Column("area", ColumnType.AREA, max_length=20, aliases=("区划代码",)),
    Column(
        "capacity",
        ColumnType.INT,
        required=False,
        nullable=True,
        minimum=1,
        maximum=20,
        aliases=("床位", "床位数", "可住人数"),
    ),
)


def _foreign_rooms(ctx: IntakeContext, sites: list[str]) -> set[tuple[str, str]]:
    """(site, room) that are there and not this source's to name: added by hand, or by a file of another source."""
    rows = Room.objects.filter(site__name__in=sites).values_list("site__name", "number", "batch_id")
    rooms = list(rows)
    batches = {batch_id for _, _, batch_id in rooms if batch_id is not None}
    mine = set(
        Batch.objects.filter(pk__in=batches)
        .filter(pk__in=Batch.objects.filter(source=ctx.source) | Batch.objects.filter(state=Batch.State.VOIDED))
        .values_list("pk", flat=True)
    )
    return {(site, number) for site, number, batch_id in rooms if batch_id not in mine}


def check_rooms(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Areas that are there and the actor's to furnish, one area a site, rooms that nobody else has named.

    Four queries a chunk. A site's area is that of its first row.
    """
    names = frame["site"].unique().to_list()
    areas = areas_by_code(set(frame["area"].to_list()))
    mine = {code for code, area in areas.items() if ctx.actor.may(Permission.ROOM_MANAGE, area.path)}
    where: dict[str, int] = {}
    foreign: set[tuple[str, str]] = set()
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        where |= dict(Site.objects.filter(name__in=part).values_list("name", "area_id"))
        foreign |= _foreign_rooms(ctx, part)
    rejects: list[Reject] = []
    for row, site, room, code in frame.select("_row", "site", "room", "area").iter_rows():
        if code not in mine:
            rejects.append(Reject(row, "area", "There is no area %(area)s.", {"area": code}))
        elif where.setdefault(site, areas[code].id) != areas[code].id:
            rejects.append(Reject(row, "area", "This site lies in another area."))
        elif (site, room) in foreign:
            rejects.append(Reject(row, "room", "This room is there already."))
    bad = [reject.row for reject in rejects]
    return frame.filter(~pl.col("_row").is_in(bad)), rejects


def commit_rooms(ctx: IntakeContext, frame: pl.DataFrame) -> None:
    """Write the rooms of a chunk, and open the sites that are new."""
    areas = areas_by_code(set(frame["area"].to_list()))
    has_capacity = "capacity" in frame.columns
    columns = ["site", "room", "kind", "area", *(["capacity"] if has_capacity else [])]
    rows = []
    for site, number, kind, code, *capacity in frame.select(columns).iter_rows():
        beds = capacity[0] if capacity and capacity[0] is not None else _BEDS[kind]
        rows.append((site, areas[code].id, areas[code].path, NewRoom(number, kind, beds)))
    rooms_write(rows, batch_id=ctx.batch_id, at=ctx.at)


def void_rooms(ctx: IntakeContext, batch_id: int) -> Mapping[str, int]:
    """Take the batch's rooms out of use; who is inside stays until his departure."""
    return rooms_withdraw(batch_id=batch_id, at=ctx.at)


ROOMS = FileKind(
    name="rooms",
    title="Quarantine sites and their rooms",
    columns=_COLUMNS,
    id_columns=("site", "room"),
    check=check_rooms,
    commit=commit_rooms,
    void=void_rooms,
)
