"""Indicators are computed, kept a day, seen where the actor is at home; a second run changes nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.indicators import registry
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.selectors import access_listing, indicator_series, list_values
from qipan.foundation.indicators.services import indicators_store
from qipan.terms.errors import Absent, Denied
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

AT = datetime(2022, 7, 20, 16, tzinfo=UTC)
DAY = date(2022, 7, 20)
AREAS = [AreaRow("411200", "/410000/411200/"), AreaRow("411202", "/410000/411200/411202/")]
COMMAND = Actor(1, 1, (Grant(Role.COMMAND, "/410000/411200/"),))
LOCAL = Actor(2, 1, (Grant(Role.GRID_WORKER, "/410000/411200/411202/"),))
ELSEWHERE = Actor(3, 1, (Grant(Role.COMMAND, "/410000/411300/"),))


@pytest.fixture
def facts(monkeypatch):
    """Two indicators over changeable facts: area code -> (numerator, denominator)."""
    monkeypatch.setattr(registry, "_indicators", {})
    share = {"411200": (3, 4), "411202": (0, 0)}
    count = {"411200": (7, None)}
    for name, source in (("test.share", share), ("test.count", count)):
        registry.register(
            Indicator(
                name,
                name,
                "%",
                "up",
                "none",
                lambda areas, at, source=source: [Measured(code, *value) for code, value in source.items()],
                lambda actor, path, at: [actor, path, at],
            )
        )
    return share


def store(actor=SYSTEM_ACTOR, day=DAY, at=AT):
    return indicators_store(actor=actor, areas=AREAS, date=day, at=at)


def test_values_are_kept_and_a_second_run_changes_nothing(db, facts):
    assert store() == 3
    before = list(IndicatorValue.objects.values())
    assert store(at=AT + timedelta(hours=1)) == 0
    assert list(IndicatorValue.objects.values()) == before
    assert AuditEntry.objects.count() == 1


def test_changed_facts_change_the_day_and_only_what_changed(db, facts):
    store()
    facts["411200"] = (4, 4)
    del facts["411202"]
    later = AT + timedelta(hours=1)
    assert store(at=later) == 2
    values = {(v.indicator, v.area_code): v for v in IndicatorValue.objects.all()}
    assert set(values) == {("test.share", "411200"), ("test.count", "411200")}
    assert values["test.share", "411200"].numerator == 4
    assert values["test.share", "411200"].computed_at == later
    assert values["test.count", "411200"].computed_at == AT
    assert AuditEntry.objects.order_by("-seq")[0].detail == {"values": 1, "gone": 1}


def test_a_series_is_its_days(db, facts):
    store()
    facts["411200"] = (1, 4)
    store(day=DAY + timedelta(days=1))
    series = indicator_series(COMMAND, indicator="test.share", area_code="411200")
    assert [(point.date, point.value) for point in series] == [(DAY, 0.75), (DAY + timedelta(days=1), 0.25)]
    later = indicator_series(
        COMMAND,
        indicator="test.share",
        area_code="411200",
        since=DAY + timedelta(days=1),
        until=DAY + timedelta(days=9),
    )
    assert [point.value for point in later] == [0.25]
    assert indicator_series(COMMAND, indicator="test.share", area_code="411202")[0].value is None
    assert indicator_series(COMMAND, indicator="test.count", area_code="411200")[0].value == 7


def test_values_are_seen_where_the_actor_is_at_home(db, facts):
    store()
    assert len(list_values(COMMAND, date=DAY)) == 3
    assert [value.area_code for value in list_values(LOCAL)] == ["411202"]
    assert [value.area_code for value in list_values(COMMAND, below="/410000/411200/411202/")] == ["411202"]
    assert list(list_values(ELSEWHERE)) == []
    assert indicator_series(LOCAL, indicator="test.share", area_code="411200") == []


def test_the_list_behind_a_number_is_for_those_who_see_the_number(facts):
    path = "/410000/411200/411202/"
    assert access_listing(LOCAL, indicator="test.share", area_path=path, at=AT) == [LOCAL, path, AT]
    for actor, name, where in (
        (LOCAL, "test.share", "/410000/411200/"),
        (ELSEWHERE, "test.share", path),
        (LOCAL, "test.unknown", path),
    ):
        with pytest.raises(Absent):
            access_listing(actor, indicator=name, area_path=where, at=AT)


def test_only_who_may_run_the_day_stores(db, facts):
    with pytest.raises(Denied):
        store(COMMAND)
    assert not IndicatorValue.objects.exists()
    local = Actor(5, 1, (Grant(Role.EPIDEMIOLOGIST, "/410000/411200/411202/"),))
    with pytest.raises(Denied):
        store(local)  # for its own county it may, for the city it may not
    assert store(Actor(6, 1, (Grant(Role.EPIDEMIOLOGIST, "/410000/411200/"),))) == 3


@pytest.mark.parametrize("value", [(float("nan"), None), (1, float("inf")), (1, -1)])
def test_what_is_no_number_stores_nothing(db, facts, value):
    facts["411202"] = value
    with pytest.raises(ValueError, match="no number"):
        store()
    assert not IndicatorValue.objects.exists()


def test_an_unknown_area_is_a_defect(db, facts):
    facts["999999"] = (1, 1)
    with pytest.raises(ValueError, match="unknown"):
        store()


def test_an_id_is_taken_once(facts):
    with pytest.raises(ValueError, match="twice"):
        registry.register(Indicator("test.share", "", "", "up", "", lambda a, b: [], lambda a, b, c: []))


def test_the_number_of_queries_does_not_grow_with_the_areas(db, facts, django_assert_max_num_queries):
    store()
    areas = [AreaRow(f"{n:06d}", f"/{n:06d}/") for n in range(300)]
    facts.clear()
    facts.update({area.code: (1, 2) for area in areas})
    registry._indicators.pop("test.count")
    with django_assert_max_num_queries(12):
        indicators_store(actor=SYSTEM_ACTOR, areas=areas, date=DAY + timedelta(days=2), at=AT)
