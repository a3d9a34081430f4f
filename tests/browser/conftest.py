"""A stage for people at real screens: the cast in a database of its own, a server beside it, Chromium in front.

The server runs in threads of this process, so the tests move the clock and run waiting jobs. On SQLite the test
database lies in memory, behind one connection that all threads would have to share; here it is copied into a file,
and every thread opens its own connection, as in service. On PostgreSQL it is the test database itself. Chromium is
the system's, found by $QIPAN_CHROMIUM or at its usual places; without one these tests are skipped, unless
QIPAN_BROWSER=required.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.people import FLAGS, Guest, chromium_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django.fixtures import SettingsWrapper

    from tests.cast import Cast

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is of the marker `browser`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium."""
    path = chromium_path()
    if path is None:
        said = "no Chromium here: install the package chromium, or name the program in QIPAN_CHROMIUM"
        if os.environ.get("QIPAN_BROWSER") == "required":
            pytest.fail(said)
        pytest.skip(said)
    return path


@pytest.fixture
def own_database(
    chromium: str, django_db_setup: None, django_db_blocker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """On SQLite: the migrated test database in a file, for as long as the test."""
    from django.db import connections

    before = connections["default"]
    if before.vendor != "sqlite":
        yield
        return
    path = tmp_path / "stage.sqlite3"
    with django_db_blocker.unblock(), before.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    monkeypatch.setitem(connections.settings["default"], "NAME", str(path))
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    connections["default"] = before


@pytest.fixture
def stage(
    own_database: None, transactional_db: None, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[str]:  # fmt: skip
    """An empty installation that is served over plain http on this machine: its address."""
    from django.core.cache import cache
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.servers.basehttp import ThreadedWSGIServer

    from tests.browser.serving import Quiet
    from tests.cast import AT

    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = False
    settings.SECURE_HSTS_SECONDS = 0
    settings.VAR = tmp_path / "var"
    settings.VAR.mkdir()
    monkeypatch.setenv("QIPAN_NOW", AT.isoformat())
    cache.clear()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cast(stage: str) -> Cast:
    """The standing cast, with the 9th edition published."""
    from tests.browser.scenes import town

    return town()


@pytest.fixture
def enter(stage: str, cast: Cast, chromium: str) -> Iterator[Callable[..., Guest]]:
    """``enter(phone=True, language="zh-hans")``: somebody at a screen of his own; `session`: signed in already.

    What a page does that no page may do (errors in the console, requests to elsewhere) fails the test at its end.
    """
    from playwright.sync_api import sync_playwright

    guests: list[Guest] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def come_in(**how: Any) -> Guest:
            guests.append(Guest(browser, stage, **how))
            return guests[-1]

        yield come_in
        for guest in guests:
            guest.leave()
        browser.close()
    assert [complaint for guest in guests for complaint in guest.complaints] == []
