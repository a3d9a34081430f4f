"""What is said of the future is what comes: courses agree with the decisions of their days, and nothing is stored."""

from datetime import datetime

import pytest
from tests.cast import Cast

from qipan.rooms.control import selectors
from qipan.rooms.control.models import Evidence, Order, StoredDecision
from qipan.rooms.control.services import appeal_open, appeals_release_overdue, evidence_void
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, open_orders, swabbed
from qipan.terms.errors import Absent
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(town: Cast, at: datetime) -> Cast:
    diagnosed(town.ning, town.yun, now=at)
    exposed(town.alice, town.xia, last=at - days(1), now=at, to=town.yun)
    exposed(town.alice, town.wei, last=at - days(1), now=at, to=town.xia, contact_class="secondary")
    return town


def test_if_nothing_more_is_learnt_the_course_is_what_is_decided_then(story: Cast, at: datetime) -> None:
    for person in (story.xia, story.yun, story.wei, story.zhu):
        course = selectors.courses_of(story.alice, person, at=at)[0]
        assert course.name == "nothing"
        for phase in course.phases:
            moments = [phase.begins, *([phase.until - days(0.001)] if phase.until else [phase.begins + days(30)])]
            for moment in moments:
                assert selectors.decision_of(story.alice, person, at=moment).code == phase.code, (person, moment)
        assert course.free_at is not None


def test_what_is_supposed_is_what_happens(story: Cast, at: datetime) -> None:
    supposed = {course.name: course for course in selectors.courses_of(story.alice, story.xia, at=at)}
    assert supposed["without"].free_at == at
    assert supposed["positive"].code == "red"
    swabbed(story.hu, story.xia, "positive", now=at)
    after = selectors.courses_of(story.alice, story.xia, at=at)[0]
    assert after.phases == supposed["positive"].phases


def test_taking_back_is_foreseen(story: Cast, at: datetime) -> None:
    fact = Evidence.objects.get(person_id=story.xia)
    before = next(c for c in selectors.courses_of(story.alice, story.xia, at=at) if c.evidence == fact.pk)
    evidence_void(actor=story.alice, evidence_id=fact.pk, reason="mixed up", now=at)
    assert selectors.courses_of(story.alice, story.xia, at=at)[0].phases == before.phases


def test_tests_on_their_days_free_whom_a_missing_result_keeps(story: Cast, at: datetime) -> None:
    courses = {c.name: c for c in selectors.courses_of(story.alice, story.wei, at=at)}
    assert any(phase.awaiting for phase in courses["nothing"].phases)
    # the contact between has no results either: his own tests alone do not free him earlier, nor later
    kept, tested = courses["nothing"].free_at, courses["tests_negative"].free_at
    assert kept is not None
    assert tested is not None
    assert tested <= kept


def test_looking_ahead_stores_nothing(story: Cast, at: datetime) -> None:
    def state() -> list[object]:
        return [*Order.objects.values(), *StoredDecision.objects.values(), *Evidence.objects.values()]

    before = state()
    selectors.courses_of(story.alice, story.xia, at=at)
    assert state() == before


def test_an_appeal_past_its_clock_counts_in_what_is_foreseen(story: Cast, at: datetime) -> None:
    order = open_orders(story.xia)[0]
    appeal_open(actor=story.bob, order_id=order.pk, grounds="Too long.", at=at)
    late = at + days(1.1)
    decided = selectors.foresight_of(story.alice, story.xia, at=late).decide()
    assert order.kind not in {each.kind.value for each in decided.orders}


def test_who_may_look_ahead(story: Cast, at: datetime) -> None:
    for actor in (story.dora, story.hu, story.lin, story.ma, story.fang):
        with pytest.raises(Absent):
            selectors.foresight_of(actor, story.xia, at=at)
        with pytest.raises(Absent):
            selectors.courses_of(actor, story.xia, at=at)


def test_grounds_ledger_and_orders_by_reader(story: Cast, at: datetime) -> None:
    fact = Evidence.objects.get(person_id=story.xia)
    reasons = [("contact", "the plan", [str(fact.pk), "appeal-1"])]
    seen = selectors.grounds_for(story.alice, "covid19-cn-9", reasons)[0]
    assert ([row.pk for row in seen.evidence], seen.hidden) == ([fact.pk], 1)
    assert seen.words is not None
    hidden = selectors.grounds_for(story.dora, "covid19-cn-9", reasons)[0]
    assert (list(hidden.evidence), hidden.hidden) == ([], 2)
    unknown = selectors.grounds_for(story.alice, "no-book", reasons)[0]
    assert unknown.words is None
    evidence_void(actor=story.alice, evidence_id=fact.pk, reason="her sister", now=at)
    assert selectors.ledger_line(story.alice, fact).why == "her sister"
    assert [line.why for line in selectors.ledger_of(story.alice, story.xia)] == ["", "her sister"]
    assert selectors.ledger_of(story.dora, story.xia) == []
    assert len(selectors.orders_of(story.alice, story.xia)) == 2
    assert selectors.orders_of(story.dora, story.xia) == []
    assert selectors.orders_of(story.ma, story.xia) == []


def test_the_history_of_an_order(story: Cast, at: datetime) -> None:
    order = open_orders(story.xia)[0]
    appeal_open(actor=story.bob, order_id=order.pk, grounds="Too long.", at=at)
    appeals_release_overdue(actor=SYSTEM_ACTOR, at=at + days(1))
    order.refresh_from_db()
    steps = selectors.order_history(story.alice, order)
    assert [step.what for step in reversed(steps)][:2] == ["opened", "appealed"]
    assert {step.what for step in steps} == {"opened", "appealed", "appeal_released", order.closed_as}
    made = next(step for step in steps if step.what == "opened")
    assert made.entry is not None
    assert made.entry.actor_user_id == story.alice.user_id
