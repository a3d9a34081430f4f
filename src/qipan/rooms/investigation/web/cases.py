"""The line list, with its epidemic curve."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.clock import civil_zone, local_date
from qipan.foundation.pages.charts import epi_curve
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.rooms.investigation.models import Case
from qipan.rooms.investigation.selectors import case_contacts_count, epidemic_curve, line_list
from qipan.rooms.investigation.web.words import COLOURS, age_of, sex_words
from qipan.terms.evidence import Classification
from qipan.terms.roles import Permission

CASE_ID = Column(key="case_id", title=_("Case"), sort="case_id")
PERSON = Column(key="person_id", title=_("Person"), kind=Kind.PERSON)
CLASSIFICATION = Column(
    key="classification", title=_("Classification"), kind=Kind.WORD, words=Classification, sort="classification"
)
ONSET = Column(key="onset_date", title=_("Onset"), kind=Kind.DATE, sort="onset_date")
REPORT = Column(key="report_date", title=_("Reported"), kind=Kind.DATE, sort="report_date")
AREA = Column(key="area_path", title=_("Area"), kind=Kind.AREA, wide=True)
SEX = Column(key="sex", title=_("Sex"), value=lambda case: sex_words(case.person.sex), wide=True)
AGE = Column(key="age", title=_("Age"), kind=Kind.NUMBER, value=age_of, wide=True)
SOURCE = Column(key="source", title=_("Source"), wide=True)

#: day by which the curve counts -> (word, title)
CURVES: dict[str, tuple[Words, Words]] = {
    "first": (_("onset, else report"), _("Cases by day of onset; of report where there was none")),
    "onset": (_("onset"), _("Cases by day of onset")),
    "report": (_("report"), _("Cases by day of report")),
}


class Cases(ListPage):
    """The line list of the chosen area."""

    title = _("Cases")
    section = "cases"
    permission = Permission.CASE_VIEW
    columns = (
        CASE_ID, PERSON, CLASSIFICATION, ONSET, REPORT, AREA, SEX, AGE, SOURCE,
        Column(key="contacts_named", title=_("Contacts"), kind=Kind.NUMBER),
    )  # fmt: skip
    filters = (
        Choice(name="classification", title=_("Classification"), words=Classification),
        Days(name="onset", title=_("Onset"), field="onset_date"),
        Days(name="report", title=_("Reported"), field="report_date"),
        Text(name="source", title=_("Source")),
        Text(name="case", title=_("Case"), field="case_id"),
    )
    sort = ("report_date", True)
    opens = "case"
    person_key = "person_id"
    export = "cases"
    lead_template = "investigation/cases_lead.html"
    help = _(
        "Everybody who is, may be or was thought to be ill, one row each. Choose an area and days; the curve above "
        "shows the cases that the filters leave. A row opens the case."
    )
    empty = _("No case is recorded here. Import a line list, or add the first case.")

    def rows(self) -> QuerySet[Case]:
        """At and below the chosen area."""
        return line_list(self.actor, below=self.area.path).select_related("person")

    def kept(self, rows: Sequence[Any]) -> Sequence[Any]:
        """With how many contacts are named of each."""
        counts = case_contacts_count([case.pk for case in rows])
        for case in rows:
            case.contacts_named = counts.get(case.pk, 0)
        return rows

    def head(self) -> Sequence[Link]:
        """Adding, contacts, chains, import."""
        links = [Link(_("Contacts"), address("contacts")), Link(_("Chains"), address("chains"))]
        if self.actor.areas_for(Permission.BATCH_IMPORT) and self.actor.areas_for(Permission.CASE_EDIT):
            url = address("import-new", "cases") or address("imports")
            links += [Link(_("Import a line list"), url)] if url else []
        if self.actor.areas_for(Permission.CASE_EDIT):
            links.append(Link(_("Add a case"), address("case-add"), primary=True))
        return links

    def lead(self) -> dict[str, Any]:
        """The curve of the cases that the filters leave, by the day that was asked for."""
        asked = self.request.GET.get("by", "")
        by = asked if asked in CURVES else "first"
        values = self.values()
        until = None if "onset" in values or "report" in values else local_date(self.at, civil_zone())
        curve = epi_curve(
            epidemic_curve(self.filtered(), by=by), key="epicurve", title=CURVES[by][1], axis=_("cases"),
            words=Classification, colours=COLOURS, until=until,
        )  # fmt: skip
        ways = [
            (words, by == name, self.query(by=None if name == "first" else name))
            for name, (words, _title) in CURVES.items()
        ]
        return {"curve": curve, "ways": ways}
