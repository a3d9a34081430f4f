"""Tokens at the browser: for oneself, shown once, taken back."""

import re

import pytest

from qipan.foundation.http.models import ApiToken

pytestmark = pytest.mark.django_db


def make(client, **more):
    form = {"name": "nightly sync", "permissions": ["case.view"], "days": "30", **more}
    return client.post("/account/tokens/add", form)


def test_a_token_is_made_shown_once_and_taken_back(browse):
    alice = browse("alice")
    token = re.search(r"qipan_[\w-]+", make(alice).content.decode()).group()
    assert token not in alice.get("/account/tokens/").content.decode()
    assert "nightly sync" in alice.get("/account/tokens/").content.decode()
    bearer = {"Authorization": f"Bearer {token}"}
    assert alice.get("/api/v1/cases", headers=bearer).status_code == 200
    row = ApiToken.objects.get()
    assert "Before you confirm" in alice.post(f"/account/tokens/{row.pk}/").content.decode()
    assert alice.post(f"/account/tokens/{row.pk}/", {"confirmed": "1"}).status_code == 302
    assert alice.get("/api/v1/cases", headers=bearer).status_code == 401


def test_nobody_gives_a_token_what_he_does_not_hold(browse):
    for permission in ("user.manage", "identity.open", "rows.export", "test.record", "nonsense"):
        assert make(browse("alice"), permissions=[permission]).status_code == 400
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("wrong", [{"name": " "}, {"days": "0"}, {"days": "4000"}, {"permissions": []}])
def test_what_is_missing_is_said(browse, wrong):
    assert make(browse("alice"), **wrong).status_code == 400


def test_tokens_ask_for_the_second_factor_and_are_one_s_own(browse):
    make(browse("alice"))
    row = ApiToken.objects.get()
    assert browse("alice", verified=False).get("/account/tokens/").headers["Location"].startswith("/second-factor")
    assert browse("dora").get(f"/account/tokens/{row.pk}/").status_code == 404
    assert browse("fang").get(f"/account/tokens/{row.pk}/").status_code == 200
