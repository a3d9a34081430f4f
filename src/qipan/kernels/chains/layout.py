"""Where the cases of transmission chains stand in a picture: across by day, down by branch.

Every case has a whole day and a whole row, and no two have the same pair, whatever the dates say. A chain is drawn
as a tree: small branches before large ones, the first of them on the infector's own line where it fell ill later,
every other on a line below. A case with several infectors hangs on the one nearest a primary case (of equals: the one
who fell ill first); the other pairs are drawn besides. Chains of the same height that do not meet in time share their
lines, and cases in no pair are stacked by their day below all chains. O((n + m) log(n + m)), deterministic.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from qipan.kernels.chains.graph import IntArray, components

#: days between two cases where no interval is known (about the serial interval of Omicron)
_GAP = 3
#: days free between two chains that share their lines
_BETWEEN = 2
NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Places:
    """Arrays over the cases (day, row, parent, estimated: its own onset is not known) and over the pairs (branch:
    drawn as a branch of the tree). Days count from the first one, 0.
    """

    day: IntArray
    row: IntArray
    parent: IntArray
    estimated: npt.NDArray[np.bool_]
    branch: npt.NDArray[np.bool_]
    rows: int


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case in the picture. `estimated`: its day is guessed from its chain, else the first day of all."""

    case_id: str
    day: int
    row: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class PlacedPair:
    """A pair in the picture. `branch`: part of the tree; the others are drawn besides."""

    from_case_id: str
    to_case_id: str
    branch: bool


@dataclass(frozen=True, slots=True)
class ChainLayout:
    """The picture: `first_day` is day 0 (None: no onset is known at all), `days` and `rows` its size."""

    first_day: date | None
    days: int
    rows: int
    cases: tuple[PlacedCase, ...]
    pairs: tuple[PlacedPair, ...]


def chain_layout(cases: pl.DataFrame, pairs: pl.DataFrame) -> ChainLayout:
    """The picture of a line list and its distinct pairs (`ChainStatistics.table`).

    cases: `case_id` (text, unique), `onset_date` (date, may be null: the caller may fill in the report's). Raises
    ValueError(`duplicate_case`, `unknown_case`) where they are not.
    """
    ids = cases["case_id"].cast(pl.String).to_list()
    number = {case_id: position for position, case_id in enumerate(ids)}
    if len(number) != len(ids):
        raise ValueError("duplicate_case")
    ends = (pairs["from_case_id"].to_list(), pairs["to_case_id"].to_list())
    if not number.keys() >= {*ends[0], *ends[1]}:
        raise ValueError("unknown_case")
    tail, head = (np.array([number[case_id] for case_id in end], dtype=np.int64) for end in ends)
    onset = cases["onset_date"].cast(pl.Date).to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    first = int(np.nanmin(onset)) if len(ids) and not np.isnan(onset).all() else None
    places = place(len(ids), tail, head, onset - (first or 0))
    shift = int(places.day.min()) if len(ids) else 0
    day = (places.day - shift).tolist()
    return ChainLayout(
        first_day=None if first is None else date(1970, 1, 1) + timedelta(days=first + shift),
        days=max(day, default=-1) + 1,
        rows=places.rows,
        cases=tuple(map(PlacedCase, ids, day, places.row.tolist(), places.estimated.tolist())),
        pairs=tuple(map(PlacedPair, *ends, places.branch.tolist())),
    )


def place(n: int, tail: IntArray, head: IntArray, onset: npt.NDArray[np.float64]) -> Places:
    """Days and rows of cases 0 … n-1; `onset` in days, NaN where it is not known."""
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((np.arange(n), onset))] = np.arange(n)  # NaN sorts last
    parent, walk = _forest(n, tail.tolist(), head.tolist(), rank.tolist())
    children: list[list[int]] = [[] for _ in range(n)]
    for case in walk:
        if parent[case] != NO_PARENT:
            children[parent[case]].append(case)
    known = onset[head] - onset[tail]
    later = known[known > 0]
    gap = max(1, round(float(np.median(later)))) if later.size else _GAP
    day = _days(onset.tolist(), parent, children, walk, gap)
    label = components(n, tail, head).tolist()
    row, height = _rows(day, parent, children, walk, label)
    rows = _pack(day, row, label, height)
    up = np.array(parent, dtype=np.int64)
    return Places(
        day=np.array(day, dtype=np.int64), row=np.array(row, dtype=np.int64), parent=up, estimated=np.isnan(onset),
        branch=up[head] == tail, rows=rows,
    )  # fmt: skip


def _forest(n: int, tail: Sequence[int], head: Sequence[int], rank: Sequence[int]) -> tuple[list[int], list[int]]:
    """Each case's parent in the forest, and the cases in an order in which parents come first. Breadth first from
    the primary cases; then from the earliest case of each ring that none of them reaches.
    """
    after: list[list[int]] = [[] for _ in range(n)]
    infected = [False] * n
    for a, b in zip(tail, head, strict=True):
        after[a].append(b)
        infected[b] = True
    for each in after:
        each.sort(key=rank.__getitem__)
    parent, met = [NO_PARENT] * n, [False] * n
    walk: list[int] = []

    def spread(starts: Sequence[int]) -> None:
        waiting = deque(starts)
        for case in starts:
            met[case] = True
        while waiting:
            case = waiting.popleft()
            walk.append(case)
            for other in after[case]:
                if not met[other]:
                    met[other] = True
                    parent[other] = case
                    waiting.append(other)

    by_rank = sorted(range(n), key=rank.__getitem__)
    spread([case for case in by_rank if not infected[case]])
    for case in by_rank:
        if not met[case]:
            spread([case])
    return parent, walk


def _days(
    onset: Sequence[float], parent: Sequence[int], children: Sequence[Sequence[int]], walk: Sequence[int], gap: int
) -> list[int]:
    """The day of each case: its onset; else a gap after its infector, or before its first infectee."""
    known = [None if day != day else round(day) for day in onset]  # NaN is not itself
    hint: list[int | None] = list(known)
    for case in reversed(walk):
        said = [day for day in (hint[child] for child in children[case]) if day is not None]
        if hint[case] is None and said:
            hint[case] = min(said) - gap
    days = [0] * len(walk)
    for case in walk:
        own, guess = known[case], hint[case]
        if own is not None:
            days[case] = own
        elif parent[case] == NO_PARENT:
            days[case] = guess if guess is not None else 0
        else:
            before = days[parent[case]]
            days[case] = guess if guess is not None and guess > before else before + gap
    return days


def _rows(
    day: Sequence[int], parent: Sequence[int], children: Sequence[Sequence[int]], walk: Sequence[int],
    label: Sequence[int],
) -> tuple[list[int], dict[int, int]]:  # fmt: skip
    """Rows inside each chain, counted from 0, its trees below each other; and the height of each chain."""
    size = [1] * len(walk)
    for case in reversed(walk):
        if parent[case] != NO_PARENT:
            size[parent[case]] += size[case]
    rows = [0] * len(walk)
    height: dict[int, int] = {}
    for root in walk:
        if parent[root] != NO_PARENT:
            continue
        free = height.get(label[root], 0)
        stack: list[tuple[int, int | None]] = [(root, None)]
        while stack:
            case, line = stack.pop()
            if line is None:
                line, free = free, free + 1
            rows[case] = line
            ordered = sorted(children[case], key=lambda child: (size[child], day[child], child))
            onward = next((child for child in ordered if day[child] > day[case]), None)
            stack.extend((child, None) for child in reversed(ordered) if child != onward)
            if onward is not None:
                stack.append((onward, line))
        height[label[root]] = free
    return rows, height


def _pack(day: Sequence[int], row: list[int], label: Sequence[int], height: Mapping[int, int]) -> int:
    """Move every chain to lines of its own, in place; how many rows there are in all."""
    members: dict[int, list[int]] = {}
    for case, chain in enumerate(label):
        members.setdefault(chain, []).append(case)
    blocks: list[tuple[int, int, int, int]] = []  # (-height, first day, chain, last day)
    alone: list[int] = []
    for chain, cases in members.items():
        if len(cases) == 1:
            alone += cases
        else:
            span = [day[case] for case in cases]
            blocks.append((-height[chain], min(span), chain, max(span)))
    free = 0
    shelves: dict[int, list[tuple[int, int]]] = {}  # height -> (day from which its lines are free, its first row)
    for minus, first, chain, last in sorted(blocks):
        shelf = shelves.setdefault(-minus, [])
        if shelf and shelf[0][0] <= first:
            base = heapq.heappop(shelf)[1]
        else:
            base, free = free, free - minus + (1 if minus < -1 else 0)
        heapq.heappush(shelf, (last + _BETWEEN, base))
        for case in members[chain]:
            row[case] += base
    stacked: dict[int, int] = {}
    if alone and free:
        free += 1
    for case in alone:
        row[case] = free + stacked.get(day[case], 0)
        stacked[day[case]] = stacked.get(day[case], 0) + 1
    return free + max(stacked.values(), default=0)
