"""The door: who comes in, who does not, what the log says of it, when a session ends."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.utils import timezone
from tests.cast import AT, Cast

from qipan.foundation.access import services
from qipan.foundation.access.models import User
from qipan.foundation.audit.models import AuditEntry

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setenv("QIPAN_NOW", AT.isoformat())
    user = cast.users["alice"]
    services.password_set(actor=cast.fang, user=user, password=PASSWORD, at=AT, temporary=False)
    return user


def visitor(address: str = "192.0.2.1") -> Client:
    return Client(REMOTE_ADDR=address)


def enter(client: Client, name: str = "alice", password: str = PASSWORD, query: str = ""):
    return client.post(f"/sign-in{query}", {"username": name, "password": password})


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("seq").values_list("action", flat=True))


def test_the_password_opens_and_the_way_leads_on(alice):
    client = visitor()
    assert client.get("/account").headers["Location"] == "/sign-in?next=%2Faccount"
    answer = enter(client, query="?next=%2Faccount")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    assert client.get("/account").status_code == 200
    entry = AuditEntry.objects.get(action="sign_in")
    assert (entry.actor_user_id, entry.subject_id) == (alice.pk, str(alice.pk))


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_the_way_on_never_leads_elsewhere(alice, wanted):
    assert visitor().post("/sign-in", {"username": "alice", "password": PASSWORD, "next": wanted}).headers[
        "Location"
    ] == "/"


def test_the_session_key_changes_at_the_door(alice):
    client = visitor()
    client.get("/second-factor")
    session = client.session
    session["planted"] = "1"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    enter(client)
    assert client.cookies["sessionid"].value != before


def test_a_wrong_name_and_a_wrong_password_look_the_same(alice):
    answers = [enter(visitor(), "alice", "wrong wrong wrong"), enter(visitor(), "nobody-here", "wrong wrong wrong")]
    texts = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert texts[0] == texts[1]
    assert "wrong wrong" not in str(list(AuditEntry.objects.values()))
    failed = AuditEntry.objects.filter(action="sign_in.failed").order_by("seq")
    assert [entry.subject_id for entry in failed] == [str(alice.pk), ""]


@pytest.mark.parametrize("name", ["alice", "nobody-here", "closed", "empty"])
def test_every_wrong_try_costs_one_hash(alice, cast, monkeypatch, name):
    """What takes time is the hash: the same number of them, whoever is named."""
    services.user_create(actor=cast.fang, username="closed", display_name="", password=PASSWORD, at=AT)
    services.user_disable(actor=cast.fang, user=User.objects.get(username="closed"), at=AT)
    services.user_create(actor=cast.fang, username="empty", display_name="", at=AT)
    hashed = []
    for method in ("encode", "verify"):
        plain = getattr(Argon2PasswordHasher, method)
        monkeypatch.setattr(
            Argon2PasswordHasher, method, lambda self, *a, plain=plain, **k: hashed.append(1) or plain(self, *a, **k)
        )
    assert enter(visitor(), name, "wrong wrong wrong").status_code == 400
    assert len(hashed) == 1


def test_a_closed_account_does_not_open(alice, cast):
    services.user_disable(actor=cast.fang, user=alice, at=AT)
    assert enter(visitor()).status_code == 400


def test_after_five_tries_the_door_stays_shut_a_while(alice):
    client = visitor()
    tries = [enter(client, password=f"wrong wrong {number}").status_code for number in range(5)]
    assert tries == [400, 400, 400, 400, 429]
    shut = enter(client)
    assert shut.status_code == 429
    assert "quarter of an hour" in shut.content.decode()
    assert "retry-after" in {name.lower() for name in shut.headers}
    # others, and he himself from elsewhere, come in; nobody outside shuts somebody else out
    assert enter(visitor("192.0.2.9")).status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert enter(client).status_code == 302
    said = actions()
    assert said.count("sign_in.failed") == 4
    assert said.count("sign_in.locked") == 1  # the second within a minute is not written down again


def test_one_address_does_not_try_name_after_name(alice):
    client = visitor()
    answers = [enter(client, f"guess{number}", "wrong wrong wrong").status_code for number in range(30)]
    assert set(answers) == {400}
    assert enter(client).status_code == 429
    assert enter(visitor("192.0.2.7")).status_code == 302


def test_behind_a_proxy_only_its_own_word_counts(alice, settings):
    settings.BEHIND_PROXY = True
    client = visitor("127.0.0.1")
    for number in range(5):
        client.post("/sign-in", {"username": "alice", "password": f"wrong wrong {number}"},
                    headers={"x-forwarded-for": f"198.51.100.{number}, 192.0.2.1"})  # fmt: skip
    assert client.post(
        "/sign-in", {"username": "alice", "password": PASSWORD}, headers={"x-forwarded-for": "1.2.3.4, 192.0.2.1"}
    ).status_code == 429
    assert client.post(
        "/sign-in", {"username": "alice", "password": PASSWORD}, headers={"x-forwarded-for": "192.0.2.2"}
    ).status_code == 302


def test_signing_out_ends_the_session_and_is_logged(alice):
    client = visitor()
    enter(client)
    key = client.cookies["sessionid"].value
    assert client.get("/sign-out").status_code == 302  # an address does not sign out
    assert client.get("/account").status_code == 200
    assert client.post("/sign-out").status_code == 302
    client.cookies["sessionid"] = key
    assert client.get("/account").status_code == 302
    assert actions()[-1] == "sign_out"


def test_a_closed_account_loses_its_session_at_once(alice, cast):
    client = visitor()
    enter(client)
    services.user_disable(actor=cast.fang, user=alice, at=AT)
    assert client.get("/account").status_code == 302


def test_a_session_ends_half_an_hour_after_the_last_page(alice, settings):
    assert settings.SESSION_COOKIE_AGE == 30 * 60
    client = visitor()
    enter(client)
    session = client.session
    session["seen"] = (timezone.now() - timedelta(minutes=5)).isoformat()
    session.save()
    answer = client.get("/account")  # moves the end on
    assert int(answer.cookies["sessionid"]["max-age"]) == 30 * 60
    from django.contrib.sessions.models import Session

    stored = Session.objects.get(pk=client.cookies["sessionid"].value)
    assert timedelta(minutes=29) < stored.expire_date - timezone.now() <= timedelta(minutes=30)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/account").status_code == 302


def test_a_given_password_is_replaced_before_anything_else(alice, cast):
    services.password_set(actor=cast.fang, user=alice, password="given by another", at=AT)
    client = visitor()
    client.cookies["qipan_language"] = "en"
    enter(client, password="given by another")
    assert client.get("/account").headers["Location"].startswith("/account/password?next=")
    assert client.get("/areas/").headers["Location"].startswith("/account/password?next=")
    page = client.get("/account/password?next=%2Fareas%2F")
    assert "Somebody else gave you this password" in page.content.decode()
    new = {"old": "given by another", "new": "my own new password", "again": "my own new password"}
    answer = client.post("/account/password?next=%2Fareas%2F", new)
    assert answer.headers["Location"] == "/areas/"
    assert client.get("/areas/").status_code == 200


def test_whoever_is_signed_in_needs_no_second_sign_in_page_to_break(alice):
    client = visitor()
    enter(client)
    assert client.get("/sign-in").status_code in (200, 302)


@pytest.mark.parametrize("data", [{}, {"username": "alice"}, {"username": "a" * 300, "password": "x"},
                                  {"username": "a\0b", "password": "x"}])  # fmt: skip
def test_nonsense_is_answered_in_words(alice, data):
    assert visitor().post("/sign-in", data).status_code == 400
