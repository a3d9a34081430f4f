"""The pure rules of follow-up: what is due, what is overdue, what follows from a closed or a slammed door."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.rooms.fieldwork.rules import (
    LAST_CALL,
    NOT_FOUND_LIMIT,
    Attempt,
    consequence,
    first_visit_on,
    follow_up,
    not_found_in_row,
    sample_due_on,
    would_follow,
)
from qipan.terms.evidence import FollowUpOutcome

DAY = date(2022, 7, 20)
WELL, ILL, AWAY, NO = (
    FollowUpOutcome.WELL,
    FollowUpOutcome.SYMPTOMATIC,
    FollowUpOutcome.NOT_FOUND,
    FollowUpOutcome.REFUSED,
)


def attempt(days: int, hour: int, outcome: FollowUpOutcome) -> Attempt:
    return Attempt(DAY + timedelta(days=days), time(hour), outcome)


def test_a_visit_is_due_every_day_until_somebody_is_seen():
    assert follow_up(DAY, first=DAY, attempts=[]).due
    assert not follow_up(DAY - timedelta(days=1), first=DAY, attempts=[]).due
    for outcome in (WELL, ILL):
        state = follow_up(DAY, first=DAY, attempts=[attempt(0, 9, outcome)])
        assert (state.due, state.done, state.missed_since) == (False, True, None)


def test_an_order_opened_in_the_evening_is_visited_the_next_morning():
    assert first_visit_on(starts_on=DAY, opened_on=DAY, opened_at=time(9)) == DAY
    assert first_visit_on(starts_on=DAY, opened_on=DAY, opened_at=LAST_CALL) == DAY + timedelta(days=1)
    # learnt late: the days before are nobody's omission
    assert first_visit_on(starts_on=DAY - timedelta(days=5), opened_on=DAY, opened_at=time(9)) == DAY
    assert first_visit_on(starts_on=DAY + timedelta(days=2), opened_on=DAY, opened_at=time(9)) > DAY


def test_not_found_is_tried_again_the_same_day_and_then_tomorrow():
    first, second = attempt(0, 9, AWAY), attempt(0, 15, AWAY)
    assert consequence([first]).again_on == DAY
    assert follow_up(DAY, first=DAY, attempts=[first]).due
    assert consequence([first, second]).again_on == DAY + timedelta(days=1)
    assert not follow_up(DAY, first=DAY, attempts=[first, second]).due
    assert consequence([attempt(0, 17, AWAY)]).again_on == DAY + timedelta(days=1)


def test_the_third_closed_door_in_a_row_goes_to_the_tracer():
    doors = [attempt(0, 9, AWAY), attempt(0, 15, AWAY), attempt(1, 9, AWAY)]
    assert [consequence(doors[: n + 1]).passed_to for n in range(3)] == ["", "", "tracer"]
    seen_between = [doors[0], attempt(0, 11, WELL), doors[1], doors[2]]
    assert consequence(seen_between).passed_to == ""


def test_a_refusal_goes_to_the_supervisor_at_once_and_nobody_knocks_again_today():
    last = attempt(0, 9, NO)
    assert consequence([last]) == consequence([attempt(-1, 9, AWAY), last])
    assert consequence([last]).passed_to == "supervisor"
    state = follow_up(DAY, first=DAY, attempts=[last])
    assert (state.due, state.done) == (False, False)
    assert follow_up(DAY + timedelta(days=1), first=DAY, attempts=[last]).due


def test_missed_days_are_counted_from_the_last_time_he_was_seen():
    first = DAY - timedelta(days=3)
    assert follow_up(DAY, first=first, attempts=[]).missed_since == first
    seen = [attempt(-2, 9, WELL), attempt(-1, 9, AWAY)]
    assert follow_up(DAY, first=first, attempts=seen).missed_since == DAY - timedelta(days=1)
    assert follow_up(DAY, first=first, attempts=[attempt(-1, 9, WELL)]).missed_since is None


@pytest.mark.parametrize(
    ("test_days", "samples", "expected"),
    [
        ([1, 2], [], (None, False)),
        ([0, 2], [], (0, False)),
        ([-3, -1, 2], [-3], (-1, False)),
        ([-3, -1, 2], [0], (-1, True)),
        ([-3, -1], [-1], (-1, True)),
        ([-1], [1], (-1, False)),
    ],
)
def test_the_latest_test_day_that_has_come_counts(test_days, samples, expected):
    def days(offsets):
        return [DAY + timedelta(days=offset) for offset in offsets]

    due_on, done = sample_due_on(DAY, test_days=days(test_days), sampled_on=days(samples))
    assert (due_on, done) == (None if expected[0] is None else DAY + timedelta(days=expected[0]), expected[1])


attempts = st.lists(
    st.builds(attempt, st.integers(-6, 0), st.integers(6, 21), st.sampled_from(list(FollowUpOutcome))), max_size=12
).map(lambda rows: sorted(rows, key=lambda row: (row.on, row.at)))


@given(attempts=attempts, first=st.integers(-5, 3))
def test_laws_of_a_follow_up(attempts, first):
    start = DAY + timedelta(days=first)
    state = follow_up(DAY, first=start, attempts=attempts)
    assert not (state.due and state.done)
    assert state.done == any(a.on == DAY and a.outcome in (WELL, ILL) for a in attempts)
    # a door at which nobody was today stays on the list of the day, whatever happened before
    if start <= DAY and not any(a.on == DAY for a in attempts):
        assert state.due
    assert state.missed_since is None or start <= state.missed_since < DAY
    if attempts:
        follows = consequence(attempts)
        assert (follows.passed_to == "tracer") == (not_found_in_row(attempts) >= NOT_FOUND_LIMIT)
        assert (follows.passed_to == "supervisor") == (attempts[-1].outcome is NO)
        # nobody who was not seen is forgotten: somebody comes again, today or tomorrow
        assert (follows.again_on is None) == (attempts[-1].outcome in (WELL, ILL))
        if follows.again_on is not None:
            assert timedelta(0) <= follows.again_on - attempts[-1].on <= timedelta(days=1)


@given(
    outcomes=st.lists(st.sampled_from(list(FollowUpOutcome)), max_size=4),
    outcome=st.sampled_from(list(FollowUpOutcome)),
    tried_today=st.booleans(),
    hour=st.integers(8, 20),
)
def test_what_would_follow_is_what_follows(outcomes, outcome, tried_today, hour):
    before = [Attempt(DAY, time(8), each) for each in outcomes]
    today = DAY + timedelta(days=1)
    if tried_today:
        before.append(Attempt(today, time(8), FollowUpOutcome.NOT_FOUND))
    said = would_follow(
        outcome, tried_today=tried_today, not_found_in_row=not_found_in_row(before), at=time(hour)
    )
    after = consequence([*before, Attempt(today, time(hour), outcome)])
    when = {None: "", today: "today", today + timedelta(days=1): "tomorrow"}[after.again_on]
    assert said == (when, after.passed_to)
