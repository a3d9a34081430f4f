"""The schematic map: a tile an area, laid out in a grid (county boundaries have no open licence; this needs none)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qipan.foundation.indicators.registry import Indicator
from qipan.foundation.indicators.selectors import Point
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.page import with_area
from qipan.rooms.command.web.figures import said

SIDE, GAP = 118, 8
STEPS = 5
#: where the tiles of a known city lie, column and row, roughly as on a map (Sanmenxia: from the Yellow River southward)
_PLACES = {
    "411202": (2, 0), "411203": (1, 1), "411221": (3, 0), "411224": (1, 2), "411271": (2, 1), "411281": (4, 0),
    "411282": (0, 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """One area: where it is drawn, what it shows on the chosen day, its colour step (0 no data, 1 … 5)."""

    code: str
    name: str
    lines: Sequence[str]
    x: int
    y: int
    value: str
    step: int
    href: str


@dataclass(frozen=True, slots=True)
class TileMap:
    """All tiles, and what the slider needs to show another day."""

    tiles: Sequence[Tile]
    width: int
    height: int
    bounds: Sequence[str]
    data: dict[str, Any]


def positions(codes: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Column and row of each area: where they are known for all, those; else row by row, about as wide as high."""
    if codes and all(code in _PLACES for code in codes):
        return {code: _PLACES[code] for code in codes}
    columns = max(1, math.ceil(math.sqrt(len(codes) * 1.6)))
    return {code: (n % columns, n // columns) for n, code in enumerate(sorted(codes))}


def step_of(value: float | None, highest: float) -> int:
    """The colour of a value: equal steps from nothing to the highest of the period; 0 is no data."""
    if value is None:
        return 0
    if highest <= 0 or value <= 0:
        return 1
    return min(STEPS, 1 + math.ceil((STEPS - 1) * value / highest))


def _lines(name: str) -> list[str]:
    """A name in at most two lines of a tile."""
    if is_chinese():
        return [name[:7], name[7:14]] if len(name) > 7 else [name]
    words, lines = name.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 12 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2]


def tile_map(
    indicator: Indicator,
    areas: Sequence[Any],
    days: Sequence[date],
    points: dict[str, list[Point | None]],
    chosen: date,
) -> TileMap:
    """The map of one indicator on a day. The colour scale is that of the whole period, so that days compare."""
    values = [point.value for series in points.values() for point in series if point and point.value is not None]
    highest = max(values, default=0.0)
    place = positions([area.code for area in areas])
    at = days.index(chosen) if chosen in days else len(days) - 1
    tiles = []
    series: dict[str, list[tuple[str, int]]] = {}
    for area in areas:
        column, row = place[area.code]
        name = area.name_zh if is_chinese() else area.name_en or area.name_zh
        shown = [(said(indicator, p), step_of(p.value if p else None, highest)) for p in points[area.code]]
        series[area.code] = shown
        value, step = shown[at] if shown else ("–", 0)
        tiles.append(
            Tile(area.code, name, _lines(name), GAP + column * (SIDE + GAP), GAP + row * (SIDE + GAP), value, step,
                 with_area("/", area.code))
        )  # fmt: skip
    columns = 1 + max((place[area.code][0] for area in areas), default=0)
    rows = 1 + max((place[area.code][1] for area in areas), default=0)
    share = 1.0 if indicator.unit == "%" else None
    bounds = [said(indicator, Point(chosen, highest * n / (STEPS - 1), share)) for n in range(STEPS)]
    return TileMap(
        tiles, GAP + columns * (SIDE + GAP), GAP + rows * (SIDE + GAP), bounds,
        {"days": [day.isoformat() for day in days], "areas": series},
    )  # fmt: skip
