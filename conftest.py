"""The test database: migrated by its owner, used by the application's role, emptied by the owner again."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# the same examples at every run, and no verdict by the clock of a busy machine
settings.register_profile("qipan", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qipan")

pytest_plugins = ["tests.fixtures"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What makes a SQLite database of its own says nothing new of PostgreSQL."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        skip = pytest.mark.skip(reason="makes a SQLite database of its own; run with SQLite")
        for item in items:
            if item.get_closest_marker("own_database"):
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def private_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test writes into the checkout's var/ or uses its keys."""
    from django.conf import settings

    from qipan.foundation import crypto

    # a test that forgets to say https is answered all the same; that http is sent on to it is a test of its own
    settings.SECURE_SSL_REDIRECT = False
    settings.VAR = tmp_path_factory.mktemp("var")
    settings.KEYS = tmp_path_factory.mktemp("keys")
    crypto.keys_create(settings.KEYS)


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any,
                    django_db_modify_db_settings: None) -> Iterator[None]:  # fmt: skip
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    from qipan.foundation.audit import guard
    from qipan.foundation.audit.owner import as_owner

    role = connection.settings_dict["USER"]
    with django_db_blocker.unblock(), as_owner():
        databases = setup_databases(verbosity=0, interactive=False, aliases=["default"], serialized_aliases=[])
        if settings.DATABASE_OWNER.get("USER") not in (None, role):
            guard.grant_app_role(connection, role)
    yield
    with django_db_blocker.unblock(), as_owner():
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def flush_past_the_guard(django_db_blocker: Any) -> Iterator[None]:
    """Between transactional tests the tables are emptied, which the guards of log and ledger refuse: so its owner
    puts them out of force for that moment.
    """
    from django.db import connection
    from django.test import TransactionTestCase

    from qipan.foundation.audit import guard
    from qipan.foundation.audit.owner import as_owner

    teardown = TransactionTestCase._fixture_teardown

    def guarded_teardown(self: TransactionTestCase) -> None:
        with as_owner(), guard.unguarded(connection):
            teardown(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", guarded_teardown)
        yield
