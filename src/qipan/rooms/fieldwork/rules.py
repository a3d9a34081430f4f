"""Pure: which doors and which samples are due on a day, what is overdue, and what follows from a visit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from qipan.terms.evidence import FollowUpOutcome, OrderKind

#: The orders that a grid worker follows up every day at the door, the stricter first.
HOME_KINDS = (OrderKind.QUARANTINE_HOME, OrderKind.MONITOR_HOME)
#: The orders whose test days are the grid worker's to remind of or collect; sites take those of their guests.
TEST_KINDS = (*HOME_KINDS, OrderKind.TEST)
#: After this many visits in a row to a closed door the tracer takes over. Three, because two a day are made
#: (the second the same day), so the third falls on the next morning: with an incubation of usually two to four
#: days (9th edition) nobody may stay out of sight longer.
NOT_FOUND_LIMIT = 3
#: Local hour after which nobody is sent to a door for the first time, or again, on the same day.
LAST_CALL = time(17)
#: Days of visits that are looked at for what is overdue: longer than any home order of the shipped books
#: leaves a door unvisited without an alarm.
LOOK_BACK = timedelta(days=10)

SEEN = (FollowUpOutcome.WELL, FollowUpOutcome.SYMPTOMATIC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A visit as the rules see it: on which local day, at which local time, with which outcome."""

    on: date
    at: time
    outcome: FollowUpOutcome


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a visit: when somebody has to come again, and to which role it is passed ("" nobody)."""

    again_on: date | None
    passed_to: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The state of one person's daily follow-up on a day.

    `done`: seen today. `due`: somebody still has to go there today. `missed_since`: the first day since when he
    has not been seen although he should have been, None where nothing was missed before today.
    """

    due: bool
    done: bool
    last: FollowUpOutcome | None
    not_found_in_row: int
    missed_since: date | None


def first_visit_on(*, starts_on: date, opened_on: date, opened_at: time) -> date:
    """The first day of follow-up: the order's first day, but never a day on which nobody could know of it."""
    learnt = opened_on if opened_at < LAST_CALL else opened_on + timedelta(days=1)
    return max(starts_on, learnt)


def not_found_in_row(attempts: Iterable[Attempt]) -> int:
    """How many of the latest attempts, back from the last, found nobody (attempts in order of time)."""
    count = 0
    for attempt in attempts:
        count = count + 1 if attempt.outcome is FollowUpOutcome.NOT_FOUND else 0
    return count


def follow_up(day: date, *, first: date, attempts: Sequence[Attempt]) -> FollowUp:
    """One person's follow-up on `day`, given his attempts (in order of time, none after `day`)."""
    today = [attempt for attempt in attempts if attempt.on == day]
    seen = [attempt.on for attempt in attempts if attempt.outcome in SEEN]
    done = any(attempt.outcome in SEEN for attempt in today)
    last = today[-1] if today else None
    if last is None:
        due = day >= first
    else:
        due = last.outcome is FollowUpOutcome.NOT_FOUND and again_on(last, attempts) == day
    unseen_from = max([first, *(on + timedelta(days=1) for on in seen if on < day)])
    return FollowUp(
        due=due and not done,
        done=done,
        last=last.outcome if last else None,
        not_found_in_row=not_found_in_row(attempts),
        missed_since=unseen_from if unseen_from < day else None,
    )


def again_on(attempt: Attempt, attempts: Sequence[Attempt]) -> date | None:
    """When somebody has to come again for the sake of this attempt (the last of `attempts`), None: as ordered.

    Not found: the same day once, if it was the day's first attempt before the last call, else tomorrow.
    Refused: tomorrow, with the supervisor.
    """
    tomorrow = attempt.on + timedelta(days=1)
    if attempt.outcome is FollowUpOutcome.REFUSED:
        return tomorrow
    if attempt.outcome is not FollowUpOutcome.NOT_FOUND:
        return None
    first_today = sum(other.on == attempt.on for other in attempts) == 1
    return attempt.on if first_today and attempt.at < LAST_CALL else tomorrow


def consequence(attempts: Sequence[Attempt]) -> Consequence:
    """What follows from the last of these attempts (in order of time)."""
    last = attempts[-1]
    passed_to = ""
    if last.outcome is FollowUpOutcome.REFUSED:
        passed_to = "supervisor"
    elif not_found_in_row(attempts) >= NOT_FOUND_LIMIT:
        passed_to = "tracer"
    return Consequence(again_on(last, attempts), passed_to)


def would_follow(outcome: FollowUpOutcome, *, tried_today: bool, not_found_in_row: int, at: time) -> tuple[str, str]:
    """What a visit of this outcome would lead to now, said before it is recorded: ("today", "tomorrow" or "" for when
    somebody has to come again, the role to which it is passed). As `consequence` says afterwards.
    """
    if outcome is FollowUpOutcome.REFUSED:
        return "tomorrow", "supervisor"
    if outcome is not FollowUpOutcome.NOT_FOUND:
        return "", ""
    again = "today" if not tried_today and at < LAST_CALL else "tomorrow"
    return again, "tracer" if not_found_in_row + 1 >= NOT_FOUND_LIMIT else ""


def sample_due_on(day: date, *, test_days: Iterable[date], sampled_on: Iterable[date]) -> tuple[date | None, bool]:
    """(the test day that counts on `day`, whether a sample on or after it was taken).

    Only the latest test day that has come counts: a missed one is made good by the next sample, nobody is
    swabbed twice a day for the days before. None where no test day has come yet.
    """
    come = [test_day for test_day in test_days if test_day <= day]
    if not come:
        return None, False
    counts = max(come)
    return counts, any(counts <= sampled <= day for sampled in sampled_on)
