"""From numbers by stored area path to numbers by area: everything at or below each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from qipan.foundation.indicators.registry import AreaRow, Measured


def rolled_up(
    areas: Sequence[AreaRow], rows: Iterable[tuple[str, float, float]], *, share: bool
) -> list[Measured]:
    """Sum (area path, numerator, denominator) into every one of `areas` that holds the path.

    `share` False: a count, the denominators are not used. Areas without any row have the sum 0. Time grows
    with rows times the depth of the tree, not with rows times areas.
    """
    wanted = {area.path for area in areas}
    numerators: dict[str, float] = defaultdict(float)
    denominators: dict[str, float] = defaultdict(float)
    for path, numerator, denominator in rows:
        end = 0
        while (end := path.find("/", end) + 1) > 0:
            if path[:end] in wanted:
                numerators[path[:end]] += numerator
                denominators[path[:end]] += denominator
    return [
        Measured(area.code, numerators[area.path], denominators[area.path] if share else None)
        for area in areas
    ]


def medians(areas: Sequence[AreaRow], rows: Iterable[tuple[str, float]]) -> list[Measured]:
    """The median of (area path, value) at or below each area, as a count's numerator; areas without any
    value are left out.
    """
    wanted = {area.path for area in areas}
    values: dict[str, list[float]] = defaultdict(list)
    for path, value in rows:
        end = 0
        while (end := path.find("/", end) + 1) > 0:
            if path[:end] in wanted:
                values[path[:end]].append(value)
    measured = []
    for area in areas:
        if found := sorted(values[area.path]):
            middle = len(found) // 2
            median = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
            measured.append(Measured(area.code, median))
    return measured
