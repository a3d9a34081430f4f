"""What the global search finds of the orders."""

from datetime import datetime

from tests.cast import Cast
from tests.orders import order_of

from qipan.rooms.control.selectors import find_order
from qipan.terms.evidence import OrderKind


def test_an_order_is_found_by_its_number_where_it_is_the_readers(cast: Cast, at: datetime) -> None:
    order = order_of(cast.xia, OrderKind.QUARANTINE_HOME, at=at)
    assert [(found.key, found.exact) for found in find_order(cast.alice, f"#{order.pk}")] == [(order.pk, True)]
    assert [(found.key, found.exact) for found in find_order(cast.alice, str(order.pk))] == [(order.pk, False)]
    assert find_order(cast.dora, f"#{order.pk}") == []  # denied looks absent
    for junk in ("", "#", "#x", "9" * 30, "#-1", "²"):
        assert find_order(cast.alice, junk) == []
