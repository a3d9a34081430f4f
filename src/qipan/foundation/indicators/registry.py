"""What indicators there are: each room registers its own in its `apps.ready`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from qipan.terms.roles import Actor

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area that an indicator is computed for."""

    code: str
    path: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What an indicator is in one area. `denominator` is None for a count, 0 where there is nothing to share."""

    area_code: str
    numerator: float
    denominator: float | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number computed from facts.

    `unit`: "%" shows a share as numerator over denominator, anything else is the unit of the numerator.
    `standard`: the norm it is held against, in words, with its source. `compute(areas, moment)`: one pass for all
    areas, a constant number of queries; an area that it leaves out has no value. `listing(actor, area_path,
    moment)`: what stands behind the number, scoped to the actor (a queryset or a list).
    """

    id: str
    title: "str | _StrPromise"
    unit: str
    better: Literal["up", "down"]
    standard: "str | _StrPromise"
    compute: Callable[[Sequence[AreaRow], datetime], Iterable[Measured]]
    listing: Callable[[Actor, str, datetime], Any]


_indicators: dict[str, Indicator] = {}


def register(indicator: Indicator) -> None:
    """Add an indicator. Raises ValueError for an id that another indicator has."""
    if _indicators.setdefault(indicator.id, indicator) != indicator:
        raise ValueError(f"indicator {indicator.id!r} is registered twice")


def indicators() -> tuple[Indicator, ...]:
    """All registered indicators, by id."""
    return tuple(_indicators[each] for each in sorted(_indicators))


def indicator_named(indicator_id: str) -> Indicator | None:
    """The indicator with this id."""
    return _indicators.get(indicator_id)
