"""Indicators as the board shows them: today's value, the last days, the norm, the way to the list behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext

from qipan.foundation.indicators.registry import Indicator, indicator_named
from qipan.foundation.indicators.selectors import Point, list_values
from qipan.foundation.pages import formats
from qipan.foundation.pages.page import Words, address, with_area
from qipan.terms.roles import Actor

#: the six of the first row (UI.md), and what each needs to be computed from rooms that exist by now
FIRST_ROW = (
    "investigation.cases_reported",
    "quarantine.arrivals_overdue",
    "fieldwork.visits_overdue",
    "quarantine.occupancy",
    "persons-restricted",
    "appeals-overdue",
)
#: indicator -> the page that lists what stands behind it
_BEHIND = {
    "investigation": "cases",
    "quarantine.arrivals_overdue": "arrivals",
    "quarantine.arrived_in_24_hours": "arrivals",
    "quarantine.still_inside": "stays",
    "quarantine": "sites",
    "fieldwork": "field-work",
    "testing": "test-results",
    "persons-restricted": "orders",
    "orders-awaiting-result": "orders",
    "appeals-overdue": "appeals",
}
SPARK_DAYS = 14


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it is now, how it was, what it is held against, where its list is."""

    id: str
    title: Words
    value: str
    unit: Words
    standard: Words
    series: Sequence[float | None]
    #: against seven days before, in words; "" where there is nothing to compare with
    change: str
    #: "better", "worse" or ""
    trend: str
    day: date | None
    href: str
    page: str


def behind(indicator_id: str) -> str:
    """The address of the list behind a number; "" where there is none."""
    name = _BEHIND.get(indicator_id) or _BEHIND.get(indicator_id.partition(".")[0], "")
    return address(name) if name else ""


def said(indicator: Indicator, point: Point | None) -> str:
    """The value in figures."""
    if point is None:
        return formats.NO_DATA
    if indicator.unit == "%":
        return formats.percent(point.numerator, point.denominator)
    return formats.number(round(point.value, 1) if point.value is not None else None, 1)


def unit_of(indicator: Indicator, point: Point | None) -> str:
    """The unit beside the figure; a share says its two numbers."""
    if indicator.unit == "%":
        if point is None or point.denominator is None:
            return ""
        return gettext("%(n)s of %(of)s") % {
            "n": formats.number(point.numerator, 1), "of": formats.number(point.denominator, 1),
        }  # fmt: skip
    return gettext(indicator.unit) if indicator.unit else ""


def figures(
    actor: Actor, ids: Sequence[str], *, area_code: str, area_path: str, until: date, days: int = SPARK_DAYS
) -> list[Figure]:
    """These indicators of one area up to a day; one query."""
    first = until - timedelta(days=days - 1)
    values = list_values(actor, below=area_path).filter(
        area_path=area_path, indicator__in=ids, date__gte=first, date__lte=until
    )
    kept: dict[str, dict[date, Point]] = {}
    for name, on, numerator, denominator in values.values_list("indicator", "date", "numerator", "denominator"):
        kept.setdefault(name, {})[on] = Point(on, numerator, denominator)
    shown = []
    for name in ids:
        indicator = indicator_named(name)
        if indicator is None:
            continue
        points = kept.get(name, {})
        series = [points[on].value if on in points else None for on in (first + timedelta(n) for n in range(days))]
        latest = points[max(points)] if points else None
        before = points.get(latest.date - timedelta(days=7)) if latest else None
        change, trend = _change(indicator, latest, before)
        shown.append(
            Figure(
                name, indicator.title, said(indicator, latest), unit_of(indicator, latest), indicator.standard, series,
                change, trend, latest.date if latest else None, with_area(behind(name), area_code),
                with_area(address("indicator", name), area_code),
            )
        )  # fmt: skip
    return shown


def _change(indicator: Indicator, latest: Point | None, before: Point | None) -> tuple[str, str]:
    """The change in seven days, and whether it is for the better."""
    if latest is None or before is None or latest.value is None or before.value is None:
        return "", ""
    difference = latest.value - before.value
    if abs(difference) < 1e-9:
        return gettext("as 7 days ago"), ""
    better = (difference > 0) == (indicator.better == "up")
    if indicator.unit == "%":
        amount = f"{abs(100 * difference):.1f} {gettext('points')}"
    else:
        amount = formats.number(round(abs(difference), 1), 1)
    sign = "+" if difference > 0 else "−"
    return gettext("%(amount)s in 7 days") % {"amount": sign + amount}, "better" if better else "worse"


def tiles(
    actor: Actor, indicator: Indicator, areas: Sequence[Any], *, first: date, until: date
) -> tuple[list[date], dict[str, list[Point | None]]]:
    """(days, area code -> a point a day) of one indicator in several areas; one query."""
    days = [first + timedelta(days=n) for n in range((until - first).days + 1)]
    place = {day: position for position, day in enumerate(days)}
    points: dict[str, list[Point | None]] = {area.code: [None] * len(days) for area in areas}
    values = list_values(actor, indicator=indicator.id).filter(
        area_code__in=list(points), date__gte=first, date__lte=until
    )
    for code, on, numerator, denominator in values.values_list("area_code", "date", "numerator", "denominator"):
        points[code][place[on]] = Point(on, numerator, denominator)
    return days, points
