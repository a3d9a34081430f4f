"""A token never does more than its owner may, nor outside its permissions, its area and its time."""

from datetime import timedelta

import pytest
from tests.cast import COUNTY_A, COUNTY_B, TOWNSHIP_A1

from qipan.foundation.access.services import user_disable
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.http.models import ApiToken
from qipan.foundation.http.tokens import list_tokens, token_create, token_of, token_revoke
from qipan.terms.errors import Absent, BadInput, Denied
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def make(cast, at, actor="alice", user="alice", permissions=(Permission.PERSON_VIEW,), area="/", days=30):
    return token_create(
        actor=cast.actors[actor], user=cast.users[user], name="sync", permissions=permissions, area_path=area,
        expires_at=at + days * DAY, at=at,
    )  # fmt: skip


def test_without_a_token_nothing_is_answered(client, call):
    for path in ("/people", "/cases", "/orders", "/batches", "/indicators"):
        answer = client.get(f"/api/v1{path}", secure=True)
        assert (answer.status_code, answer.json()["error"]) == (401, "A valid token is needed.")
    caller = call("alice")
    caller.token = caller.token[:-1] + "x"
    assert caller.get("/people").status_code == 401


def test_a_session_opens_nothing_here(browse):
    assert browse("alice").get("/api/v1/people").status_code == 401


def test_a_token_makes_no_session(call, cast):
    caller = call("alice")
    assert caller.get("/people").status_code == 200
    assert "sessionid" not in caller.client.cookies
    assert caller.client.get("/areas/").headers["Location"].startswith("/sign-in")


def test_a_token_does_what_its_permissions_say_and_its_owner_may(call, cast):
    narrow = call("alice", permissions=[Permission.CASE_VIEW])
    assert narrow.get("/cases").status_code == 200
    assert narrow.get("/people").json()["items"] == []
    assert narrow.get(f"/people/{person_code(cast.xia)}").status_code == 404
    greedy = call("hu", permissions=[Permission.CASE_VIEW, Permission.PERSON_VIEW])  # a laboratory has no line list
    assert greedy.get("/cases").json()["items"] == []
    assert len(greedy.get("/people").json()["items"]) == 5


def test_a_token_stays_in_its_area(call, cast):
    township = call("alice", area=cast.path(TOWNSHIP_A1))
    assert len(township.get("/people").json()["items"]) == 3
    assert township.get(f"/people/{person_code(cast.zhu)}").status_code == 404
    elsewhere = call("alice", area=cast.path(COUNTY_B))
    assert elsewhere.get("/people").json()["items"] == []


def test_the_area_narrows_and_another_county_looks_absent(call, cast):
    alice = call("alice")
    assert len(alice.get("/people").json()["items"]) == 4
    assert len(alice.get(f"/people?area={TOWNSHIP_A1}").json()["items"]) == 3
    assert alice.get(f"/people?area={COUNTY_B}").status_code == 404
    assert alice.get("/people?area=%00").status_code == 400
    assert alice.get("/people?area=nowhere").status_code == 404


def test_a_token_ends(call, cast, at):
    row, token = make(cast, at)
    assert token_of(token, at) == row
    assert token_of(token, at + 31 * DAY) is None
    token_revoke(actor=cast.alice, token_id=row.pk, at=at)
    assert token_of(token, at) is None


def test_a_closed_account_closes_its_tokens(cast, at):
    _, token = make(cast, at)
    user_disable(actor=cast.fang, user=cast.users["alice"], at=at)
    assert token_of(token, at) is None


def test_tokens_are_made_by_their_owner_or_whoever_manages_the_account(cast, at):
    row, _ = make(cast, at, actor="fang", user="alice")
    assert list(list_tokens(cast.alice)) == [row]
    assert list(list_tokens(cast.fang)) == [row]
    assert list(list_tokens(cast.dora)) == []
    with pytest.raises(Denied):
        make(cast, at, actor="alice", user="bob")
    with pytest.raises(Absent):
        token_revoke(actor=cast.dora, token_id=row.pk, at=at)


@pytest.mark.parametrize(
    "wrong",
    [{"permissions": ()}, {"permissions": (Permission.IDENTITY_OPEN,)}, {"permissions": (Permission.USER_MANAGE,)},
     {"days": 0}, {"days": 400}],
)  # fmt: skip
def test_a_token_that_should_not_be_is_not_made(cast, at, wrong):
    with pytest.raises(BadInput):
        make(cast, at, **wrong)
    assert not ApiToken.objects.exists()


def test_the_token_itself_is_kept_nowhere(cast, at):
    _, token = make(cast, at)
    row = ApiToken.objects.values().get()
    assert token not in str(row)
    assert token not in str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.get(action="token.create").detail["permissions"] == ["person.view"]


def test_areas_are_no_secret_but_rows_are(call, cast):
    only_cases = call("alice", permissions=[Permission.CASE_VIEW])
    assert only_cases.get(f"/people?area={COUNTY_A}").json()["items"] == []
