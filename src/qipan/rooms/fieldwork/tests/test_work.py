"""The list of a day, and the indicators behind it."""

from datetime import timedelta

import pytest
from tests.cast import CITY, COUNTY_A, COUNTY_B, GRID_A1, TODAY, TOWNSHIP_A1, TOWNSHIP_A2
from tests.orders import order_of, sampled

from qipan.foundation.indicators.registry import AreaRow, indicator_named
from qipan.rooms.fieldwork import services
from qipan.rooms.fieldwork.indicators import INDICATORS
from qipan.rooms.fieldwork.selectors import work_list, work_of_day
from qipan.rooms.fieldwork.services import NewVisit
from qipan.rooms.persons.models import Household, Person
from qipan.terms.evidence import FollowUpOutcome, OrderKind

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("undecided")]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOME, MONITOR = OrderKind.QUARANTINE_HOME, OrderKind.MONITOR_HOME


@pytest.fixture
def orders(cast, at):
    return {
        "xia": order_of(cast.xia, HOME, at=at - 2 * DAY, test_days=[TODAY - DAY, TODAY, TODAY + 3 * DAY]),
        "yun": order_of(cast.yun, MONITOR, at=at - 3 * HOUR),
        "wei": order_of(cast.wei, OrderKind.TEST, at=at - HOUR, test_days=[TODAY - DAY]),
        "zhu": order_of(cast.zhu, HOME, at=at - HOUR),
        "tao": order_of(cast.tao, OrderKind.QUARANTINE_CENTRAL, at=at - HOUR, test_days=[TODAY]),
    }


def seen(cast, order, at, outcome=FollowUpOutcome.WELL):
    actor = cast.chen.__class__(1, None, (type(cast.chen.grants[0])(cast.chen.grants[0].role, "/"),), "grid")
    visit = NewVisit(f"{order.pk}-{at.isoformat()}", order.pk, at.date(), outcome, at)
    done = services.visits_record_bulk(actor=actor, visits=[visit], now=at)
    assert done.recorded, done.refused


def test_a_grid_worker_sees_his_own_doors_and_no_names(cast, at, orders):
    items = work_list(cast.chen, TODAY)
    assert [(i.task, i.person_id) for i in items] == [
        ("test", cast.xia), ("visit", cast.xia), ("visit", cast.yun), ("test", cast.wei),
    ]  # fmt: skip
    assert all(i.person_code.startswith("P") and str(i.person_id) in i.person_code for i in items)
    visit_xia, test_wei = items[1], items[3]
    assert visit_xia.missed_since == TODAY - 2 * DAY
    assert (test_wei.due_on, test_wei.missed_since) == (TODAY - DAY, TODAY - DAY)
    assert not any(name in str(items) for name in ("Xia", "夏"))


@pytest.mark.parametrize(
    ("who", "count"),
    [("chen", 4), ("alice", 5), ("qiu", 5), ("dora", 0), ("bob", 0), ("gao", 0), ("ma", 0), ("eva", 0), ("fang", 0)],
)
def test_everybody_sees_his_own_area_or_nothing(cast, orders, who, count):
    assert len(work_list(cast.actors[who], TODAY)) == count


@pytest.mark.parametrize(
    ("who", "count"),
    [("chen", 4), ("alice", 5), ("qiu", 5), ("dora", 0), ("bob", 0), ("gao", 0), ("ma", 0), ("eva", 0), ("fang", 0)],
)
def test_the_whole_work_of_a_day_done_or_not_is_seen_in_ones_own_area(cast, at, orders, who, count):
    seen(cast, orders["yun"], at)
    seen(cast, orders["zhu"], at)
    items = work_of_day(cast.actors[who], TODAY)
    assert len(items) == count
    assert all(item.area_path.startswith(cast.actors[who].grants[0].area_path) for item in items)
    done = {4: {cast.yun}, 5: {cast.yun, cast.zhu}}.get(count, set())
    assert {item.person_id for item in items if item.done} == done


def test_below_narrows_and_never_widens(cast, orders):
    assert len(work_list(cast.alice, TODAY, cast.path(TOWNSHIP_A2))) == 1
    assert len(work_list(cast.chen, TODAY, cast.path(CITY))) == 4
    assert work_list(cast.chen, TODAY, cast.path(COUNTY_B)) == []


def test_what_is_done_leaves_the_list(cast, at, orders):
    seen(cast, orders["yun"], at)
    sampled(cast.xia, at - HOUR)
    assert [(i.task, i.person_id) for i in work_list(cast.chen, TODAY)] == [("visit", cast.xia), ("test", cast.wei)]
    done = {(i.task, i.person_id) for i in work_of_day(cast.chen, TODAY) if i.done}
    assert done == {("visit", cast.yun), ("test", cast.xia)}


def test_a_voided_result_was_never_taken_unless_the_correction_is_taken_back_too(cast, at, orders):
    def voiding(fact, key):
        # the correction as the ledger holds it, without the decision that would follow
        return type(fact).objects.create(
            key=key * 16, disease="covid19", person_id=cast.wei, kind="correction", at=at, recorded_at=at, value={},
            source="correction", voids=fact, write_id="c",
        )  # fmt: skip

    def is_due():
        return ("test", cast.wei) in [(i.task, i.person_id) for i in work_list(cast.chen, TODAY)]

    result = sampled(cast.wei, at - HOUR)
    assert not is_due()
    correction = voiding(result, b"c")
    assert is_due()
    voiding(correction, b"d")
    assert not is_due()


def test_lapsed_orders_ask_for_nothing(cast, orders):
    assert work_list(cast.alice, TODAY + 30 * DAY) == []


def test_two_orders_at_home_are_one_visit(cast, at, orders):
    order_of(cast.xia, MONITOR, at=at - HOUR)
    assert [i.order_id for i in work_list(cast.chen, TODAY) if i.person_id == cast.xia and i.task == "visit"] == [
        orders["xia"].pk
    ]


def test_not_found_stays_on_the_list_until_tried_twice(cast, at, orders):
    def due():
        return [i.person_id for i in work_list(cast.chen, TODAY) if i.task == "visit"]

    seen(cast, orders["yun"], at, FollowUpOutcome.NOT_FOUND)
    assert due() == [cast.xia, cast.yun]
    seen(cast, orders["yun"], at + HOUR, FollowUpOutcome.NOT_FOUND)
    assert due() == [cast.xia]
    assert cast.yun in [i.person_id for i in work_list(cast.chen, TODAY + DAY)]


def test_queries_do_not_grow_with_doors(cast, at, django_assert_max_num_queries):
    area = cast.areas[GRID_A1]
    home = Household.objects.create(key=b"h" * 16, area_id=area.id, area_path=area.path)
    Person.objects.bulk_create(
        Person(area_id=area.id, area_path=area.path, household=home, registered_at=at) for _ in range(120)
    )
    orders = [order_of(p.pk, HOME, at=at - HOUR, test_days=[TODAY]) for p in Person.objects.filter(household=home)]
    with django_assert_max_num_queries(4):
        items = work_list(cast.chen, TODAY)
    assert len(items) == 240
    visits = [NewVisit(f"k{o.pk}", o.pk, TODAY, FollowUpOutcome.WELL, at) for o in orders]
    with django_assert_max_num_queries(40):
        assert len(services.visits_record_bulk(actor=cast.chen, visits=visits, now=at).recorded) == 120


def values(cast, indicator, at):
    areas = [AreaRow(code, cast.path(code)) for code in (CITY, COUNTY_A, TOWNSHIP_A1, TOWNSHIP_A2, COUNTY_B)]
    found = {m.area_code: (m.numerator, m.denominator) for m in indicator_named(indicator).compute(areas, at)}
    return [found[area.code] for area in areas]


def test_indicators_are_computed_from_facts(cast, at, orders):
    seen(cast, orders["yun"], at - HOUR)
    seen(cast, orders["zhu"], at - HOUR / 2, FollowUpOutcome.REFUSED)
    for hours in (2, 1):
        seen(cast, orders["xia"], at - hours * HOUR, FollowUpOutcome.NOT_FOUND)
    sampled(cast.wei, at - HOUR / 2)
    assert values(cast, "fieldwork.follow_ups_done", at) == [(1, 3), (1, 3), (1, 2), (0, 1), (0, 0)]
    assert values(cast, "fieldwork.visits_overdue", at) == [(1, None), (1, None), (1, None), (0, None), (0, None)]
    assert values(cast, "fieldwork.not_found_twice", at) == [(1, None), (1, None), (1, None), (0, None), (0, None)]
    assert values(cast, "fieldwork.refused", at) == [(1, None), (1, None), (0, None), (1, None), (0, None)]
    assert values(cast, "fieldwork.tests_done", at)[:2] == [(0, 1), (0, 1)]


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda i: i.id)
def test_what_stands_behind_a_number_is_scoped(cast, at, orders, indicator):
    seen(cast, orders["zhu"], at - HOUR, FollowUpOutcome.REFUSED)
    path = cast.path(CITY)
    assert list(indicator.listing(cast.dora, path, at)) == []
    assert list(indicator.listing(cast.ma, path, at)) == []
    listed = {"follow_ups_done": 3, "visits_overdue": 1, "not_found_twice": 0, "refused": 1, "tests_done": 2}
    assert len(list(indicator.listing(cast.alice, path, at))) == listed[indicator.id.split(".")[1]]


def test_one_pass_computes_the_work_once_and_another_pass_again(cast, at, orders, django_assert_num_queries):
    areas = [AreaRow(CITY, cast.path(CITY))]
    compute = indicator_named("fieldwork.follow_ups_done").compute
    (before,) = compute(areas, at)
    with django_assert_num_queries(0):
        (again,) = compute(areas, at)
        list(indicator_named("fieldwork.tests_done").compute(areas, at))
    assert again == before
    seen(cast, orders["yun"], at - HOUR)
    (after,) = compute(list(areas), at)
    assert (before.numerator, after.numerator) == (0, 1)
    (later,) = compute(areas, at + HOUR)
    assert later.numerator == 1
