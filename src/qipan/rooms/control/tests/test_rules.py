"""The pure rules of the ledger: the least change between stored and decided orders."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.rooms.control.rules import OpenOrder, canonical, diff_orders, may_answer
from qipan.terms.decisions import OrderSpec
from qipan.terms.evidence import OrderKind

DAY = date(2022, 7, 20)
MOMENT = datetime(2022, 7, 25, 4, tzinfo=UTC)


def spec(kind: OrderKind = OrderKind.QUARANTINE_CENTRAL, rule: str = "contact", until: int = 7) -> OrderSpec:
    last = DAY + timedelta(days=until)
    return OrderSpec(kind, DAY, last, last, last, rule, "plan", ("1",))


def stored(order_id: int, of: OrderSpec, ends_at: datetime = MOMENT + timedelta(days=2)) -> OpenOrder:
    return OpenOrder(
        order_id, of.kind.value, of.rule, "book", of.starts, of.until, of.latest, of.awaiting, of.test_days,
        of.evidence, ends_at,
    )  # fmt: skip


def test_the_same_order_stays() -> None:
    changes = diff_orders([stored(1, spec())], [spec()], rulebook="book", moment=MOMENT)
    assert changes.openings == ()
    assert changes.closings == ()


def test_a_new_order_opens() -> None:
    changes = diff_orders([], [spec()], rulebook="book", moment=MOMENT)
    assert [opening.spec for opening in changes.openings] == [spec()]
    assert changes.openings[0].replaces is None


def test_a_changed_order_replaces_the_old_one() -> None:
    changes = diff_orders([stored(1, spec())], [spec(until=9)], rulebook="book", moment=MOMENT)
    assert changes.closings == ((1, "replaced"),)
    assert changes.openings[0].replaces == 1


def test_another_book_replaces_even_where_the_days_agree() -> None:
    changes = diff_orders([stored(1, spec())], [spec()], rulebook="other", moment=MOMENT)
    assert changes.closings == ((1, "replaced"),)


@pytest.mark.parametrize(("hours", "how"), [(-1, "lapsed"), (0, "lapsed"), (1, "released")])
def test_an_order_no_longer_decided_lapsed_or_was_released(hours: int, how: str) -> None:
    order = stored(1, spec(), ends_at=MOMENT + timedelta(hours=hours))
    assert diff_orders([order], [], rulebook="book", moment=MOMENT).closings == ((1, how),)


specs = st.lists(
    st.builds(spec, st.sampled_from(list(OrderKind)), st.sampled_from(["a", "b"]), st.integers(0, 9)),
    unique_by=lambda s: (s.kind, s.rule),
    max_size=6,
)


@given(before=specs, after=specs)
def test_applying_the_changes_gives_what_was_decided(before: list[OrderSpec], after: list[OrderSpec]) -> None:
    open_orders = [stored(number, order) for number, order in enumerate(before)]
    changes = diff_orders(open_orders, after, rulebook="book", moment=MOMENT)
    closed = {order_id for order_id, _ in changes.closings}
    left = [before[o.order_id] for o in open_orders if o.order_id not in closed] + [o.spec for o in changes.openings]
    assert sorted(left, key=str) == sorted(after, key=str)
    # and nothing was touched without need
    assert all(before[order_id] not in after for order_id in closed)


def test_who_may_answer_an_appeal() -> None:
    assert may_answer(opened_by=1, grounds_unit=10, user_id=2, unit_id=20)
    assert not may_answer(opened_by=1, grounds_unit=10, user_id=1, unit_id=20)
    assert not may_answer(opened_by=1, grounds_unit=10, user_id=2, unit_id=10)
    assert not may_answer(opened_by=1, grounds_unit=10, user_id=None, unit_id=20)
    assert may_answer(opened_by=1, grounds_unit=None, user_id=2, unit_id=None)


def test_canonical_bytes_do_not_depend_on_order_or_zone() -> None:
    a = canonical({"b": 1, "a": datetime(2022, 7, 20, 12, tzinfo=UTC)})
    b = canonical({"a": datetime.fromisoformat("2022-07-20T20:00:00+08:00"), "b": 1})
    assert a == b == b'{"a":"2022-07-20T12:00:00.000000+00:00","b":1}'
