"""The cast with a rulebook in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from tests.cast import Cast


@pytest.fixture
def town(cast: Cast, at: datetime) -> Cast:
    """The cast, with the 9th edition published."""
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rulebooks.loader import book_text
    from qipan.terms.roles import Actor, Grant, Role

    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    rulebook_publish(actor=root, text=book_text("covid19-cn-9"), area_path="/", at=at)
    return cast
