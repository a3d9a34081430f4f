"""What would change a decision: the pure evaluator asked with facts that are not there. Reads only, stores nothing.

A course is what follows from a decision if nothing more is learnt: the codes and orders one after the other, each
with the moment at which it begins, until nothing binds any more. Each supposition gives a course of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from qipan.foundation import clock
from qipan.rooms.control.selectors.deciding import nothing_holds
from qipan.rooms.control.selectors.decisions import overdue_exemptions
from qipan.rooms.control.selectors.ledger import ledger_items
from qipan.rooms.diseases.selectors import BookCalendar, tables_in_force
from qipan.rooms.persons.selectors import person_refs
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import Tables
from qipan.terms.decisions import Decision
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceItem, EvidenceKind, HealthCode, OrderKind, TestOutcome
from qipan.terms.roles import Actor, Permission

#: a course is followed for so many changes, and so far ahead
_STEPS, _AHEAD = 60, timedelta(days=120)
_SUPPOSED = "supposed"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a course with one code and the same orders. `until` None: nothing known ends it."""

    begins: datetime
    until: datetime | None
    code: HealthCode
    #: kind and last day of what binds
    orders: tuple[tuple[OrderKind, date], ...]
    awaiting: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What follows from one supposition. `name`: which; `evidence`: the fact that it takes back."""

    name: str
    phases: tuple[Phase, ...]
    evidence: int | None = None

    @property
    def code(self) -> HealthCode:
        """The code at once."""
        return self.phases[0].code

    @property
    def free_at(self) -> datetime | None:
        """From when on nothing binds; None where that lies further ahead than we look."""
        last = self.phases[-1]
        return last.begins if not last.orders else None


class Foresight:
    """One person's ledger, read once, asked often."""

    def __init__(self, person_id: int, area_path: str, *, at: datetime, disease: str) -> None:
        self.person_id, self.area_path, self.at = person_id, area_path, at
        self.zone = ZoneInfo(clock.civil_zone())
        self.tables: Tables = tables_in_force(disease)
        self.books = BookCalendar(disease)
        self.items: list[EvidenceItem] = [
            *ledger_items(person_id, disease=disease),
            *overdue_exemptions({person_id}, at=at, disease=disease).get(person_id, ()),
        ]

    def decide(self, extra: Sequence[EvidenceItem] = (), at: datetime | None = None) -> Decision:
        """The decision with these facts besides those that are there."""
        moment = at or self.at
        book = self.books.at(self.area_path, moment.astimezone(self.zone).date())
        if book is None:
            return nothing_holds(self.person_id, moment, self.tables.revision)
        return decide(book, self.tables, [*self.items, *extra], str(self.person_id), moment)

    def item(
        self, kind: EvidenceKind, value: dict[str, Any], *, at: datetime | None = None, number: int = 0,
        voids: int | None = None, linked: int | None = None, learnt: datetime | None = None,
    ) -> EvidenceItem:  # fmt: skip
        """A fact that is supposed."""
        moment = at or self.at
        return EvidenceItem(
            evidence_id=f"{_SUPPOSED}-{number}", person_id=str(self.person_id), kind=kind, at=moment,
            recorded_at=learnt or max(moment, self.at), value=value,
            linked_person_id=None if linked is None else str(linked), voids=None if voids is None else str(voids),
        )  # fmt: skip

    def course(
        self, name: str, extra: Sequence[EvidenceItem] = (), *, evidence: int | None = None, tested: bool = False
    ) -> Course:
        """What follows from these facts. `tested`: every test that falls due is done that day, and negative."""
        facts, done = list(extra), set[date]()
        phases: list[Phase] = []
        moment, last = self.at, self.at + _AHEAD
        for _ in range(_STEPS):
            decision = self.decide(facts, moment)
            if tested and self._test(decision, facts, done):
                decision = self.decide(facts, moment)
            _follow(phases, moment, decision, self.zone)
            later = [item.at for item in facts if item.at > moment]
            if decision.next_change_at is not None:
                later.append(decision.next_change_at)
            if not later or min(later) > last:
                break
            moment = min(later)
        return Course(name, tuple(phases), evidence)

    def _test(self, decision: Decision, facts: list[EvidenceItem], done: set[date]) -> bool:
        today = self.at.astimezone(self.zone).date()
        new = {day for order in decision.orders for day in order.test_days if day >= today} - done
        for day in sorted(new):
            noon = datetime.combine(day, time(12), self.zone)
            value = {"result": TestOutcome.NEGATIVE.value, "method": "pcr"}
            facts.append(self.item(EvidenceKind.TEST, value, at=max(noon, self.at), number=len(facts) + 100))
        done |= new
        return bool(new)


def _follow(phases: list[Phase], moment: datetime, decision: Decision, zone: ZoneInfo) -> None:
    """Add a decision to a course; one that says the same lengthens the last phase."""
    day = moment.astimezone(zone).date()
    orders = tuple((order.kind, order.ends) for order in decision.orders)
    phase = Phase(moment, None, decision.code, orders, any(o.awaiting for o in decision.orders if o.starts <= day))
    if phases:
        before = phases[-1]
        if (before.code, before.orders, before.awaiting) == (phase.code, phase.orders, phase.awaiting):
            return
        phases[-1] = Phase(before.begins, moment, before.code, before.orders, before.awaiting)
    phases.append(phase)


def foresight_of(actor: Actor, person_id: int, *, at: datetime, disease: str = "covid19") -> Foresight:
    """The evaluator over one person's ledger, for whoever may see his decision. Raises Absent."""
    ref = person_refs([person_id]).get(person_id)
    if ref is None or not actor.may(Permission.DECISION_VIEW, ref.area_path):
        raise Absent("person")
    return Foresight(person_id, ref.area_path, at=at, disease=disease)


def courses_of(actor: Actor, person_id: int, *, at: datetime, disease: str = "covid19") -> list[Course]:
    """What would change the decision about a person: nothing more, tests, symptoms, a diagnosis, another exposure, each
    fact that it stands on taken back. Facts about others are not taken back here. Raises Absent.
    """
    sight = foresight_of(actor, person_id, at=at, disease=disease)
    today = at.astimezone(sight.zone).date().isoformat()
    present = sight.decide()
    courses = [sight.course("nothing")]
    if any(order.test_days for order in present.orders):
        courses.append(sight.course("tests_negative", tested=True))
    supposed: list[tuple[str, EvidenceKind, dict[str, Any]]] = [
        ("negative", EvidenceKind.TEST, {"result": "negative", "method": "pcr"}),
        ("positive", EvidenceKind.TEST, {"result": "positive", "method": "pcr"}),
        ("symptoms", EvidenceKind.SYMPTOM, {"symptoms": ["fever"]}),
        ("confirmed", EvidenceKind.DIAGNOSIS, {"classification": "confirmed"}),
        ("recovered", EvidenceKind.RECOVERY, {}),
        ("exposed", EvidenceKind.EXPOSURE, {"first": today, "last": today, "setting": "household", "class": "close"}),
    ]
    courses += [sight.course(name, [sight.item(kind, value)]) for name, kind, value in supposed]
    own = {item.evidence_id for item in sight.items if item.person_id == str(person_id)}
    grounds = dict.fromkeys(each for reason in present.reasons for each in reason.evidence)
    exemptions = {item.evidence_id for item in sight.items if item.kind is EvidenceKind.EXEMPTION}
    for each in [each for each in grounds if each in own and each.isdigit() and each not in exemptions][:6]:
        correction = sight.item(EvidenceKind.CORRECTION, {}, voids=int(each))
        courses.append(sight.course("without", [correction], evidence=int(each)))
    return courses
