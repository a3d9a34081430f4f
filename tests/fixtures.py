"""Fixtures for every room's tests (loaded by the root conftest)."""

from datetime import datetime

import pytest

from tests import cast as cast_module


@pytest.fixture
def cast(db: None) -> "cast_module.Cast":
    """The standing cast (tests/cast.py) in the test's database."""
    return cast_module.build()


@pytest.fixture
def at() -> datetime:
    """Noon of 2022-07-20, local time: the moment at which the cast acts."""
    return cast_module.AT
