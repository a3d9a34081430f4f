"""The room's numbers agree with the lists behind them."""

from datetime import datetime

import pytest
from tests.cast import CITY, COUNTY_A, COUNTY_B, Cast

from qipan.foundation.indicators.registry import AreaRow
from qipan.rooms.control.indicators import INDICATORS
from qipan.rooms.control.services import appeal_open
from qipan.rooms.control.tests.stories import days, exposed, open_orders

pytestmark = pytest.mark.django_db


def measured(town: Cast, at: datetime) -> dict[str, dict[str, float]]:
    areas = [AreaRow(code, town.path(code)) for code in (CITY, COUNTY_A, COUNTY_B)]
    return {i.id: {m.area_code: m.numerator for m in i.compute(areas, at)} for i in INDICATORS}


def test_numbers_and_lists(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    exposed(town.alice, town.wei, last=at - days(1), now=at)
    exposed(town.dora, town.tao, last=at - days(1), now=at)
    found = measured(town, at)
    assert found["persons-restricted"] == {CITY: 3, COUNTY_A: 2, COUNTY_B: 1}
    by_id = {indicator.id: indicator for indicator in INDICATORS}
    assert len(by_id["persons-restricted"].listing(town.alice, town.path(CITY), at)) == 2
    assert len(by_id["persons-restricted"].listing(town.dora, town.path(CITY), at)) == 1
    assert len(by_id["persons-restricted"].listing(town.ma, town.path(CITY), at)) == 0


def test_a_missing_result_and_an_unanswered_appeal_count_against_the_authority(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    appeal_open(actor=town.bob, order_id=open_orders(town.xia)[0].pk, grounds="No.", at=at)
    assert measured(town, at)["appeals-overdue"][CITY] == 0
    assert measured(town, at + days(2))["appeals-overdue"] == {CITY: 1, COUNTY_A: 1, COUNTY_B: 0}
    by_id = {indicator.id: indicator for indicator in INDICATORS}
    assert len(by_id["appeals-overdue"].listing(town.alice, town.path(CITY), at + days(2))) == 1
