"""Indicators over the API."""

from datetime import date
from typing import Any

from django.utils.translation import gettext
from ninja import Router

from qipan.foundation.access.scoping import require_anywhere
from qipan.foundation.http.api import PROBLEMS, USUAL, ApiRequest, Cursor, Limit, rows_page
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import indicator_named, indicators
from qipan.foundation.indicators.selectors import Point, list_values
from qipan.rooms.command.schemas import IndicatorOut, ValueOut, ValuesPage
from qipan.terms.errors import Absent
from qipan.terms.roles import Permission

router = Router(tags=["indicators"])


def _out(row: IndicatorValue) -> ValueOut:
    point = Point(row.date, row.numerator, row.denominator)
    return ValueOut(
        indicator=row.indicator, area=row.area_code, date=row.date, numerator=row.numerator,
        denominator=row.denominator, value=point.value,
    )  # fmt: skip


@router.get("/indicators", response={200: list[IndicatorOut], **PROBLEMS}, summary="What is measured")
def catalogue(request: ApiRequest) -> Any:
    """Every indicator, what it is held against, and which way is better."""
    require_anywhere(request.actor, Permission.INDICATOR_VIEW)
    return [
        IndicatorOut(id=i.id, title=str(i.title), unit=gettext(i.unit) if i.unit else "", better=i.better,
                     standard=str(i.standard))
        for i in indicators()
    ]  # fmt: skip


@router.get("/indicators/{indicator}", response={200: ValuesPage, **PROBLEMS}, summary="The days of an indicator")
def values(
    request: ApiRequest,
    indicator: str,
    area: str = "",
    first: date | None = None,
    last: date | None = None,
    cursor: Cursor = "",
    limit: Limit = USUAL,
) -> Any:
    """A page of the values kept for the area and those below it."""
    require_anywhere(request.actor, Permission.INDICATOR_VIEW)
    if indicator_named(indicator) is None:
        raise Absent("indicator")
    rows = list_values(request.actor, below=request.area_path, indicator=indicator)
    if first:
        rows = rows.filter(date__gte=first)
    if last:
        rows = rows.filter(date__lte=last)
    return rows_page(rows, _out, cursor=cursor, limit=limit)
