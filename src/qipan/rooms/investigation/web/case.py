"""One case: what is known, its contacts, its chain, what happened."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.audit.selectors import list_entries
from qipan.foundation.clock import civil_zone
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Event, Panel, State
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave, gravity, word
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.investigation.models import Case
from qipan.rooms.investigation.selectors import (
    MOST_IN_A_PICTURE,
    LinkedCase,
    access_case,
    cases_by_id,
    chain_around,
    contacts_of,
)
from qipan.rooms.investigation.web.cases import AGE, AREA, ONSET, PERSON, REPORT, SEX, SOURCE
from qipan.rooms.investigation.web.contacts import CLASS, FIRST, LAST, MINUTES, ORDER, SETTING, UNTIL, VIA, with_orders
from qipan.rooms.investigation.web.contacts import PERSON as CONTACT_PERSON
from qipan.rooms.investigation.web.pictures import draw, lay_out, legend
from qipan.terms.evidence import Classification, EvidenceKind, TestOutcome
from qipan.terms.roles import Permission

#: cases of a chain drawn on the page of one; a larger chain has its own page
MOST_DRAWN = 150
#: contacts listed on the page; the rest in the list of contacts
MOST_CONTACTS = 40


class CasePage(DetailPage):
    """One case of the line list."""

    title = _("Case")
    section = "cases"
    permission = Permission.CASE_VIEW
    facts = (
        PERSON, SEX, AGE, ONSET, REPORT,
        Column(key="outcome", title=_("Outcome"), kind=Kind.WORD, words=Case.Outcome),
        Column(key="outcome_date", title=_("Day of the outcome"), kind=Kind.DATE),
        Column(key="source_case_id", title=_("Infected by"), link="case", link_key="source_pk"),
        AREA, SOURCE,
        Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT),
    )  # fmt: skip
    body = "investigation/case.html"
    help = _(
        "What is known of one case. Confirm or discard it, and add its contacts: each becomes evidence, and the "
        "rulebook decides at once what follows for whom."
    )

    def fetch(self, **kwargs: Any) -> Case:
        """Absent where it is not the reader's."""
        case: Any = access_case(self.actor, kwargs["case_id"])
        case.source_pk = None
        if case.source_case_id:
            source = cases_by_id(case.source, [case.source_case_id]).get(case.source_case_id)
            if source is not None and self.actor.may(Permission.CASE_VIEW, source.area_path):
                case.source_pk = source.id
        return case  # type: ignore[no-any-return]

    def heading(self, thing: Case) -> Words:
        """Its number."""
        return gettext("Case %(case)s") % {"case": thing.case_id}

    def state(self, thing: Case) -> Sequence[State]:
        """Classification, and the outcome once it is known."""
        states = [State(word(Classification, thing.classification), gravity(Classification, thing.classification))]
        if thing.outcome != Case.Outcome.UNKNOWN:
            states.append(State(word(Case.Outcome, thing.outcome), gravity(Case.Outcome, thing.outcome)))
        return states

    def besides(self, thing: Case) -> dict[str, Any]:
        """Contacts with their orders, and the chain as a picture."""
        contacts = list(contacts_of(self.actor, thing.pk).select_related("person")[: MOST_CONTACTS + 1])
        more = len(contacts) > MOST_CONTACTS
        contacts = contacts[:MOST_CONTACTS]
        with_orders(contacts, self.actor, self.at)
        columns = (CONTACT_PERSON, CLASS, FIRST, LAST, SETTING, MINUTES, VIA, ORDER, UNTIL)
        url = f"{address('contacts')}?case={thing.case_id}"
        panel = Panel(_("Contacts"), columns, contacts, _("No contact is named yet."), more=url if more else "")
        return {"contacts": self._panel(panel), **self._chain(thing)}

    def _chain(self, case: Case) -> dict[str, Any]:
        if case.classification == Classification.DISCARDED:
            return {"picture": None, "links": ()}
        chains_url = f"{address('chains')}?case={case.case_id}"
        chains = chain_around(self.actor, case)
        if chains is None or case.pk not in chains.cases:
            return {"picture": None, "links": (), "far": True, "chains_url": chains_url}
        members = chains.chain_of(case.pk)
        table = chains.statistics.table
        links = []
        for end, other, title in (
            ("to_case_id", "from_case_id", _("Infected by")),
            ("from_case_id", "to_case_id", _("Infected")),
        ):
            named = table.filter(table[end] == str(case.pk))[other]
            links.append((title, [_case_link(chains.cases[int(each)]) for each in named]))
        picture = None
        if 1 < len(members) <= min(MOST_DRAWN, MOST_IN_A_PICTURE):
            picture = draw(lay_out(chains, members), chains.cases, area=self.area.code, chosen=case.pk)
        return {
            "picture": picture, "links": links, "members": len(members), "legend": legend(),
            "chains_url": chains_url,
        }  # fmt: skip

    def timeline(self, thing: Case) -> Sequence[Event]:
        """The days of the illness, what the ledger holds of this person and case, and what the log says."""
        events = []
        for day, what in ((thing.onset_date, _("Onset")), (thing.report_date, _("Reported"))):
            if day is not None:
                events.append(Event(datetime.combine(day, time(), ZoneInfo(civil_zone())), what))
        kinds = (EvidenceKind.DIAGNOSIS.value, EvidenceKind.RECOVERY.value, EvidenceKind.TEST.value)
        facts = list(list_evidence(self.actor, thing.person_id).filter(kind__in=kinds).prefetch_related("voided_by"))
        entries = list(list_entries(self.actor, subject_kind="case", subject_id=str(thing.pk))[:50])
        people = names_of("user", {fact.recorded_by for fact in facts} | {each.actor_user_id for each in entries})
        for fact in facts[-60:]:
            grave = Grave.QUIET
            said = word(EvidenceKind, fact.kind)
            if fact.kind == EvidenceKind.DIAGNOSIS.value:
                value = fact.value.get("classification", "")
                said, grave = f"{said}: {word(Classification, value)}", gravity(Classification, value)
            elif fact.kind == EvidenceKind.TEST.value:
                value = fact.value.get("result", "")
                said, grave = f"{said}: {word(TestOutcome, value)}", gravity(TestOutcome, value)
            why = gettext("taken back since") if fact.voided_by.all() else ""
            who = people.get(fact.recorded_by, "") or fact.source
            events.append(Event(fact.recorded_at, said, who, why, address("evidence", fact.pk), grave))
        for entry in entries:
            who = people.get(entry.actor_user_id, entry.actor_label)
            events.append(Event(entry.at, entry.action, who, "", address("log-entry", entry.seq)))
        return sorted(events, key=lambda event: event.at, reverse=True)

    def actions(self, thing: Case) -> Sequence[Action]:
        """What the reader may do with this case."""
        if not self.actor.may(Permission.CASE_EDIT, thing.area_path) or thing.classification == "discarded":
            return ()
        actions = [Action(_("Add a contact"), address("contact-add", thing.pk), primary=True)]
        if thing.classification in (Classification.SUSPECTED, Classification.PROBABLE):
            actions.append(Action(_("Confirm"), address("case-confirm", thing.pk), grave=True))
        if self.actor.may(Permission.EVIDENCE_VOID, thing.area_path):
            actions.append(Action(_("Discard"), address("case-discard", thing.pk), grave=True))
        return actions


def _case_link(case: LinkedCase) -> dict[str, Any]:
    return {"url": address("case", case.id), "case_id": case.case_id, "day": case.day,
            "word": word(Classification, case.classification)}  # fmt: skip



