"""Fixtures for every room's tests (loaded by the root conftest, before Django is set up: hence the imports)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

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

    monkeypatch.setattr(orders, "asked_for", lambda rows, at: {orders.order_key(order): False for order in rows})


@pytest.fixture
def browse(cast: Cast, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    """A browser in which somebody of the cast is signed in, over https, at the cast's moment:
    ``browse("alice").get("/areas/")``. `verified=False`: without the second factor.
    """
    from django.test import Client
    from django_otp.plugins.otp_totp.models import TOTPDevice

    class Https(Client):
        """Speaks https without being told each time."""

        def generic(self, method: str, path: str, *args: Any, secure: bool = True, **kwargs: Any) -> Any:
            return super().generic(method, path, *args, secure=True, **kwargs)

    monkeypatch.setenv("QIPAN_NOW", at.isoformat())

    def browser(name: str, *, verified: bool = True, language: str = "en") -> Client:
        client = Https()
        user = cast.users[name]
        client.force_login(user, backend="qipan.foundation.access.backends.PasswordBackend")
        client.cookies["qipan_language"] = language
        if verified:
            device, _ = TOTPDevice.objects.get_or_create(user=user, name="test", confirmed=True)
            session = client.session
            session["otp_device_id"] = device.persistent_id
            session.save()
        return client

    return browser
