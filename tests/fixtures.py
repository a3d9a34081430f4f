"""Fixtures for every room's tests (loaded by the root conftest, before Django is set up: hence the imports)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The standing cast (tests/cast.py) in the test's database."""
    from tests.cast import build

    return build()


@pytest.fixture
def at() -> datetime:
    """Noon of 2022-07-20, local time: the moment at which the cast acts."""
    from tests.cast import AT

    return AT


@pytest.fixture
def orders_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders made by tests/orders.py have no evidence behind them: take them for decided. (That an order which
    no decision asks for binds nobody is tested in control.)
    """
    from qipan.rooms.control.selectors import orders

    monkeypatch.setattr(orders, "asked_for", lambda rows, at: {orders._key(order): False for order in rows})
