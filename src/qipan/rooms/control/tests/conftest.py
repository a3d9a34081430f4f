"""The cast with the shipped books in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from tests.cast import Cast


@pytest.fixture
def town(cast: Cast, at: datetime) -> Cast:
    """The cast, with the 8th and 9th editions and the twenty measures published."""
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rulebooks.loader import book_text
    from qipan.terms.roles import Actor, Grant, Role

    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    for book in ("covid19-cn-8", "covid19-cn-9", "covid19-cn-20"):
        rulebook_publish(actor=root, text=book_text(book), area_path="/", at=at)
    return cast
