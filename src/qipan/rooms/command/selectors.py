"""The board: figures of an area at a moment, for those who command it. Counts only, nobody by code or name."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from qipan.foundation import clock
from qipan.foundation.access.scoping import require_anywhere
from qipan.rooms.command.models import DayRun
from qipan.rooms.control.selectors import codes_count, list_appeals, order_facts
from qipan.rooms.fieldwork.selectors import passed_on, work_of_day
from qipan.rooms.persons.selectors import list_persons
from qipan.rooms.quarantine.selectors import arrivals_due, occupancy, still_inside
from qipan.terms.errors import Absent
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import Actor, Grant, Permission, Role, narrowed


@dataclass(frozen=True, slots=True)
class Board:
    """An area's figures. `decide` is what waits for somebody's decision, by what it is."""

    at: datetime
    area_path: str
    persons: int
    codes: dict[str, int]
    orders: dict[str, int]
    awaiting: int
    work_due: int
    work_done: int
    work_overdue: int
    arrivals_due: int
    arrivals_overdue: int
    still_inside: int
    beds: int
    beds_taken: int
    decide: dict[str, int]


def board(actor: Actor, at: datetime, area_path: str) -> Board:
    """The figures of one area and everything below it. Raises Absent where the actor may see no figures.

    Who commands may see figures of people whom he may not see singly: so it is counted as the system, inside
    the area, and only the counts leave.
    """
    if not actor.may(Permission.INDICATOR_VIEW, area_path):
        raise Absent("area")
    counting = Actor(user_id=None, unit_id=None, grants=(Grant(Role.SYSTEM, area_path),), label="board")
    day = clock.local_date(at, clock.civil_zone())
    facts = order_facts(counting, at=at)
    orders = Counter(fact.kind.value for fact in facts)
    persons = list_persons(counting).count()
    work = work_of_day(counting, day, at=at)
    arrivals = arrivals_due(counting, at)
    sites = occupancy(counting, at)
    appeals = list_appeals(counting, state="open").values_list("due_at", flat=True)
    due = list(appeals)
    return Board(
        at=at,
        area_path=area_path,
        persons=persons,
        codes=codes_count(counting, at=at, persons=persons),
        orders={kind.value: orders[kind.value] for kind in OrderKind},
        awaiting=sum(fact.awaiting for fact in facts),
        work_due=sum(item.due for item in work),
        work_done=sum(item.done for item in work),
        work_overdue=sum(item.missed_since is not None and not item.done for item in work),
        arrivals_due=len(arrivals),
        arrivals_overdue=sum(arrival.overdue for arrival in arrivals),
        still_inside=len(still_inside(counting, at)),
        beds=sum(site.beds for site in sites),
        beds_taken=sum(site.taken for site in sites),
        decide={
            "appeals_open": len(due),
            "appeals_overdue": sum(due_at <= at for due_at in due),
            "passed_to_tracer": len(passed_on(counting, day, "tracer")),
            "passed_to_supervisor": len(passed_on(counting, day, "supervisor")),
        },
    )


def counting_in(actor: Actor, area_path: str) -> Actor:
    """The system, inside those parts of an area of which the actor may see figures: for counts of people whom he may
    not see singly. Somebody with roles in two places sees both, and nothing between. Raises Absent where there is none.
    """
    seen = narrowed(actor, only=frozenset({Permission.INDICATOR_VIEW}), area_path=area_path)
    paths = seen.areas_for(Permission.INDICATOR_VIEW)
    if not paths:
        raise Absent("area")
    return Actor(user_id=None, unit_id=None, grants=tuple(Grant(Role.SYSTEM, path) for path in paths), label="board")


def list_days(actor: Actor) -> QuerySet[DayRun]:
    """The days that were run, newest first. Raises Denied where the actor sees no figures anywhere."""
    require_anywhere(actor, Permission.INDICATOR_VIEW)
    return DayRun.objects.order_by("-date")


def access_day(actor: Actor, day: date) -> DayRun:
    """What the run of a day found. Raises Absent, Denied."""
    found = list_days(actor).filter(date=day).first()
    if found is None:
        raise Absent("day")
    return found
