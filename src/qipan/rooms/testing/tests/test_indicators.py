"""Every indicator against a few results counted by hand, its list scoped, its queries constant."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qipan.foundation.indicators.registry import AreaRow
from qipan.rooms.testing.indicators import INDICATORS
from qipan.rooms.testing.models import TestResult

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db
BY_ID = {indicator.id.removeprefix("testing."): indicator for indicator in INDICATORS}
COUNTY_A, COUNTY_B = "411202", "411203"
HOUR = timedelta(hours=1)


def result(person: int, name: str, resulted: datetime, hours: float, **fields: object) -> TestResult:
    values = {"result": "negative", **fields}
    return TestResult.objects.create(
        source="lab", specimen_id=name, person_id=person, method="pcr", sampled_at=resulted - hours * HOUR,
        resulted_at=resulted, recorded_at=resulted, evidence_key=name.encode().ljust(16, b"."), **values,
    )  # fmt: skip


def measure(cast: "Cast", name: str, at: datetime) -> dict[str, tuple[float, float | None]]:
    areas = [AreaRow(code, cast.path(code)) for code in ("411200", COUNTY_A, COUNTY_B)]
    return {m.area_code: (m.numerator, m.denominator) for m in BY_ID[name].compute(areas, at)}


@pytest.fixture
def city(cast: "Cast", at: datetime) -> "Cast":
    result(cast.xia, "r1", at, 4)
    result(cast.wei, "r2", at - HOUR, 12, result="positive")
    result(cast.zhu, "r3", at - 23 * HOUR, 20)
    result(cast.tao, "r4", at - 2 * HOUR, 6, result="positive", pool_id="T1")
    # of yesterday, voided, of tomorrow
    result(cast.xia, "r5", at - 24 * HOUR, 1)
    result(cast.xia, "r6", at, 1, voided_at=at)
    result(cast.xia, "r7", at + HOUR, 1)
    return cast


def test_numbers(city: "Cast", at: datetime) -> None:
    assert measure(city, "resulted", at) == {"411200": (4, None), COUNTY_A: (3, None), COUNTY_B: (1, None)}
    assert measure(city, "positive", at) == {"411200": (2, 4), COUNTY_A: (1, 3), COUNTY_B: (1, 1)}
    assert measure(city, "in_time", at) == {"411200": (3, 4), COUNTY_A: (2, 3), COUNTY_B: (1, 1)}
    assert measure(city, "turnaround", at) == {"411200": (9, None), COUNTY_A: (12, None), COUNTY_B: (6, None)}


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_the_list_behind_a_number_is_scoped(city: "Cast", at: datetime, name: str) -> None:
    listing = BY_ID[name].listing
    everything = city.path("411200")
    mine, theirs = set(listing(city.alice, everything, at)), set(listing(city.dora, everything, at))
    assert mine
    assert theirs
    assert set(listing(city.hu, everything, at)) == mine | theirs
    assert not mine & theirs
    for stranger in (city.chen, city.bob, city.eva, city.ma, city.fang):
        assert not list(listing(stranger, everything, at))


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_queries_are_constant(city: "Cast", at: datetime, name: str) -> None:
    with CaptureQueriesContext(connection) as few:
        measure(city, name, at)
    for number in range(10):
        result(city.yun, f"x{number}", at, number)
    with CaptureQueriesContext(connection) as many:
        measure(city, name, at)
    assert len(many) == len(few) == 1
