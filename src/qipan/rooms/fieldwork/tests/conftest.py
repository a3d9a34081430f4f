"""The cast with the 9th edition in force; or orders that no rulebook takes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from tests.cast import Cast


@pytest.fixture
def town(cast: Cast, at: datetime) -> Cast:
    """The cast, with the 9th edition published everywhere."""
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rulebooks.loader import book_text
    from qipan.terms.roles import Actor, Grant, Role

    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    rulebook_publish(actor=root, text=book_text("covid19-cn-9"), area_path="/", at=at - timedelta(days=1))
    return cast


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave orders alone: those of `tests.orders` were decided by no book, so deciding again would release them."""
    from qipan.rooms.control.services import Refreshed
    from qipan.rooms.fieldwork import services

    monkeypatch.setattr(services, "decisions_refresh", lambda **_: Refreshed())


@pytest.fixture(autouse=True)
def decided_orders(orders_stand: None) -> None:
    """The orders of these tests are made by hand."""
