"""Transmission chains: the whole picture of an area and a period, its figures, and the picture to take away."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.scoping import holds_wherever
from qipan.foundation.clock import civil_zone, local_date
from qipan.foundation.exports.services import export_picture
from qipan.foundation.pages.filters import Days, Text
from qipan.foundation.pages.form_page import FormPage
from qipan.foundation.pages.formats import NO_DATA, day_text, moment_iso, number
from qipan.foundation.pages.page import Page, Words, address, is_verified
from qipan.foundation.pages.words import word
from qipan.kernels.chains.statistics import ChainStatistics
from qipan.rooms.investigation.forms import PurposeForm
from qipan.rooms.investigation.selectors import MOST_IN_A_PICTURE, Chains, line_list, linked_cases
from qipan.rooms.investigation.web.pictures import draw, graph_data, lay_out, legend
from qipan.terms.errors import Absent, Refused
from qipan.terms.evidence import Classification
from qipan.terms.roles import Permission

#: days shown where nobody asked for others
DAYS = 60
#: pairs in the table beside the picture
MOST_PAIRS = 1_000

_PERIOD = Days(name="day", title=_("Reported"))
_SOURCE = Text(name="source", title=_("Source"))
_CASE = Text(name="case", title=_("Case"))


class _Asked(Page):
    """What the address asks for."""

    first: date | None
    last: date | None
    source: str | None

    def read(self) -> None:
        """The period (by default the last 60 days) and the source. Raises BadInput."""
        query = self.request.GET
        self.source = _SOURCE.read(query)
        period = _PERIOD.read(query)
        today = local_date(self.at, civil_zone())
        if period is None and "day_from" not in query:
            period = (today - timedelta(days=DAYS), today)
        self.first, self.last = period or (None, None)

    def may_take(self) -> bool:
        """Whether the reader may export wherever in the chosen area he sees cases."""
        return holds_wherever(
            self.actor, Permission.ROWS_EXPORT, held=Permission.CASE_VIEW, area_path=self.area.path
        )

    def chains(self) -> Chains | None:
        """The chains; None where there are more cases than a picture holds."""
        asked: dict[str, Any] = {
            "below": self.area.path, "first": self.first, "last": self.last, "source": self.source,
        }  # fmt: skip
        if line_list(self.actor, **asked).count() > MOST_IN_A_PICTURE:
            return None
        return linked_cases(self.actor, **asked)


def _interval(mean: str, low: float | None, high: float | None) -> str:
    """``0.4 (0.2–0.9)``; the interval is left out where there is none."""
    if low is None:
        return mean
    return f"{mean} ({low:.2f}–{'∞' if high is None else f'{high:.2f}'})"


def figures(found: ChainStatistics) -> list[tuple[Words, str, Words]]:
    """(what, figure, what it means) beside the picture."""
    si, r = found.serial_interval, found.reproduction
    mean = NO_DATA if si.mean is None else gettext("%(mean)s days") % {"mean": f"{si.mean:.1f}"}
    if r.k is not None:
        k = _interval(f"{r.k:.2f}", r.k_low, r.k_high)
    else:
        k = NO_DATA if r.k_low is None else _interval("∞", r.k_low, r.k_high)
    return [
        (_("Cases"), number(found.cases), _("discarded ones left out")),
        (_("Pairs"), number(found.pairs), _("who infected whom")),
        (_("Chains"), number(found.chains), _("of two cases and more")),
        (_("Largest chain"), number(found.largest_chain), _("cases")),
        (_("In no pair"), number(found.unlinked), _("source unknown, or the first of all")),
        (_("Generations"), number(found.generations), _("in the longest chain")),
        (_("Serial interval"), mean, _("mean, from onset to onset")),
        (_("Its spread"), NO_DATA if si.sd is None else gettext("%(mean)s days") % {"mean": f"{si.sd:.1f}"},
         _("standard deviation")),
        (_("Pairs with both days"), number(si.n), _("the others do not count for the interval")),
        (_("Negative intervals"), number(si.negative), _("ill before the infector")),
        (_("Mean infected by a case"), NO_DATA if r.mean is None else f"{r.mean:.2f}",
         _("R within these chains; cases of late are still to infect")),
        (_("Dispersion k"), k, _("small: few cases infect many; with its 95 per cent interval")),
    ]  # fmt: skip


class ChainsPage(_Asked):
    """All chains of an area and a period."""

    title = _("Chains of transmission")
    section = "cases"
    permission = Permission.CASE_VIEW
    template = "investigation/chains.html"
    help = _(
        "Who infected whom, each case at its day of onset. Wheel or + and − zoom, dragging moves, a click opens the "
        "case. The table below the picture says the same in words."
    )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The picture, its figures, its pairs."""
        self.read()
        chains = self.chains()
        asked = {"first": self.first, "last": self.last, "source": self.source or ""}
        if chains is None:
            return self.show(asked=asked, too_many=True, most=MOST_IN_A_PICTURE)
        layout = lay_out(chains, chains.cases.keys())
        sought = _CASE.read(self.request.GET) or ""
        chosen = next((str(case.id) for case in chains.cases.values() if case.case_id == sought), "")
        pairs = [
            {
                "from": chains.cases[int(pair["from_case_id"])], "to": chains.cases[int(pair["to_case_id"])],
                "days": pair["serial_interval"], "chain": pair["chain"],
                "from_word": word(Classification, chains.cases[int(pair["from_case_id"])].classification),
                "to_word": word(Classification, chains.cases[int(pair["to_case_id"])].classification),
            }
            for pair in chains.statistics.table.sort("chain", "generation").head(MOST_PAIRS).iter_rows(named=True)
        ]  # fmt: skip
        may_take = self.may_take()
        return self.show(
            asked=asked, figures=figures(chains.statistics), pairs=pairs, legend=legend(), sought=sought,
            found=bool(chosen), more_pairs=max(chains.statistics.pairs - MOST_PAIRS, 0), any=bool(chains.cases),
            graph=graph_data(layout, chains.cases, area=self.area.code, chosen=chosen),
            export_url=f"{address('chains-svg')}?{self.request.GET.urlencode()}" if may_take else "",
            png=may_take and (not settings.SECOND_FACTOR or is_verified(self.request)),
        )  # fmt: skip


class ChainsSvg(_Asked, FormPage):
    """The picture as a file: its own right, after the second factor, for a purpose, in the log."""

    title = _("Export the picture of the chains")
    section = "cases"
    permission = Permission.ROWS_EXPORT
    second_factor = True
    form = PurposeForm
    button = _("Export as SVG")
    help = _("The picture leaves with a code that names this export; the log says who took it, when and for what.")

    def fetch(self, **kwargs: Any) -> Chains:
        """The chains that the picture shows. Absent for whoever may not take all of them away."""
        if not self.may_take():
            raise Absent("page")
        self.read()
        chains = self.chains()
        if chains is None:
            raise Refused("A picture holds at most %(most)s cases: narrow the area or the period.",
                          most=MOST_IN_A_PICTURE)  # fmt: skip
        return chains

    def back(self, thing: Chains) -> str:
        """The picture."""
        return f"{address('chains')}?{self.request.GET.urlencode()}"

    def submit(self, thing: Chains, data: dict[str, Any]) -> HttpResponse:
        """The file."""

        def svg(code: str) -> str:
            title = gettext("Chains of transmission · %(area)s") % {"area": self.area.name or self.area.code}
            if self.first or self.last:
                days = [day_text(day) if day else "…" for day in (self.first, self.last)]
                title += f" · {days[0]} – {days[1]}"
            source = gettext("Source: line list in qipan, %(n)s cases, as of %(at)s. Export %(code)s.") % {
                "n": number(len(thing.cases)), "at": moment_iso(self.at), "code": code,
            }  # fmt: skip
            picture = draw(lay_out(thing, thing.cases.keys()), thing.cases, links=False, top=60)
            context = {"picture": picture, "top": 60, "heading": title, "source": source, "legend": legend(),
                       "height": picture.height + 60, "width": max(picture.width, 720)}  # fmt: skip
            return render_to_string("investigation/chains.svg.html", context)

        file = export_picture(
            actor=self.actor, what="chains", draw=svg, rows=len(thing.cases), area_path=self.area.path,
            purpose=data["purpose"], at=self.at,
        )  # fmt: skip
        answer = HttpResponse(file.content, content_type=file.content_type)
        answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
        return answer
