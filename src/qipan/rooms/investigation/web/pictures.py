"""Pictures of chains from the kernel's layout: for cytoscape.js as JSON, and as an SVG for pages, print and export."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from qipan.foundation.pages.formats import day_text
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import word
from qipan.kernels.chains.layout import ChainLayout, chain_layout
from qipan.rooms.investigation.selectors import Chains, LinkedCase
from qipan.rooms.investigation.web.words import MARKS
from qipan.terms.evidence import Classification

#: pixels a day and a row
DAY, ROW = 64, 32
_LEFT, _TOP, _RADIUS = 40, 28, 8
#: pixels between two dates on the axis
_TICKS = 70


@dataclass(frozen=True, slots=True)
class Node:
    """A case as a shape. `day` says onset, report, or that the day is guessed."""

    case_id: str
    x: int
    y: int
    colour: str
    shape: str
    href: str
    title: str
    estimated: bool
    chosen: bool
    #: the outline of everything that is no circle
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes for the template investigation/chain.svg.html."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    #: (path, drawn as a branch)
    lines: tuple[tuple[str, bool], ...]
    #: (x, day in words)
    ticks: tuple[tuple[int, str], ...]
    bottom: int


def legend() -> list[tuple[str, str, Words, str]]:
    """(colour, shape, word, outline at 9, 9) of every classification in a picture."""
    return [
        (colour, shape, word(Classification, name), _outline(shape, 9, 9)) for name, (colour, shape) in MARKS.items()
    ]


def lay_out(chains: Chains, ids: Collection[int]) -> ChainLayout:
    """The layout of some of these cases."""
    return chain_layout(*chains.part(ids))


def _ticks(layout: ChainLayout) -> list[tuple[int, str]]:
    """(day, its date) at round distances along the axis."""
    if layout.first_day is None:
        return []
    least = _TICKS / DAY
    step = next((each for each in (1, 2, 7, 14, 28, 91, 182, 364) if each >= least), 364)
    if layout.days > 60 and step < 7:
        step = 7
    return [(day, day_text(layout.first_day + timedelta(days=day))) for day in range(0, layout.days, step)]


def graph_data(layout: ChainLayout, cases: Mapping[int, LinkedCase], *, area: str, chosen: str = "") -> dict[str, Any]:
    """What chains.js shows: positions in pixels, nothing to compute in the browser."""
    return {
        "nodes": [
            {
                "id": each.case_id,
                "label": cases[int(each.case_id)].case_id,
                "x": each.day * DAY,
                "y": each.row * ROW,
                "kind": cases[int(each.case_id)].classification,
                "guessed": cases[int(each.case_id)].onset is None,
            }
            for each in layout.cases
        ],
        "pairs": [[pair.from_case_id, pair.to_case_id, pair.branch] for pair in layout.pairs],
        "ticks": [[day * DAY, text] for day, text in _ticks(layout)],
        "height": layout.rows * ROW,
        "marks": {name: list(mark) for name, mark in MARKS.items()},
        "url": with_area(address("case", 0), area),
        "chosen": chosen,
    }


def _outline(shape: str, x: int, y: int) -> str:
    r = _RADIUS
    match shape:
        case "diamond":
            return f"M{x} {y - r - 1}L{x + r + 1} {y}L{x} {y + r + 1}L{x - r - 1} {y}Z"
        case "rectangle":
            return f"M{x - r + 1} {y - r + 1}H{x + r - 1}V{y + r - 1}H{x - r + 1}Z"
        case "triangle":
            return f"M{x} {y - r - 1}L{x + r + 1} {y + r - 1}H{x - r - 1}Z"
    return ""


def draw(
    layout: ChainLayout, cases: Mapping[int, LinkedCase], *, area: str = "", chosen: int | None = None,
    links: bool = True, top: int = 0,
) -> Picture:  # fmt: skip
    """The picture as shapes; `top` leaves room for a title, `links` makes each case one."""
    place = {each.case_id: (_LEFT + each.day * DAY, top + _TOP + each.row * ROW + 14) for each in layout.cases}
    nodes = []
    for each in layout.cases:
        case = cases[int(each.case_id)]
        colour, shape = MARKS.get(case.classification, ("#999999", "ellipse"))
        x, y = place[each.case_id]
        said = f"{case.case_id} · {word(Classification, case.classification)}"
        if case.day is not None:
            said += f" · {day_text(case.day)}"
        href = with_area(address("case", case.id), area) if links else ""
        nodes.append(
            Node(case.case_id, x, y, colour, shape, href, said, case.onset is None, case.id == chosen,
                 _outline(shape, x, y))
        )  # fmt: skip
    lines = []
    for pair in layout.pairs:
        (x1, y1), (x2, y2) = place[pair.from_case_id], place[pair.to_case_id]
        path = f"M{x1} {y1}V{y2}H{x2}" if pair.branch else f"M{x1} {y1}L{x2} {y2}"
        lines.append((path, pair.branch))
    bottom = top + _TOP + max(layout.rows, 1) * ROW + 8
    return Picture(
        width=2 * _LEFT + max(layout.days - 1, 0) * DAY + 40, height=bottom, nodes=tuple(nodes), lines=tuple(lines),
        ticks=tuple((_LEFT + day * DAY, text) for day, text in _ticks(layout)), bottom=bottom,
    )  # fmt: skip
