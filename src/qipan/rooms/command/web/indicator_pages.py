"""All numbers of an area, and one number with its days, its areas and its norm."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.indicators.registry import indicator_named, indicators
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Page
from qipan.rooms.command.web.figures import Figure, figures, said, tiles
from qipan.rooms.geography.selectors import list_areas
from qipan.terms.errors import Absent
from qipan.terms.roles import Permission

DAYS = 30


class Indicators(ListPage):
    """Every indicator of the chosen area, as of the last daily cycle."""

    title = _("Indicators")
    section = "board"
    permission = Permission.INDICATOR_VIEW
    columns = (
        Column(key="title", title=_("Indicator")),
        Column(key="value", title=_("Value")),
        Column(key="unit", title=_("Unit")),
        Column(key="change", title=_("Change")),
        Column(key="standard", title=_("Held against"), wide=True),
        Column(key="day", title=_("Day"), kind=Kind.DATE),
    )
    opens, opens_key, row_key = "indicator", "id", "id"
    export = "indicators"
    help = _("Numbers computed from facts, never typed in. Each says what it is held against, and leads to its list.")
    empty = _("No indicator is registered.")

    def rows(self) -> Sequence[Figure]:
        """All of them."""
        today = clock.local_date(self.at, clock.civil_zone())
        ids = [each.id for each in indicators()]
        return figures(self.actor, ids, area_code=self.area.code, area_path=self.area.path, until=today)


class IndicatorPage(Page):
    """One indicator: a month of days, and the areas below."""

    title = _("Indicator")
    section = "board"
    permission = Permission.INDICATOR_VIEW
    template = "command/indicator.html"
    help = _("The days of one number, and how it stands in the areas below.")

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page. Raises Absent for an unknown indicator."""
        indicator = indicator_named(kwargs["indicator"])
        if indicator is None:
            raise Absent("indicator")
        until = clock.local_date(self.at, clock.civil_zone())
        first = until - timedelta(days=DAYS - 1)
        here = figures(
            self.actor, [indicator.id], area_code=self.area.code, area_path=self.area.path, until=until, days=DAYS
        )[0]
        depth = self.area.path.count("/") + 1
        below = [a for a in list_areas(self.actor, self.area.path)[:400] if a.path.count("/") == depth]
        days, points = tiles(self.actor, indicator, below, first=first, until=until)
        rows = []
        for area in below:
            known = [point for point in points[area.code] if point is not None]
            if known:
                name = area.name_zh if is_chinese() else area.name_en or area.name_zh
                values = [point.value if point else None for point in points[area.code]]
                rows.append((area.code, name, said(indicator, known[-1]), values))
        return self.show(
            heading=indicator.title, figure=here, indicator=indicator, rows=rows, table=self._table(days, here),
            chart=self._chart(indicator, days, here), head=(),
        )  # fmt: skip

    def _table(self, days: Sequence[date], here: Figure) -> list[tuple[date, float | None]]:
        return list(zip(days, here.series, strict=True))

    def _chart(self, indicator: Any, days: Sequence[date], here: Figure) -> dict[str, Any]:
        share = indicator.unit == "%"
        values = [None if v is None else round(v * 100, 1) if share else round(v, 2) for v in here.series]
        return {
            "kind": "line",
            "axis": "%" if share else str(here.unit),
            "days": [day.isoformat() for day in days],
            "labels": [day.isoformat()[5:] for day in days],
            "series": [{"name": str(indicator.title), "colour": "blue", "values": values}],
            "marks": [],
        }
