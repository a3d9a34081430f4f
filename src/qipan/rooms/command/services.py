"""The daily cycle: one run brings a day to its state, a second run finds nothing left to do.

Every step has its own transactions and is repeatable, so that a run that failed half-way is simply run again;
the day counts as run when its last step is through.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Any

from django.utils.translation import gettext_noop

from qipan.foundation import clock
from qipan.foundation.access.acting import actor_of_user
from qipan.foundation.access.scoping import require_recorded
from qipan.foundation.audit.anchors import anchor_append, anchor_path, anchors_read, head
from qipan.foundation.audit.selectors import log_newest_at, not_before_log
from qipan.foundation.audit.services import audited
from qipan.foundation.indicators.services import AreaRow, indicators_store
from qipan.foundation.jobs.registry import JobContext, JobKind
from qipan.rooms.command.models import DayRun
from qipan.rooms.control.selectors import appeals_overdue, list_orders, reconcile_ledger
from qipan.rooms.control.services import appeals_release_overdue, decisions_refresh
from qipan.rooms.fieldwork.selectors import passed_on, work_of_day
from qipan.rooms.geography.selectors import list_areas
from qipan.rooms.quarantine.selectors import arrivals_due, occupants, still_inside
from qipan.terms.areas import AreaLevel
from qipan.terms.errors import BadInput
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

#: the levels at which somebody commands, and for which every day's indicators are kept
LEVELS = (AreaLevel.CITY, AreaLevel.COUNTY, AreaLevel.TOWNSHIP)

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of a day: what it counted, how long it took, whether it changed anything."""

    name: str
    seconds: float
    counts: Counts
    changed: bool


@dataclass(slots=True)
class DayResult:
    """What a run of a day did."""

    day: date
    moment: datetime
    steps: list[StepDone] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything is otherwise than before the run."""
        return any(step.changed for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """The document of INTERFACES (`day run`)."""
        steps = [{"name": s.name, "seconds": round(s.seconds, 3), "counts": s.counts} for s in self.steps]
        return {"date": self.day.isoformat(), "steps": steps, "changed": self.changed}


@dataclass(frozen=True, slots=True)
class _Day:
    """A day under way. `closed`: the log goes on beyond it, so that decisions belong to a later moment."""

    day: date
    moment: datetime
    closed: bool


Step = Callable[[_Day], tuple[Counts, bool]]


def _decisions(day: _Day) -> tuple[Counts, bool]:
    """Decide again whatever is stale or due; orders that have ended are closed."""
    if day.closed:
        # deciding as of then would make facts that were learnt since look decided
        return {"persons": 0}, False
    done = decisions_refresh(actor=SYSTEM_ACTOR, at=day.moment)
    counts = {"persons": done.persons}
    counts |= {f"opened_{kind}": count for kind, count in sorted(done.opened.items())}
    counts |= {f"closed_{kind}": count for kind, count in sorted(done.closed.items())}
    return counts, done.persons > 0


def _appeals(day: _Day) -> tuple[Counts, bool]:
    """Release by default what nobody answered in time."""
    released = 0 if day.closed else appeals_release_overdue(actor=SYSTEM_ACTOR, at=day.moment)
    return {"released": released}, released > 0


def _reconcile(day: _Day) -> tuple[Counts, bool]:
    """Compare the ledger with the log (contents since the day before), and every order and decision with its seal."""
    before = DayRun.objects.filter(date__lt=day.day).order_by("-date").values_list("completed_at", flat=True).first()
    found = reconcile_ledger(since=before)
    return {
        "checked": found.evidence.checked,
        "without_entry": len(found.evidence.without_entry),
        "count_differs": len(found.evidence.count_differs),
        "content_differs": len(found.evidence.content_differs),
        "forged_orders": len(found.orders),
        "forged_decisions": len(found.decisions),
    }, False


def _alarms(day: _Day) -> tuple[Counts, bool]:
    """Who is still inside without an order, and what the authority has let pass."""
    arrivals = arrivals_due(SYSTEM_ACTOR, day.moment)
    return {
        "inside": len(occupants(SYSTEM_ACTOR, day.moment)),
        "still_inside": len(still_inside(SYSTEM_ACTOR, day.moment)),
        "arrivals_due": len(arrivals),
        "arrivals_overdue": sum(arrival.overdue for arrival in arrivals),
        "appeals_overdue": appeals_overdue(day.moment).count(),
        # kept beyond their last day for want of a result, which is the authority's to bring
        "awaiting_result": list_orders(SYSTEM_ACTOR, at=day.moment).filter(awaiting=True).count(),
    }, False


def _work(day: _Day) -> tuple[Counts, bool]:
    """The work lists of the day, counted over all areas."""
    counts: Counts = {"due": 0, "done": 0, "overdue": 0}
    items = work_of_day(SYSTEM_ACTOR, day.day, at=day.moment)
    for item in items:
        state = "done" if item.done else "due"
        counts[state] += 1
        counts[f"{item.task}_{state}"] = counts.get(f"{item.task}_{state}", 0) + 1
        counts["overdue"] += item.missed_since is not None and not item.done
    for role in ("tracer", "supervisor"):
        counts[f"passed_to_{role}"] = len(passed_on(SYSTEM_ACTOR, day.day, role))
    return counts, False


def _indicators(day: _Day) -> tuple[Counts, bool]:
    """Every registered indicator for every city, county and township."""
    areas = [
        AreaRow(code, path)
        for level in LEVELS
        for code, path in list_areas(SYSTEM_ACTOR, level=level).values_list("code", "path")
    ]
    stored = indicators_store(actor=SYSTEM_ACTOR, areas=areas, date=day.day, at=day.moment)
    return {"areas": len(areas), "stored": stored}, stored > 0


#: in this order: what binds first, then what follows from it, then the figures
STEPS: tuple[tuple[str, Step], ...] = (
    ("decisions", _decisions),
    ("appeals", _appeals),
    ("reconcile", _reconcile),
    ("alarms", _alarms),
    ("work", _work),
    ("indicators", _indicators),
)


def _anchor(day: _Day) -> tuple[Counts, bool]:
    """Write the head of the log down where an anchor is not there yet."""
    path = anchor_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    anchor = head(day.moment)
    if path.exists() and anchors_read(path).get(anchor.seq) == anchor.hash:
        return {"entries": anchor.seq}, False
    anchor_append(path, anchor)
    return {"entries": anchor.seq}, True


def _run(name: str, step: Step, day: _Day) -> StepDone:
    start = perf_counter()
    counts, changed = step(day)
    return StepDone(name, perf_counter() - start, counts, changed)


def day_run(
    *,
    actor: Actor,
    date: date,
    at: datetime,
    progress: Callable[[str, int, int], None] | None = None,
) -> DayResult:
    """Run the daily cycle of a local day for all areas. Run twice, the second run changes nothing.

    The moment of a day that is over is its last instant, that of today is `at`: so the same day gives the same
    answer whenever it is run. Where the log goes on beyond the day (somebody runs yesterday's cycle late), its
    figures are computed as of then, and decisions are left to the day that is under way. `progress` is called
    with the step's name, its number from 0, and how many there are.

    Raises BadInput for a day that has not begun, Denied, Refused where the clock has been set back; whatever a step
    raises leaves the day to be run again.
    """
    at = not_before_log(at)
    require_recorded(actor, Permission.DAY_RUN, action="day.run", at=at)
    if date > clock.local_date(at, clock.civil_zone()):
        raise BadInput(gettext_noop("The day %(day)s has not begun yet."), day=date.isoformat())
    moment = min(at, clock.day_end(date, clock.civil_zone()) - timedelta(microseconds=1))
    last = log_newest_at()
    day = _Day(date, moment, closed=last is not None and last > moment)
    result = DayResult(date, moment)
    for number, (name, step) in enumerate(STEPS):
        if progress is not None:
            progress(name, number, len(STEPS) + 1)
        result.steps.append(_run(name, step, day))
    if result.changed or not DayRun.objects.filter(date=date).exists():
        _day_store(actor, result)
    if progress is not None:
        progress("anchor", len(STEPS), len(STEPS) + 1)
    result.steps.append(_run("anchor", _anchor, day))
    return result


def _day_store(actor: Actor, result: DayResult) -> None:
    """Remember the day as run, with what was found."""
    with audited(actor=actor, action="day.run", at=result.moment) as entry:
        document = result.as_json()
        DayRun.objects.update_or_create(
            date=result.day, defaults={"completed_at": result.moment, "steps": document["steps"]}
        )
        counts = {step.name: step.counts for step in result.steps}
        entry.about("day", result.day.isoformat(), area_path="/", detail={"counts": counts})


def _run_job(context: JobContext) -> dict[str, Any]:
    """The day of the job, with the rights that whoever started it holds now."""
    at = context.now()
    actor = actor_of_user(context.created_by, at)
    day = date.fromisoformat(str(context.arguments["date"]))
    result = day_run(
        actor=actor, date=day, at=at, progress=lambda name, number, count: context.progress(number, count)
    )
    return result.as_json()


def _today(at: datetime) -> tuple[dict[str, Any], str]:
    day = clock.local_date(at, clock.civil_zone()).isoformat()
    return {"date": day}, day


DAY_JOB = JobKind(
    "command.day", _run_job, title="Run the daily cycle", permission=Permission.DAY_RUN, by_hand=_today,
    hint="Decides whatever is due, closes what has ended, computes today’s figures. Run twice, it changes nothing.",
)  # fmt: skip
