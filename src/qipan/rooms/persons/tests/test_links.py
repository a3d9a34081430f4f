"""Personal links: who issues them, what they open, until when; nothing readable of them is kept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from tests.cast import AT, Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons.models import PersonalLink
from qipan.rooms.persons.selectors import list_links, person_of_link
from qipan.rooms.persons.services import person_purge, personal_link_issue, personal_link_revoke
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.roles import Actor

DAY = timedelta(days=1)


@pytest.fixture
def issue(cast: Cast) -> Callable[..., str]:
    def make(actor: Actor = cast.alice, person: int = cast.xia, **more: object) -> str:
        return personal_link_issue(actor=actor, person_id=person, **{"at": AT} | more)

    return make


def opens(token: str, at: object = AT) -> bool:
    try:
        person_of_link(token, at)
    except Absent:
        return False
    return True


def test_a_link_opens_its_person_until_it_expires(cast: Cast, issue: Callable[..., str]) -> None:
    token = issue(days=2)
    assert person_of_link(token, AT) == cast.xia
    assert opens(token, AT + 2 * DAY - timedelta(seconds=1))
    assert not opens(token, AT + 2 * DAY)
    assert not opens(token, AT - timedelta(seconds=1))
    for other in (token[:-1], token + "x", token.swapcase(), "", "\0", "演示"):
        assert not opens(other)


def test_a_token_is_long_random_and_nowhere(cast: Cast, issue: Callable[..., str]) -> None:
    tokens = {issue() for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 32 for token in tokens)
    kept = [bytes(row) for row in PersonalLink.objects.values_list("digest", flat=True)]
    written = " ".join(str(entry.detail) for entry in AuditEntry.objects.all())
    assert all(token not in written and token.encode() not in kept for token in tokens)
    assert len({*kept}) == 20


@pytest.mark.parametrize("name", ["alice", "bob", "chen", "gao", "ning", "lin"])
def test_who_may_open_an_appeal_issues_and_takes_back(cast: Cast, issue: Callable[..., str], name: str) -> None:
    actor = cast.actors[name]
    token = issue(actor)
    link = list_links(actor, cast.xia).get()
    assert link.issued_by_id == actor.user_id
    personal_link_revoke(actor=actor, link_id=link.pk, at=AT)
    assert not opens(token)
    with pytest.raises(Refused):
        personal_link_revoke(actor=actor, link_id=link.pk, at=AT)
    assert [entry.action for entry in AuditEntry.objects.order_by("seq")] == [
        "personal_link.issue", "personal_link.revoke",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["dora", "eva", "fang", "hu", "ma", "qiu"])
def test_another_county_and_other_roles_are_denied(cast: Cast, issue: Callable[..., str], name: str) -> None:
    token = issue()
    actor = cast.actors[name]
    with pytest.raises(Denied):
        issue(actor)
    with pytest.raises(Denied):
        personal_link_revoke(actor=actor, link_id=PersonalLink.objects.get().pk, at=AT)
    assert list(list_links(actor, cast.xia)) == []
    assert opens(token)


def test_nobody_gets_a_link_for_nobody(cast: Cast, issue: Callable[..., str]) -> None:
    with pytest.raises(Absent):
        issue(person=999_999)
    with pytest.raises(Absent):
        personal_link_revoke(actor=cast.alice, link_id=999_999, at=AT)
    for days in (0, -1, 181):
        with pytest.raises(BadInput):
            issue(days=days)


def test_whose_identity_is_destroyed_has_no_link(cast: Cast, issue: Callable[..., str]) -> None:
    token = issue()
    person_purge(actor=cast.lin, person_id=cast.xia, reason="retention_ended", at=AT)
    assert not opens(token)
    assert PersonalLink.objects.get().revoked_at == AT
    with pytest.raises(Absent):
        issue()


def test_links_end_apart_from_one_another(cast: Cast, issue: Callable[..., str]) -> None:
    first, second = issue(), issue(at=AT + DAY)
    newest = list_links(cast.alice, cast.xia)[0]
    personal_link_revoke(actor=cast.alice, link_id=newest.pk, at=AT + DAY)
    assert opens(first, AT + DAY)
    assert not opens(second, AT + DAY)


def test_the_database_refuses_the_same_digest_twice(cast: Cast, issue: Callable[..., str]) -> None:
    issue()
    with connection.cursor() as cursor:
        names = connection.introspection.get_constraints(cursor, PersonalLink._meta.db_table).values()
    assert any(each["unique"] and each["columns"] == ["digest"] for each in names)
