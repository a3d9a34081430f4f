"""The decision explorer: a person's code and why, until when, and what would change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, State
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import word
from qipan.rooms.control.forms import FACT_FORMS
from qipan.rooms.control.rules import WHO_MAY_STATE
from qipan.rooms.control.selectors import (
    Course,
    Phase,
    courses_of,
    decision_of,
    grounds_for,
    ledger_of,
    orders_of,
)
from qipan.rooms.control.selectors.decisions import CurrentDecision
from qipan.rooms.control.web.saying import fact_words, rule_words, value_words, void_words
from qipan.rooms.persons.selectors import person_refs
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind, HealthCode, OrderKind
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Actor, Permission

_SUPPOSED: dict[str, Words] = {
    "nothing": _("Nothing more is learnt"),
    "tests_negative": _("Every test that falls due is done, and negative"),
    "negative": _("A negative test today"),
    "positive": _("A positive test today"),
    "symptoms": _("Fever today"),
    "confirmed": _("A confirmed diagnosis today"),
    "recovered": _("Recovery today"),
    "exposed": _("Another close contact with a case today"),
}


def id_of(code: str) -> int:
    """The person behind a code in an address. Raises Absent."""
    try:
        return parse_person_code(code)
    except ValueError:
        raise Absent("person") from None


def kinds_for(actor: Actor, person_id: int) -> list[EvidenceKind]:
    """The kinds of facts that this actor may state about this person; none where there is no such person."""
    ref = person_refs([person_id]).get(person_id)
    return [] if ref is None else kinds_at(actor, ref.area_path)


def kinds_at(actor: Actor, area_path: str) -> list[EvidenceKind]:
    """The kinds of facts that this actor may state about people who live there."""
    return [
        kind for kind in FACT_FORMS if any(actor.may(permission, area_path) for permission in WHO_MAY_STATE[kind])
    ]


@dataclass(frozen=True, slots=True)
class ShownPhase:
    """A phase in words."""

    code: str
    code_word: Words
    until: str
    orders: Words
    awaiting: bool


@dataclass(frozen=True, slots=True)
class ShownCourse:
    """A supposition and what follows, in words."""

    title: Words
    phases: Sequence[ShownPhase]
    free: Words
    #: against what happens if nothing more is learnt: free "earlier" or "later", the "same", or "other" at the same end
    against: str


def _phase(phase: Phase, today: date) -> ShownPhase:
    orders = ", ".join(
        gettext("%(order)s until 24:00 on %(day)s") % {"order": word(OrderKind, kind), "day": formats.day_text(last)}
        for kind, last in phase.orders
    )
    until = formats.moment_text(phase.until) if phase.until is not None else ""
    return ShownPhase(
        phase.code.value, word(HealthCode, phase.code.value), until, orders or _("nothing binds"), phase.awaiting
    )


def _against(course: Course, base: Course) -> str:
    if course.phases == base.phases:
        return "same"
    if course.free_at is None or (base.free_at is not None and course.free_at > base.free_at):
        return "later"
    if base.free_at is None or course.free_at < base.free_at:
        return "earlier"
    return "other"


class DecisionPage(DetailPage):
    """One person's decision: the code, why, until when, what would change it, and the ledger it stands on."""

    title = _("Decision")
    assets = ("control/control.css",)
    section = "people"
    permission = Permission.DECISION_VIEW
    body = "control/decision.html"
    help = _(
        "The rulebook decides from the facts below; nobody sets a code. “What would change it” asks the same rulebook "
        "with facts that are not there: nothing of it is stored."
    )

    def fetch(self, **kwargs: Any) -> CurrentDecision:
        """Absent where the reader may not see decisions."""
        return decision_of(self.actor, id_of(kwargs["code"]), at=self.at)

    def heading(self, thing: CurrentDecision) -> Words:
        """Of whom."""
        return gettext("Decision about %(person)s") % {"person": person_code(thing.person_id)}

    def state(self, thing: CurrentDecision) -> Sequence[State]:
        """The code."""
        return (State(word(HealthCode, thing.code.value), code=thing.code.value),)

    def clocks(self, thing: CurrentDecision) -> Sequence[Clock]:
        """When it changes by itself."""
        return (Clock(_("Next change"), thing.next_change_at, neutral=True),) if thing.next_change_at else ()

    def actions(self, thing: CurrentDecision) -> Sequence[Action]:
        """The person, and stating a fact."""
        code = person_code(thing.person_id)
        offered = []
        if kinds_for(self.actor, thing.person_id):
            offered.append(Action(_("Record a fact"), address("evidence-record", code), primary=True))
        if self.actor.areas_for(Permission.PERSON_VIEW) and address("person", code):
            offered.append(Action(_("Person"), address("person", code)))
        return offered

    def besides(self, thing: CurrentDecision) -> dict[str, Any]:
        """Reasons, orders, suppositions, the ledger."""
        reasons = [(each["rule"], each["authority"], each["evidence"]) for each in thing.content["reasons"]]
        grounds = grounds_for(self.actor, thing.rulebook, reasons)
        seen = bool(self.actor.areas_for(Permission.EVIDENCE_VIEW))
        lines = ledger_of(self.actor, thing.person_id) if seen else []
        stored = {(o.kind, o.rule, o.until.isoformat()): o.pk for o in reversed(orders_of(self.actor, thing.person_id))}
        facts = {line.evidence.pk: fact_words(line.evidence) for line in lines}
        return {
            "grounds": [(each, rule_words(each), [(row, fact_words(row)) for row in each.evidence])
                        for each in grounds],
            "orders": [self._order(order, stored) for order in thing.content["orders"]],
            "courses": self._courses(thing.person_id, facts),
            "lines": [(line, value_words(line.evidence.kind, line.evidence.value), void_words(line))
                      for line in lines],
            "may_see_ledger": seen,
            "may_void": self._may_void(thing.person_id),
        }  # fmt: skip

    def _may_void(self, person_id: int) -> bool:
        ref = person_refs([person_id]).get(person_id)
        return ref is not None and self.actor.may(Permission.EVIDENCE_VOID, ref.area_path)

    def _order(self, order: dict[str, Any], stored: dict[tuple[str, str, str], int]) -> dict[str, Any]:
        key = (order["kind"], order["rule"], order["until"])
        until = date.fromisoformat(order["latest"] if order["awaiting"] else order["until"])
        return {
            "kind": word(OrderKind, order["kind"]), "starts": date.fromisoformat(order["starts"]), "until": until,
            "awaiting": order["awaiting"], "tests": order["test_days"],
            "url": address("order", stored[key]) if key in stored else "",
        }  # fmt: skip

    def _courses(self, person_id: int, facts: dict[int, str]) -> list[ShownCourse]:
        today = formats.local(self.at).date()
        courses = courses_of(self.actor, person_id, at=self.at)
        shown = []
        for course in courses:
            title = _SUPPOSED.get(course.name, "")
            if course.evidence is not None:
                fact = facts.get(course.evidence) or gettext("fact %(id)s") % {"id": course.evidence}
                title = gettext("Taken back: %(fact)s") % {"fact": fact}
            free: Words = _("further ahead than we look")
            if course.free_at is not None:
                now = course.free_at <= self.at
                free = _("at once") if now else gettext("from %(day)s") % {"day": formats.moment_text(course.free_at)}
            phases = [_phase(phase, today) for phase in course.phases]
            against = _against(course, courses[0]) if course is not courses[0] else ""
            shown.append(ShownCourse(title, phases, free, against))
        return shown
