"""Reading the kept values, and what stands behind a number."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import indicator_named
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class Point:
    """One day of a series. `value` is the share where there is a denominator (None where that is 0)."""

    date: date
    numerator: float
    denominator: float | None

    @property
    def value(self) -> float | None:
        """The number to show."""
        if self.denominator is None:
            return self.numerator
        return self.numerator / self.denominator if self.denominator else None


def list_values(
    actor: Actor, *, date: date | None = None, below: str | None = None, indicator: str | None = None
) -> QuerySet[IndicatorValue]:
    """The kept values that the actor may see, of a day, at and below an area path, of an indicator."""
    values = scope(IndicatorValue.objects.all(), actor, Permission.INDICATOR_VIEW)
    if date is not None:
        values = values.filter(date=date)
    if below is not None:
        values = values.filter(within(below))
    if indicator is not None:
        values = values.filter(indicator=indicator)
    return values.order_by("date", "indicator", "area_path")


def indicator_series(
    actor: Actor, *, indicator: str, area_code: str, since: date | None = None, until: date | None = None
) -> list[Point]:
    """The days of an indicator in one area (since <= date <= until), oldest first; empty where it is not his."""
    values = list_values(actor, indicator=indicator).filter(area_code=area_code)
    if since is not None:
        values = values.filter(date__gte=since)
    if until is not None:
        values = values.filter(date__lte=until)
    return [Point(*row) for row in values.order_by("date").values_list("date", "numerator", "denominator")]


def access_listing(actor: Actor, *, indicator: str, area_path: str, at: datetime) -> Any:
    """What stands behind a number. Raises Absent for an unknown indicator, or an area that is not his.

    The room's listing scopes its rows again, by the permission that they need.
    """
    found = indicator_named(indicator)
    if found is None or not actor.may(Permission.INDICATOR_VIEW, area_path):
        raise Absent("indicator")
    return found.listing(actor, area_path, at)
