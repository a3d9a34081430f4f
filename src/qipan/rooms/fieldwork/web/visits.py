"""The visits: the list, and one of them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice, Days, Text, by_person_code
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import gravity, word
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.selectors import access_visit, list_visits
from qipan.rooms.fieldwork.web.shown import PassedTo
from qipan.terms.evidence import EvidenceKind, FollowUpOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

VISITED_AT = Column(key="visited_at", title=_("Visited"), kind=Kind.INSTANT, sort="visited_at")
OUTCOME = Column(key="outcome", title=_("Outcome"), kind=Kind.WORD, words=FollowUpOutcome, sort="outcome")
PASSED_TO = Column(key="passed_to", title=_("Passed on"), kind=Kind.WORD, words=PassedTo, sort="passed_to")
AGAIN_ON = Column(key="again_on", title=_("Again on"), kind=Kind.DATE, sort="again_on")


class Visits(ListPage):
    """What happened at the doors."""

    title = _("Visits")
    section = "field"
    permission = Permission.VISIT_VIEW
    columns = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON, sort="person_id"),
        OUTCOME,
        VISITED_AT,
        Column(key="area_path", title=_("Area"), kind=Kind.AREA, wide=True),
        PASSED_TO,
        AGAIN_ON,
        Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT, sort="recorded_at", wide=True),
        Column(key="recorded_by", title=_("By"), kind=Kind.USER, wide=True),
        Column(key="order_id", title=_("Order number"), link="order", link_key="order_id", wide=True),
    )
    filters = (
        Text(name="person", title=_("Person code"), keep=by_person_code),
        Choice(name="outcome", title=_("Outcome"), words=FollowUpOutcome),
        Choice(name="passed_to", title=_("Passed on"), words=PassedTo),
        Days(name="due_on", title=_("Day")),
    )
    sort = ("visited_at", True)
    opens = "visit"
    person_key = "person_id"
    export = "visits"
    help = _("Every follow-up at a door, by code, with its outcome and what it led to.")
    empty = _("No visit has been recorded here yet.")

    def rows(self) -> QuerySet[Visit]:
        """Of the chosen area."""
        return list_visits(self.actor, below=self.area.path)

    def head(self) -> Sequence[Link]:
        """The other lists of field work."""
        return (Link(_("By area"), address("field-cells")), Link(_("Everything to do"), address("field-tasks")))


class VisitPage(DetailPage):
    """One visit."""

    title = _("Visit")
    section = "field"
    permission = Permission.VISIT_VIEW
    facts = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON),
        VISITED_AT,
        Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT),
        Column(key="recorded_by", title=_("By"), kind=Kind.USER),
        Column(key="order_id", title=_("Order number"), link="order", link_key="order_id"),
        AGAIN_ON,
        PASSED_TO,
        Column(key="area_path", title=_("Area"), kind=Kind.AREA),
    )
    help = _(
        "A visit is a fact and is not edited. What is wrong with it, whoever may void evidence puts right on the page "
        "of its evidence."
    )

    def fetch(self, **kwargs: Any) -> Visit:
        """Absent where it is not the reader's."""
        return access_visit(self.actor, kwargs["visit_id"])

    def heading(self, thing: Visit) -> Words:
        """Whose door."""
        return _("Visit to %(person)s") % {"person": person_code(thing.person_id)}

    def state(self, thing: Visit) -> Sequence[State]:
        """Its outcome."""
        return (State(word(FollowUpOutcome, thing.outcome), gravity(FollowUpOutcome, thing.outcome)),)

    def panels(self, thing: Visit) -> Sequence[Panel]:
        """Its evidence, for those who may see the ledger."""
        if not self.actor.areas_for(Permission.EVIDENCE_VIEW):
            return ()
        columns = (
            Column(key="kind", title=_("Evidence"), kind=Kind.WORD, words=EvidenceKind, link="evidence"),
            Column(key="at", title=_("At"), kind=Kind.INSTANT),
        )
        found = list_evidence(self.actor, thing.person_id).filter(key=bytes(thing.evidence_key))
        return (Panel(_("Evidence"), columns, list(found[:5]), _("Its evidence is not yours to see.")),)
