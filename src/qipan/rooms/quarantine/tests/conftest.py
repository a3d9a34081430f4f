"""Orders of tests/orders.py count as decided."""

import pytest


@pytest.fixture(autouse=True)
def decided_orders(orders_stand: None) -> None:
    """The orders of these tests are made by hand."""
