"""The resident's own page: his link and nobody else's, his appeal from opening to release, nothing about others."""

import re
from datetime import datetime

import pytest
from django.core.cache import cache
from django.test import Client
from tests.cast import Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.control import selectors
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.services import appeal_decide, appeal_open_by_person, appeals_release_overdue
from qipan.rooms.control.services.appeals import RESIDENT
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, open_orders
from qipan.rooms.persons.selectors import list_links
from qipan.rooms.persons.services import identity_open, personal_link_issue, personal_link_revoke
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db
WORDS = "I was away that day."


@pytest.fixture(autouse=True)
def _no_misses() -> None:
    cache.clear()


@pytest.fixture
def story(town: Cast, at: datetime) -> Cast:
    """Yun is a case, Xia his close contact."""
    diagnosed(town.ning, town.yun, now=at)
    exposed(town.alice, town.xia, last=at - days(1), now=at, to=town.yun)
    return town


@pytest.fixture
def token(story: Cast, at: datetime) -> str:
    return issued(story, story.xia, at)


def issued(town: Cast, person: int, at: datetime) -> str:
    return personal_link_issue(actor=town.alice, person_id=person, at=at)


@pytest.fixture
def phone(at: datetime, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser in which nobody is signed in, at the cast's moment."""
    monkeypatch.setenv("QIPAN_NOW", at.isoformat())
    return Client(**{"wsgi.url_scheme": "https"})  # type: ignore[arg-type]


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_code_reason_end_duty_and_rights_without_signing_in(phone, story, token):
    answer = phone.get(f"/r/{token}/")
    assert answer.status_code == 200
    page = text(answer)
    for said in ("Central quarantine", "Red", "<rect", "What you do", "Because of", "Authority",
                 "This is wrong: appeal",
                 "What is held about you", "Who looked", person_code(story.xia)):  # fmt: skip
        assert said in page, said
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sessionid" not in answer.cookies
    assert "/sign-in" not in page
    phone.cookies["qipan_language"] = "zh-hans"
    assert "密切接触者" in text(phone.get(f"/r/{token}/"))


def test_nothing_about_anybody_else(phone, story, token):
    page = text(phone.get(f"/r/{token}/"))
    for other in (story.yun, story.wei, story.tao):
        assert person_code(other) not in page
    assert "演示·" not in page.replace("演示·湖滨区疾控中心", "")
    # a fact about somebody else that grounds an order is counted, not shown
    others = selectors.grounds_for_person(story.wei, "covid19-cn-9", [("x", "y", ["1", "2"])])
    assert (others[0].evidence, others[0].hidden) == ([], 2)


def test_free_people_are_told_so(phone, story, at):
    page = text(phone.get(f"/r/{issued(story, story.zhu, at)}/"))
    assert "Nothing binds you" in page
    assert "<circle" in page


def test_unknown_expired_and_revoked_links_look_absent_and_alike(phone, story, token, at, monkeypatch):
    other = personal_link_issue(actor=story.alice, person_id=story.zhu, at=at)
    link = list_links(story.alice, story.zhu).get()
    personal_link_revoke(actor=story.alice, link_id=link.pk, at=at)
    answers = [phone.get(f"/r/{each}/") for each in ("x", "A" * 43, other, "%00", "a" * 500)]
    monkeypatch.setenv("QIPAN_NOW", (at + days(400)).isoformat())
    answers.append(phone.get(f"/r/{token}/"))
    assert {answer.status_code for answer in answers} == {404}

    def body(answer):
        # apart from the moment, the form's token and the address itself
        plain = re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", text(answer))
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d|qipan 棋盘 · /r/[^·]*", "", plain)

    assert len({body(answer) for answer in answers}) == 1
    assert phone.post("/r/x/", {"kind": "isolate", "grounds": WORDS}).status_code == 404
    assert Appeal.objects.count() == 0


def test_guessing_is_slowed_and_a_right_link_still_answers(phone, token):
    answers = [phone.get(f"/r/guess{number}/").status_code for number in range(32)]
    assert answers[:30] == [404] * 30
    assert answers[30:] == [429, 429]
    assert phone.get(f"/r/{token}/").status_code == 200


def test_an_appeal_that_nobody_answers_releases(phone, story, token, at, monkeypatch):
    order = open_orders(story.xia)[0]
    before = Order.objects.values("until", "latest", "ends_at").get(pk=order.pk)
    assert phone.post(f"/r/{token}/", {"kind": order.kind, "grounds": WORDS}).status_code == 302
    appeal = Appeal.objects.get()
    assert (appeal.opened_by, appeal.due_at) == (None, at + days(1))
    assert WORDS.encode() not in bytes(appeal.grounds)
    entry = AuditEntry.objects.get(action="appeal.open")
    assert (entry.actor_label, entry.actor_user_id) == ("resident", None)
    assert Order.objects.values("until", "latest", "ends_at").get(pk=order.pk) == before
    page = text(phone.get(f"/r/{token}/"))
    assert "You have appealed" in page
    assert WORDS in page
    later = at + days(1.1)
    monkeypatch.setenv("QIPAN_NOW", later.isoformat())
    # the clock binds before the cycle has written anything
    assert "Nothing binds you" in text(phone.get(f"/r/{token}/")) or order.kind not in {
        o.kind.value for o in selectors.own_page(story.xia, at=later).orders
    }
    assert appeals_release_overdue(actor=SYSTEM_ACTOR, at=later) == 1
    page = text(phone.get(f"/r/{token}/"))
    assert "nobody answered in time: you are free of this order" in page
    assert order.kind not in {o.kind for o in open_orders(story.xia)}


def test_an_answered_appeal_shows_its_answer(phone, story, token, at):
    order = open_orders(story.xia)[0]
    appeal = appeal_open_by_person(token=token, kind=order.kind, grounds=WORDS, at=at)
    appeal_decide(actor=story.lin, appeal_id=appeal.pk, granted=False, answer="Rule nine, seven days.", at=at)
    page = text(phone.get(f"/r/{token}/"))
    assert "Rule nine, seven days." in page
    assert "answered: the order stands" in page
    assert "This is wrong: appeal" in page


def test_a_wrong_appeal_keeps_what_was_typed(phone, story, token, at):
    order = open_orders(story.xia)[0]
    empty = phone.post(f"/r/{token}/", {"kind": order.kind, "grounds": "  "})
    assert empty.status_code == 400
    assert "in your own words" in text(empty)
    gone = phone.post(f"/r/{token}/", {"kind": "isolate", "grounds": WORDS})
    assert gone.status_code == 400
    assert WORDS in text(gone)
    assert phone.post(f"/r/{token}/", {"kind": order.kind, "grounds": "x" * 5_000}).status_code == 400
    assert phone.post(f"/r/{token}/", {}).status_code == 400
    assert Appeal.objects.count() == 0
    for kind, grounds, error in (
        (order.kind, " ", BadInput), (order.kind, "x" * 5_000, BadInput), ("isolate", WORDS, Refused),
    ):  # fmt: skip
        with pytest.raises(error):
            appeal_open_by_person(token=token, kind=kind, grounds=grounds, at=at)
    with pytest.raises(Absent):
        appeal_open_by_person(token="x", kind=order.kind, grounds=WORDS, at=at)


def test_somebody_else_s_link_appeals_for_nobody_but_him(phone, story, token, at):
    other = issued(story, story.zhu, at)
    order = open_orders(story.xia)[0]
    assert phone.post(f"/r/{other}/", {"kind": order.kind, "grounds": WORDS}).status_code == 400
    assert Appeal.objects.count() == 0
    assert RESIDENT.grants == ()


def test_who_looked_names_offices_not_people(phone, story, token, at):
    identity_open(actor=story.alice, person_ids=[story.xia, story.zhu], purpose="contact_tracing", at=at)
    page = text(phone.get(f"/r/{token}/"))
    assert "Your identity was opened" in page
    assert "finding contacts" in page
    assert "Alice" not in page
    entries = selectors.who_looked(story.xia, at=at)
    assert {"identity.open", "evidence.record"} <= {entry.action for entry in entries}
    assert "identity.open" not in {entry.action for entry in selectors.who_looked(story.tao, at=at)}


def test_what_is_held(story, at):
    from qipan.foundation.access.holdings import held_about

    held = {holding.name: holding for holding in held_about(story.xia)}
    assert held["facts"].count == 1
    assert "exposure" in str(held["facts"].lines[0])
    assert held["orders"].count == len(open_orders(story.xia))
    assert person_code(story.yun) not in str(held["facts"].lines)


def test_few_queries(phone, story, token, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        phone.get(f"/r/{token}/")
