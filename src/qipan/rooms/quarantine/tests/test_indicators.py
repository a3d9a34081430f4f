"""The indicators of rooms and stays, on facts that can be counted by hand."""

from datetime import timedelta

import pytest
from tests.cast import CITY, COUNTY_A, COUNTY_B, TOWNSHIP_A1
from tests.orders import close, order_of

from qipan.foundation.indicators.registry import AreaRow, indicator_named
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.indicators import INDICATORS
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.evidence import OrderKind

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CENTRAL = OrderKind.QUARANTINE_CENTRAL


@pytest.fixture
def facts(cast, at):
    """Xia came in time, Yun late, Wei never; Zhu's order ended early; Tao (county B) has waited for an hour."""
    site = services.site_open(actor=cast.gao, name="A", area_code=TOWNSHIP_A1, at=at - 9 * DAY)
    rooms = [NewRoom("1"), NewRoom("2"), NewRoom("3", "family", 2)]
    services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=rooms, at=at)
    opened = at - 3 * DAY
    orders = {who: order_of(getattr(cast, who), CENTRAL, at=opened) for who in ("xia", "yun", "wei", "zhu")}
    orders["tao"] = order_of(cast.tao, CENTRAL, at=at - HOUR)
    close(orders["zhu"], opened + HOUR)

    def arrive(who, moment):
        return services.stay_arrive(
            actor=cast.gao, person_id=getattr(cast, who), order_id=orders[who].pk, site_id=site.pk, at=moment
        )

    return orders, {"xia": arrive("xia", opened + 24 * HOUR), "yun": arrive("yun", opened + 25 * HOUR)}


def values(cast, name, at):
    areas = [AreaRow(code, cast.path(code)) for code in (CITY, COUNTY_A, TOWNSHIP_A1, COUNTY_B)]
    found = {
        m.area_code: (m.numerator, m.denominator) for m in indicator_named(f"quarantine.{name}").compute(areas, at)
    }
    return [found.get(area.code) for area in areas]


def test_they_count_what_happened(cast, at, facts):
    orders, stays = facts
    assert values(cast, "arrived_in_24_hours", at) == [(1, 3), (1, 3), (1, 3), (0, 0)]
    assert values(cast, "occupancy", at) == [(2, 4), (2, 4), (2, 4), (0, 0)]
    assert values(cast, "rooms_per_10000", at) == [
        (3, 203.4872), (3, 28.4641), None, (0, 28.8538),
    ]  # fmt: skip
    assert values(cast, "arrivals_overdue", at) == [(1, None), (1, None), (1, None), (0, None)]
    assert values(cast, "still_inside", at) == [(0, None)] * 4
    close(orders["xia"], at)
    assert values(cast, "still_inside", at) == [(1, None), (1, None), (1, None), (0, None)]
    services.stay_depart(actor=cast.gao, stay_id=stays["xia"].pk, at=at + HOUR)
    assert values(cast, "still_inside", at + HOUR) == [(0, None)] * 4
    # a day later Tao's 24 hours have passed
    assert values(cast, "arrived_in_24_hours", at + DAY)[3] == (0, 1)


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda i: i.id)
def test_what_stands_behind_a_number_is_scoped(cast, at, facts, indicator):
    close(facts[0]["xia"], at)
    path = cast.path(CITY)
    listed = {"arrived_in_24_hours": 1, "rooms_per_10000": 3, "occupancy": 2, "still_inside": 1, "arrivals_overdue": 1}
    assert len(list(indicator.listing(cast.gao, path, at))) == listed[indicator.id.split(".")[1]]
    for who in ("chen", "eva", "fang", "hu"):
        assert list(indicator.listing(cast.actors[who], path, at)) == []
