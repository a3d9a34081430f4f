"""The list of results, and one result."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.audit.selectors import list_entries
from qipan.foundation.clock import civil_zone, day_end, day_start
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, Event, Panel, State
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.formats import span
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave, gravity, word
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.rules import TURNAROUND, for_person
from qipan.rooms.testing.selectors import access_result, list_pool, list_results
from qipan.terms.evidence import TestOutcome
from qipan.terms.roles import Permission

#: people of one tube that are listed
MOST_IN_A_POOL = 20


def _turnaround(result: Any) -> Words:
    """How long the laboratory took, from sampling to result."""
    return span(result.resulted_at - result.sampled_at)


def _days(rows: Any, first: date | None, last: date | None) -> Any:
    """Resulted on these local days."""
    if first:
        rows = rows.filter(resulted_at__gte=day_start(first, civil_zone()))
    return rows.filter(resulted_at__lt=day_end(last, civil_zone())) if last else rows


SPECIMEN = Column(key="specimen_id", title=_("Specimen"))
PERSON = Column(key="person_id", title=_("Person"), kind=Kind.PERSON)
SAMPLED = Column(key="sampled_at", title=_("Sampled"), kind=Kind.INSTANT, wide=True)
RESULTED = Column(key="resulted_at", title=_("Resulted"), kind=Kind.INSTANT, sort="resulted_at")
METHOD = Column(key="method", title=_("Method"), wide=True)
RESULT = Column(key="result", title=_("Result"), kind=Kind.WORD, words=TestOutcome)
CT = Column(key="ct", title=_("Ct value"), kind=Kind.NUMBER, wide=True)
POOL = Column(key="pool_id", title=_("Pool"), wide=True)
LABORATORY = Column(key="laboratory", title=_("Laboratory"), wide=True)
SITE = Column(key="site", title=_("Sampled at"), wide=True)
TOOK = Column(key="turnaround", title=_("Took"), value=_turnaround)


class Results(ListPage):
    """Results of people who live in the chosen area."""

    title = _("Test results")
    section = "testing"
    permission = Permission.TEST_VIEW
    columns = (SPECIMEN, PERSON, SAMPLED, RESULTED, METHOD, RESULT, CT, POOL, LABORATORY, SITE, TOOK)
    filters = (
        Choice(name="result", title=_("Result"), words=TestOutcome),
        Days(name="day", title=_("Resulted"), keep=_days),
        Text(name="laboratory", title=_("Laboratory")),
        Text(name="specimen", title=_("Specimen"), field="specimen_id"),
    )
    sort = ("resulted_at", True)
    opens = "test-result"
    person_key = "person_id"
    counted_to = 10_000
    export = "tests"
    help = _(
        "What laboratories reported, the latest first. A pool’s positive binds nobody in it until each is tested "
        "alone. “Took” is the time from sampling to result."
    )
    empty = _("No result is recorded here. Laboratories send files by import; a single result is recorded by hand.")

    def rows(self) -> QuerySet[TestResult]:
        """Of people at and below the chosen area."""
        return list_results(self.actor, below=self.area.path)

    def head(self) -> Sequence[Link]:
        """Positives first, import, one by hand."""
        positive = TestOutcome.POSITIVE.value
        links = []
        if self.request.GET.get("result") != positive:
            links.append(Link(_("Positives only"), self.query(result=positive)))
        if self.actor.areas_for(Permission.BATCH_IMPORT) and self.actor.areas_for(Permission.TEST_RECORD):
            url = address("import-new", "tests") or address("imports")
            links += [Link(_("Import results"), url)] if url else []
        if self.actor.areas_for(Permission.TEST_RECORD):
            links.append(Link(_("Record a result"), address("test-record"), primary=True))
        return links


class ResultPage(DetailPage):
    """One specimen's result."""

    title = _("Test result")
    section = "testing"
    permission = Permission.TEST_VIEW
    facts = (
        PERSON, SPECIMEN, METHOD, CT, POOL, SAMPLED, RESULTED, TOOK, SITE, LABORATORY,
        Column(key="source", title=_("Source")),
        Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT),
    )  # fmt: skip
    help = _("What the laboratory said of one tube, and what it means for the person whose tube it was.")

    def fetch(self, **kwargs: Any) -> TestResult:
        """Absent where the person lives elsewhere."""
        return access_result(self.actor, kwargs["result_id"])

    def heading(self, thing: TestResult) -> Words:
        """Which specimen."""
        return gettext("Specimen %(specimen)s") % {"specimen": thing.specimen_id}

    def state(self, thing: TestResult) -> Sequence[State]:
        """The result; of a pool also what it means for the person."""
        states = [State(word(TestOutcome, thing.result), gravity(TestOutcome, thing.result))]
        meant = for_person(TestOutcome(thing.result), thing.pool_id)
        if meant.value != thing.result:
            said = gettext("a pool: for this person %(result)s") % {"result": word(TestOutcome, meant.value)}
            states.append(State(said, gravity(TestOutcome, meant.value)))
        late = thing.resulted_at - thing.sampled_at > TURNAROUND
        if late:
            said = gettext("took %(span)s; the standard is %(most)s") % {
                "span": _turnaround(thing), "most": span(TURNAROUND),
            }  # fmt: skip
            states.append(State(said, Grave.WARN))
        return states

    def clocks(self, thing: TestResult) -> Sequence[Clock]:
        """None: the result is there."""
        return ()

    def timeline(self, thing: TestResult) -> Sequence[Event]:
        """Sampled, resulted, recorded, and what the ledger and the log say."""
        grave = gravity(TestOutcome, thing.result)
        events = [
            Event(thing.sampled_at, gettext("sampled"), thing.site),
            Event(thing.resulted_at, gettext("resulted: %(result)s") % {"result": word(TestOutcome, thing.result)},
                  thing.laboratory, grave=grave),
        ]  # fmt: skip
        facts = list(list_evidence(self.actor, thing.person_id).filter(key=bytes(thing.evidence_key)))
        entries = list(list_entries(self.actor, subject_kind="test", subject_id=str(thing.pk))[:20])
        people = names_of("user", {fact.recorded_by for fact in facts} | {each.actor_user_id for each in entries})
        for fact in facts:
            who = people.get(fact.recorded_by, "") or fact.source
            events.append(Event(fact.recorded_at, gettext("in the ledger"), who, "", address("evidence", fact.pk)))
        for entry in entries:
            who = people.get(entry.actor_user_id, entry.actor_label)
            events.append(Event(entry.at, entry.action, who, "", address("log-entry", entry.seq)))
        return sorted(events, key=lambda event: event.at, reverse=True)

    def panels(self, thing: TestResult) -> Sequence[Panel]:
        """Who else is in the tube."""
        if not thing.pool_id:
            return ()
        others = list_pool(self.actor, source=thing.source, pool_id=thing.pool_id).exclude(pk=thing.pk)
        columns = (
            Column(key="specimen_id", title=_("Specimen"), link="test-result"),
            PERSON, RESULT,
        )  # fmt: skip
        return (
            Panel(_("In the same tube"), columns, list(others[:MOST_IN_A_POOL]), _("Nobody else whom you may see.")),
        )

    def actions(self, thing: TestResult) -> Sequence[Action]:
        """Taking it back."""
        if self.actor.may(Permission.EVIDENCE_VOID, thing.person.area_path):
            return (Action(_("Take the result back"), address("test-void", thing.pk), grave=True),)
        return ()



