"""The board: six figures, the map and the curve, what waits for a decision, means against standard, what happened."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.audit.selectors import activity
from qipan.foundation.indicators.registry import Indicator, indicators
from qipan.foundation.indicators.selectors import list_values
from qipan.foundation.pages.actions import action_words
from qipan.foundation.pages.charts import EpiCurve, epi_curve
from qipan.foundation.pages.list_page import Link
from qipan.foundation.pages.page import Page, address
from qipan.rooms.command.selectors import counting_in, list_days
from qipan.rooms.command.web.figures import FIRST_ROW, figures, tiles
from qipan.rooms.command.web.tile_map import TileMap, tile_map
from qipan.rooms.command.web.waiting import waiting_now
from qipan.rooms.geography.selectors import list_areas
from qipan.rooms.investigation.selectors import line_list
from qipan.terms.errors import BadInput
from qipan.terms.evidence import Classification
from qipan.terms.roles import Permission

PERIOD = 30
RECENT = timedelta(hours=24)
_COLOURS = {"confirmed": "vermilion", "asymptomatic": "orange", "probable": "purple", "suspected": "sky"}
#: rooms for 10,000 people that are asked for (Henan, May 2022; Medicine and Health News, 2022-05-24)
ROOMS_STANDARD = 60


class Board(Page):
    """The first page."""

    title = _("Board")
    section = "board"
    permission = Permission.INDICATOR_VIEW
    template = "command/board.html"
    wall = True
    help = _(
        "The state of the chosen area. Every figure leads to its list; what is held against a standard says which. "
        "Figures are those of the last daily cycle; what waits for a decision is of this moment."
    )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The board of the chosen area."""
        today = clock.local_date(self.at, clock.civil_zone())
        newest = list_values(self.actor, below=self.area.path).order_by("-date").values_list("date", flat=True).first()
        until = min(today, newest) if newest else today
        chosen = self._indicator()
        below = self._below()
        return self.show(
            figures=figures(self.actor, FIRST_ROW, area_code=self.area.code, area_path=self.area.path, until=until),
            until=until if newest else None,
            day_was_run=bool(newest) or list_days(self.actor).exists(),
            map=self._map(chosen, below, until) if chosen and below else None,
            chosen=chosen,
            choices=[(each.id, each.title) for each in indicators()],
            curve=self._curve(today),
            waiting=waiting_now(self.actor, area_path=self.area.path, area_code=self.area.code, at=self.at),
            means=self._means(below, until),
            activity=[
                (action_words(action), n, last)
                for action, n, last in activity(
                    self.actor, area_path=self.area.path, since=self.at - RECENT, until=self.at
                )[:12]
            ],
            log=address("log") if self.actor.areas_for(Permission.AUDIT_VIEW) else "",
            head=(Link(_("All indicators"), address("indicators")), Link(_("Wall"), f"{address('board')}?wall=1")),
        )

    def _indicator(self) -> Indicator | None:
        """The indicator that colours the map. Raises BadInput for an unknown one."""
        wanted = self.request.GET.get("map", "investigation.cases_reported")
        known = {each.id: each for each in indicators()}
        if wanted not in known:
            raise BadInput("There is no indicator “%(name)s”.", name=wanted[:60])
        return known[wanted]

    def _below(self) -> list[Any]:
        """The areas of the next level down that have figures, at most a hundred."""
        for depth in range(1, 4):
            wanted = self.area.path.count("/") + depth
            found = [a for a in self._tree if a.path.count("/") == wanted and a.level in ("county", "township")]
            if found:
                return found[:100]
        return []

    @property
    def _tree(self) -> list[Any]:
        if not hasattr(self, "_areas"):
            self._areas = list(
                list_areas(self.actor, self.area.path).filter(level__in=["city", "county", "township"])[:400]
            )
        return self._areas

    def _map(self, indicator: Indicator, below: Sequence[Any], until: date) -> TileMap:
        first = until - timedelta(days=PERIOD - 1)
        days, points = tiles(self.actor, indicator, below, first=first, until=until)
        asked = self.request.GET.get("day", "")
        try:
            chosen = date.fromisoformat(asked) if asked else until
        except ValueError:
            raise BadInput("“%(text)s” is not a date (YYYY-MM-DD).", text=asked[:30]) from None
        return tile_map(indicator, below, days, points, chosen)

    def _curve(self, today: date) -> EpiCurve:
        """Cases by day and class. Counted as the system inside the area: only counts leave."""
        counting = counting_in(self.actor, self.area.path)
        cases = line_list(counting, below=self.area.path, first=today - timedelta(days=89), last=today)
        cases = cases.exclude(classification=Classification.DISCARDED.value)
        named: Any = cases.order_by()  # `day` is the selector's own
        counted = named.values("day", "classification").annotate(n=Count("pk"))
        rows = [(row["day"], row["classification"], row["n"]) for row in counted]
        return epi_curve(
            rows, key="board-curve", title=_("Cases by day of report, else of onset"), axis=_("cases"),
            words=Classification, colours=_COLOURS, until=today,
        )  # fmt: skip

    def _means(self, below: Sequence[Any], until: date) -> list[dict[str, Any]]:
        """Rooms against the standard, by area: need, have, short."""
        values = list_values(self.actor, indicator="quarantine.rooms_per_10000", date=until).filter(
            area_code__in=[area.code for area in below]
        )
        have = {code: (rooms, people) for code, rooms, people in values.values_list(
            "area_code", "numerator", "denominator")}  # fmt: skip
        lines = []
        for area in below:
            if area.level != "county" or area.code not in have:
                continue
            rooms, tens = have[area.code]
            need = round(ROOMS_STANDARD * (tens or 0))
            lines.append({"area": area, "need": need, "have": int(rooms), "short": max(0, need - int(rooms))})
        return lines

