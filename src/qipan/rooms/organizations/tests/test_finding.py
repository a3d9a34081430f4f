"""What one reads of one's own, and what the global search finds of units and accounts."""

from datetime import timedelta

from tests.cast import AT, TODAY, Cast

from qipan.rooms.organizations.selectors import (
    INSTALLER,
    find_accounts,
    find_units,
    own_duties,
    own_memberships,
)
from qipan.rooms.organizations.services import duty_assign, membership_end


def test_memberships_are_ones_own_and_not_over(cast: Cast) -> None:
    assert [m.unit.code for m in own_memberships(cast.alice, day=TODAY)] == ["CDC-A"]
    assert list(own_memberships(INSTALLER, day=TODAY)) == []
    membership_end(actor=cast.fang, membership=own_memberships(cast.alice, day=TODAY)[0],
                   last_day=TODAY - timedelta(days=1), at=AT)  # fmt: skip
    assert list(own_memberships(cast.alice, day=TODAY)) == []


def test_duties_are_ones_own_and_not_over(cast: Cast) -> None:
    duty_assign(actor=cast.fang, unit=cast.units["CDC-A"], user=cast.users["alice"], starts_at=AT,
                ends_at=AT + timedelta(hours=8), at=AT)  # fmt: skip
    assert [duty.unit.code for duty in own_duties(cast.alice, at=AT)] == ["CDC-A"]
    assert list(own_duties(cast.bob, at=AT)) == []
    assert list(own_duties(cast.alice, at=AT + timedelta(hours=8))) == []
    assert list(own_duties(INSTALLER, at=AT)) == []


def test_units_are_found_where_they_are_the_readers(cast: Cast) -> None:
    assert [found.key for found in find_units(cast.alice, "cdc-a")] == ["CDC-A"]
    assert find_units(cast.alice, "CDC-B") == []  # denied looks absent
    assert [found.key for found in find_units(cast.fang, "疾控中心")] == ["CDC-A", "CDC-B"]


def test_accounts_are_found_by_who_manages_them(cast: Cast) -> None:
    assert [found.note for found in find_accounts(cast.fang, "ali")] == ["alice"]
    assert find_accounts(cast.alice, "alice") == []
