"""Headers, cookies and errors of every address (W1, W2), and the page of health (O9)."""

import json

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from tests.cast import AT

from qipan.foundation import crypto
from qipan.foundation.jobs.models import Job
from qipan.web import health

pytestmark = pytest.mark.django_db

_EXAMPLES = {"code": "411202", "token": "x", "username": "alice", "chapter": "auditor", "form": "csv", "kind": "cases"}


def addresses(patterns=None, prefix: str = "") -> list[str]:
    """An example of every address that there is."""
    found = []
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            found += addresses(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            route = prefix + str(entry.pattern)
            for name, converter in entry.pattern.converters.items():
                value = "1" if type(converter).__name__ == "IntConverter" else _EXAMPLES.get(name, "x")
                for kind in ("int", "str", "slug", "path", "uuid"):
                    route = route.replace(f"<{kind}:{name}>", value)
                route = route.replace(f"<{name}>", value)
            found.append(f"/{route}")
    return found


def check(answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert "geolocation=()" in answer.headers["Permissions-Policy"]
    for name, cookie in answer.cookies.items():
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
    text = answer.content.decode(errors="replace") if not answer.streaming else ""
    if "text/html" in answer.headers.get("Content-Type", ""):
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<style" not in text


@pytest.mark.parametrize("address", sorted(set(addresses())))
def test_every_address_has_them_for_strangers_and_for_staff(browse, address, at):
    stranger = Client()
    for client in (stranger, browse("alice"), browse("fang")):
        for method in ("get", "post"):
            answer = getattr(client, method)(address, secure=True)
            assert answer.status_code < 500, (address, method)
            check(answer)


def test_there_are_addresses():
    assert len(addresses()) > 15


def test_http_is_sent_on_to_https():
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert Client().get("/sign-in").headers["Location"] == "https://testserver/sign-in"
        assert Client().get("/health").status_code in (200, 503)


def test_the_framework_has_no_warning_about_the_settings(capsys):
    with override_settings(
        SECRET_KEY="x7G!".join(map(str, range(30))), SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["qipan.example"]
    ):
        call_command("check", deploy=True, fail_level="WARNING")
    assert "no issues" in capsys.readouterr().out


def test_a_form_from_elsewhere_is_refused():
    client = Client(enforce_csrf_checks=True)
    assert client.post("/sign-in", {"username": "a", "password": "b"}, secure=True).status_code == 400


# ---------------------------------------------------------------------- health


def parts() -> tuple[int, dict[str, str]]:
    answer = Client().get("/health", secure=True)
    return answer.status_code, json.loads(answer.content)


def test_everything_works():
    assert parts() == (200, {"app": "ok", "database": "ok", "queue": "ok", "keys": "ok"})


def test_a_queue_that_nobody_works_on(monkeypatch):
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T12:10:00+08:00")
    Job.objects.create(kind="x", run_after=AT, created_at=AT)
    assert parts() == (503, {"app": "ok", "database": "ok", "queue": "behind", "keys": "ok"})


def test_a_key_folder_that_is_away(settings, tmp_path):
    settings.KEYS = tmp_path / "nowhere"
    crypto._forget()
    assert parts() == (503, {"app": "ok", "database": "ok", "queue": "ok", "keys": "failed"})


def test_a_database_that_is_away(monkeypatch):
    def away() -> str:
        raise OperationalError("password=secret")

    monkeypatch.setattr(health, "_database", away)
    status, said = parts()
    assert status == 503
    assert said == {"app": "ok", "database": "failed", "queue": "unknown", "keys": "ok"}


@pytest.mark.parametrize("address", ["/account", "/health"])
def test_whoever_is_signed_in_is_told_when_the_database_is_away(browse, monkeypatch, address):
    alice = browse("alice")

    def away(*args, **kwargs):
        raise OperationalError("password=secret")

    monkeypatch.setattr("qipan.web.acting.actor_for", away)
    answer = alice.get(address)
    assert answer.status_code == (503 if address == "/account" else 200)
    assert "secret" not in answer.content.decode()
