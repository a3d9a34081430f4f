"""The work of a day at the doors, computed from orders and visits; nothing of it is stored.

People appear by code: whoever needs the name and the door opens them with a purpose (persons.services).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from django.db.models import Exists, OuterRef, Q, QuerySet

from qipan.foundation import clock
from qipan.foundation.access.scoping import scope, within
from qipan.rooms.control.selectors import OrderFact, ledger_frame, list_orders, order_facts
from qipan.rooms.control.selectors.orders import is_genuine
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.rules import (
    HOME_KINDS,
    LOOK_BACK,
    TEST_KINDS,
    Attempt,
    first_visit_on,
    follow_up,
    sample_due_on,
)
from qipan.rulebooks.frames import voided
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind, FollowUpOutcome, OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

VISIT, TEST = "visit", "test"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to do for one person on one day: a follow-up visit, or a sample to take or remind of.

    `due`: still to be done today; `done`: done; neither: tried today, again another day. `due_on` is the day
    it was first due for (a test day in the past is overdue); `missed_since` is None where nothing was missed.
    """

    task: str
    person_id: int
    person_code: str
    household_id: int | None
    area_path: str
    order_id: int
    order_kind: OrderKind
    due_on: date
    due: bool
    done: bool
    missed_since: date | None
    last_outcome: FollowUpOutcome | None
    not_found_in_row: int


def local(moment: datetime) -> datetime:
    """An instant on the local clock."""
    return moment.astimezone(ZoneInfo(clock.civil_zone()))


def attempt_of(visited_at: datetime, outcome: str) -> Attempt:
    """A visit as the rules see it."""
    moment = local(visited_at)
    return Attempt(moment.date(), moment.time(), FollowUpOutcome(outcome))


def list_visits(actor: Actor, *, day: date | None = None, below: str | None = None) -> QuerySet[Visit]:
    """The visits that this actor may see, in order of time; `day`: those of that local day."""
    visits = scope(Visit.objects.all(), actor, Permission.VISIT_VIEW)
    if below is not None:
        visits = visits.filter(within(below))
    if day is not None:
        visits = visits.filter(due_on=day)
    return visits.order_by("visited_at", "pk")


def access_visit(actor: Actor, visit_id: int) -> Visit:
    """One visit. Raises Absent."""
    visit = list_visits(actor).filter(pk=visit_id).first()
    if visit is None:
        raise Absent("visit")
    return visit


def visit_order(actor: Actor, person_id: int, at: datetime) -> int | None:
    """The order under which this actor may visit a person at `at` (the stricter at home); None where there is none."""
    orders = list_orders(actor, at=at, kinds=HOME_KINDS).filter(person_id=person_id).select_related("person")
    mine = [
        order for order in orders if is_genuine(order) and actor.may(Permission.VISIT_RECORD, order.person.area_path)
    ]
    best = min(mine, key=lambda order: (HOME_KINDS.index(OrderKind(order.kind)), order.pk), default=None)
    return None if best is None else best.pk


def passed_on(actor: Actor, day: date, to: str, below: str | None = None) -> list[Visit]:
    """The visits that were passed to a role (`tracer`, `supervisor`) and stand: the last attempt at the person up
    to `day`, within the days that are looked back. One query.
    """
    visits = list_visits(actor, below=below).filter(due_on__lte=day, due_on__gte=day - LOOK_BACK)
    same_person = visits.order_by().filter(person_id=OuterRef("person_id"))
    later = Q(visited_at__gt=OuterRef("visited_at")) | Q(visited_at=OuterRef("visited_at"), pk__gt=OuterRef("pk"))
    return list(visits.filter(~Exists(same_person.filter(later)), passed_to=to))


def _attempts(actor: Actor, day: date, below: str | None) -> dict[int, list[Attempt]]:
    visits = list_visits(actor, below=below).filter(due_on__lte=day, due_on__gte=day - LOOK_BACK)
    found: dict[int, list[Attempt]] = defaultdict(list)
    for person_id, visited_at, outcome in visits.values_list("person_id", "visited_at", "outcome"):
        found[person_id].append(attempt_of(visited_at, outcome))
    return found


def samples_taken(person_ids: Collection[int], day: date, disease: str = "covid19") -> dict[int, list[date]]:
    """person -> the local days up to `day` on which he was sampled and the result is known. Not scoped."""
    if not person_ids:
        return {}
    frame = ledger_frame(person_ids, disease=disease)
    gone = voided(frame.filter(pl.col("voids").is_not_null()))["evidence_id"].implode()
    tests = frame.filter((pl.col("kind") == EvidenceKind.TEST.value) & ~pl.col("evidence_id").is_in(gone)).select(
        pl.col("person_id").cast(pl.Int64), pl.col("at").dt.convert_time_zone(clock.civil_zone()).dt.date()
    )
    found: dict[int, list[date]] = defaultdict(list)
    for person_id, on in tests.filter(pl.col("at") <= day).iter_rows():
        found[person_id].append(on)
    return found


def _first_of_person(facts: Iterable[OrderFact], kinds: tuple[OrderKind, ...]) -> list[OrderFact]:
    """One order a person: the first of `kinds` that binds him, so that nobody is visited twice for two orders."""
    best: dict[int, OrderFact] = {}
    for fact in facts:
        if fact.kind not in kinds:
            continue
        other = best.get(fact.person_id)
        if other is None or (kinds.index(fact.kind), fact.order_id) < (
            kinds.index(other.kind),
            other.order_id,
        ):
            best[fact.person_id] = fact
    return list(best.values())


def work_of_day(actor: Actor, day: date, below: str | None = None, *, at: datetime | None = None) -> list[WorkItem]:
    """All work of a local day, done or not, by area, household and person. At most four queries for any number.

    `at`: the moment whose orders count; None: the last instant of the day, so that orders of the whole day do.
    """
    moment = at if at is not None else clock.day_end(day, clock.civil_zone()) - timedelta(microseconds=1)
    prefixes = tuple(actor.areas_for(Permission.VISIT_VIEW))
    facts = [
        fact
        for fact in order_facts(actor, at=moment, below=below, kinds=TEST_KINDS)
        if fact.area_path.startswith(prefixes)
    ]
    attempts = _attempts(actor, day, below)
    items: list[WorkItem] = []
    for fact in _first_of_person(facts, HOME_KINDS):
        opened = local(fact.opened_at)
        first = first_visit_on(starts_on=fact.starts_on, opened_on=opened.date(), opened_at=opened.time())
        state = follow_up(day, first=max(first, day - LOOK_BACK), attempts=attempts.get(fact.person_id, []))
        if state.due or state.last is not None:
            items.append(
                _item(
                    VISIT,
                    fact,
                    day,
                    state.due,
                    state.done,
                    state.missed_since,
                    state.last,
                    state.not_found_in_row,
                )
            )
    with_tests = [fact for fact in facts if any(test_day <= day for test_day in fact.test_days)]
    sampled = samples_taken({fact.person_id for fact in with_tests}, day)
    tested: dict[int, WorkItem] = {}
    for fact in with_tests:
        due_on, done = sample_due_on(day, test_days=fact.test_days, sampled_on=sampled.get(fact.person_id, []))
        # a test day of the past that was kept is no work of today
        if due_on is None or (done and due_on < day):
            continue
        item = _item(TEST, fact, due_on, not done, done, due_on if due_on < day and not done else None, None, 0)
        other = tested.get(fact.person_id)
        # two orders asking for a sample are one sample; what is still due counts
        if other is None or (other.done, other.due_on) > (item.done, item.due_on):
            tested[fact.person_id] = item
    items += tested.values()
    return sorted(items, key=lambda i: (i.area_path, i.household_id or 0, i.person_id, i.task))


def _item(
    task: str,
    fact: OrderFact,
    due_on: date,
    due: bool,
    done: bool,
    missed_since: date | None,
    last: FollowUpOutcome | None,
    in_row: int,
) -> WorkItem:
    return WorkItem(
        task=task,
        person_id=fact.person_id,
        person_code=person_code(fact.person_id),
        household_id=fact.household_id,
        area_path=fact.area_path,
        order_id=fact.order_id,
        order_kind=fact.kind,
        due_on=due_on,
        due=due,
        done=done,
        missed_since=missed_since,
        last_outcome=last,
        not_found_in_row=in_row,
    )


def work_list(actor: Actor, day: date, below: str | None = None) -> list[WorkItem]:
    """What the actor still has to do on a local day, in walking order: by area, then household."""
    return [item for item in work_of_day(actor, day, below) if item.due]


@dataclass(frozen=True, slots=True)
class CellWork:
    """A day's work in one area (a grid cell, where people are registered that deep): things to do, not people.

    `overdue`: due, and missed before today. `tried`: not seen today, again another day. The last two: people passed on.
    """

    area_path: str
    area_code: str
    due: int
    done: int
    overdue: int
    tried: int
    to_tracer: int
    to_supervisor: int


def work_by_cell(actor: Actor, day: date, below: str | None = None) -> list[CellWork]:
    """The work of a day by area, by path. A constant number of queries."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for item in work_of_day(actor, day, below):
        line = counts[item.area_path]
        line[0] += item.due
        line[1] += item.done
        line[2] += item.due and item.missed_since is not None
        line[3] += not item.due and not item.done
    for place, role in ((4, "tracer"), (5, "supervisor")):
        for visit in passed_on(actor, day, role, below):
            counts[visit.area_path][place] += 1
    return [CellWork(path, path.rstrip("/").rpartition("/")[2], *line) for path, line in sorted(counts.items())]
