"""Schemathesis over the whole schema, as somebody with every permission: no input gives a server error (trust: B14)."""

import os

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings

pytestmark = [pytest.mark.django_db]


def test_nothing_breaks_the_server(call, request):
    # as the test client does: the connection is the test's, not the request's
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    request.addfinalizer(lambda: request_started.connect(close_old_connections))
    request.addfinalizer(lambda: request_finished.connect(close_old_connections))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", https(get_wsgi_application()))
    tokens = [call(name).token for name in ("alice", "ning", "gao", "fang")]
    examples = int(os.environ.get("QIPAN_FUZZ", "12"))
    found: list[str] = []
    seen: list[int] = []
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 23
    for operation in operations:

        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def run(case):
            for token in tokens[:1] if case.method == "GET" else tokens:
                response = case.call(headers={"Authorization": f"Bearer {token}"})
                seen.append(response.status_code)
                if response.status_code >= 500:
                    found.append(f"{case.method} {case.formatted_path} {case.body!r}: {response.status_code}")

        run()
    assert found == []
    assert {200, 404} <= set(seen)


def https(application):
    """The application as behind TLS."""

    def wrapped(environ, start_response):
        return application({**environ, "wsgi.url_scheme": "https"}, start_response)

    return wrapped
