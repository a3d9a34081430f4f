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
