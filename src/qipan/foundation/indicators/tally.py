"""From the places of single facts to the figures of areas: every fact counts where it lies and in all areas above."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from qipan.foundation.indicators.registry import AreaRow, Measured


def counts_below(paths: Iterable[str]) -> Counter[str]:
    """area path -> how many of the given paths lie at or below it. Linear in the distinct paths and their depth."""
    total: Counter[str] = Counter()
    for path, count in Counter(paths).items():
        prefix = "/"
        for part in path.split("/")[1:-1]:
            prefix += part + "/"
            total[prefix] += count
    return total


def measured_counts(areas: Sequence[AreaRow], paths: Iterable[str]) -> Iterator[Measured]:
    """A count for every area: how many of the facts (given by their area paths) lie there."""
    found = counts_below(paths)
    for area in areas:
        yield Measured(area.code, found[area.path])


def measured_shares(areas: Sequence[AreaRow], part: Iterable[str], whole: Iterable[str]) -> Iterator[Measured]:
    """A share for every area: the facts of `part` over those of `whole`, both given by their area paths."""
    numerator, denominator = counts_below(part), counts_below(whole)
    for area in areas:
        yield Measured(area.code, numerator[area.path], denominator[area.path])
