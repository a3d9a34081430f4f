"""Pages of the heart as people at a browser meet them: orders, appeals, decisions, facts."""

import re
from datetime import datetime

import pytest
from django.db import connection
from tests.cast import COUNTY_B, GRID_A1, Cast

from qipan.rooms.control.models import Appeal, Evidence, Order
from qipan.rooms.control.services import appeal_open, decisions_refresh
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, open_orders, swabbed
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(town: Cast, at: datetime) -> Cast:
    """Yun is a case, Xia his close contact, Tao (county B) another case's contact."""
    diagnosed(town.ning, town.yun, now=at)
    exposed(town.alice, town.xia, last=at - days(1), now=at, to=town.yun)
    exposed(town.dora, town.tao, last=at - days(1), now=at)
    return town


@pytest.fixture
def order(story: Cast) -> Order:
    return open_orders(story.xia)[0]


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def code(person: int) -> str:
    return person_code(person)


# ---------------------------------------------------------------------- orders


def test_orders_of_one_s_own_area_only(browse, story, order):
    page = browse("alice").get("/orders/")
    assert page.status_code == 200
    assert code(story.xia) in text(page)
    assert code(story.tao) not in text(page)
    assert code(story.tao) in text(browse("dora").get("/orders/"))
    assert browse("dora").get(f"/orders/{order.pk}/").status_code == 404
    for name in ("fang", "ma", "hu"):
        assert browse(name).get("/orders/").status_code == 404
        assert browse(name).get(f"/orders/{order.pk}/").status_code == 404
    for name in ("alice", "bob", "chen", "gao", "lin", "eva", "qiu", "ning"):
        assert browse(name).get(f"/orders/{order.pk}/").status_code == 200, name


def test_the_list_shows_what_is_in_force_unless_asked_otherwise(browse, story, order, at, monkeypatch):
    later = at + days(40)
    decisions_refresh(actor=SYSTEM_ACTOR, at=later)
    monkeypatch.setenv("QIPAN_NOW", later.isoformat())
    alice = browse("alice")
    assert "Nobody here is bound" in text(alice.get("/orders/?state=active")) or "No row" in text(alice.get("/orders/"))
    closed = text(alice.get("/orders/?state=closed"))
    assert code(story.xia) in closed
    assert "lapsed" in closed
    everything = text(alice.get(f"/orders/?state=&person={code(story.xia)}"))
    assert code(story.xia) in everything
    assert code(story.yun) not in everything
    assert "lapsed" in text(alice.get(f"/orders/{order.pk}/"))


@pytest.mark.parametrize(
    "query", ["state=red", "kind=jail", "person=xia", "rulebook=none", "starts_from=soon", "sort=now", "page=zz"]
)
def test_a_wrong_address_of_orders_is_answered_in_words(browse, story, query):
    assert browse("alice").get(f"/orders/?{query}").status_code == 400


def test_an_order_page_says_rule_grounds_and_how_it_came(browse, story, order):
    page = text(browse("alice").get(f"/orders/{order.pk}/"))
    assert "Close contact" in page or "close contact" in page
    assert order.authority[:20] in page
    fact = Evidence.objects.get(person_id=story.xia, kind="exposure")
    assert f"/evidence/{fact.pk}/" in page
    assert "The order was made" in page
    assert "a fact was recorded" in page
    assert "Appeal against it" in page
    # a grid worker sees the order, not the facts
    seen = text(browse("chen").get(f"/orders/{order.pk}/"))
    assert f"/evidence/{fact.pk}/" not in seen
    assert "1 fact that you may not see" in seen


def test_a_forged_order_looks_absent(browse, story, order):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE control_order SET ends_at = %s WHERE id = %s", [str(order.ends_at + days(90)), order.pk])
    assert browse("alice").get(f"/orders/{order.pk}/").status_code == 404
    assert browse("alice").get(f"/orders/{order.pk}/appeal/").status_code == 404
    assert code(story.xia) not in text(browse("alice").get("/orders/?kind=quarantine_central"))
    file = browse("alice").post(
        "/orders/?kind=quarantine_central", {"act": "export", "purpose": "Rooms for the county's contacts"}
    )
    assert code(story.xia) not in file.content.decode("utf-8-sig")


def test_an_order_that_no_decision_asks_for_says_so(browse, story, order, at):
    values = Order.objects.values().get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(closed_at=None)
    from qipan.rooms.control.services import evidence_void

    fact = Evidence.objects.get(person_id=story.xia, kind="exposure")
    evidence_void(actor=story.alice, evidence_id=fact.pk, reason="somebody else", now=at)
    Order.objects.filter(pk=order.pk).update(**{k: v for k, v in values.items() if k != "id"})
    assert "it binds nobody" in text(browse("alice").get(f"/orders/{order.pk}/"))


def test_queries_are_few(browse, story, order, at, django_assert_max_num_queries):
    appeal = appeal_open(actor=story.bob, order_id=order.pk, grounds="Too long.", at=at)
    fact = Evidence.objects.get(person_id=story.xia, kind="exposure")
    alice = browse("alice")
    for url in (
        "/orders/", f"/orders/{order.pk}/", "/appeals/", f"/appeals/{appeal.pk}/", f"/decisions/{code(story.xia)}/",
        f"/evidence/{fact.pk}/", f"/decisions/{code(story.xia)}/record/test/", f"/evidence/{fact.pk}/take-back/",
    ):  # fmt: skip
        with django_assert_max_num_queries(30):
            assert alice.get(url).status_code == 200, url


def test_chinese(browse, story, order, at):
    alice = browse("alice", language="zh-hans")
    for url in ("/orders/", f"/orders/{order.pk}/", f"/decisions/{code(story.xia)}/", "/appeals/"):
        assert alice.get(url).status_code == 200
    assert "密切接触者" in text(alice.get(f"/orders/{order.pk}/"))


# ---------------------------------------------------------------------- appeals


def test_an_appeal_from_opening_to_answer(browse, story, order):
    bob, lin = browse("bob"), browse("lin")
    opened = bob.post(f"/orders/{order.pk}/appeal/", {"grounds": "I was away that day."})
    assert opened.status_code == 302
    appeal = Appeal.objects.get()
    assert "23 hours" in text(lin.get("/appeals/")) or "24 hours" in text(lin.get("/appeals/"))
    page = text(lin.get(f"/appeals/{appeal.pk}/"))
    assert "I was away that day." in page
    url = f"/appeals/{appeal.pk}/answer/"
    answer = {"answer": "grant", "reason": "Shown by tickets."}
    asked = lin.post(url, answer)
    assert asked.status_code == 200
    assert "An exemption goes to the ledger" in text(asked)
    assert Appeal.objects.get().state == "open"
    assert lin.post(url, {**answer, "confirmed": "1"}).status_code == 302
    assert Appeal.objects.get().state == "granted"
    assert order.kind not in {o.kind for o in open_orders(story.xia)}
    assert "Shown by tickets." in text(lin.get(f"/appeals/{appeal.pk}/"))
    assert lin.post(url, {**answer, "confirmed": "1"}).status_code == 400


def test_own_words_are_for_those_who_may_decide(browse, story, order, at):
    appeal = appeal_open(actor=story.bob, order_id=order.pk, grounds="I was away that day.", at=at)
    for name, sees in (("lin", True), ("alice", True), ("qiu", False), ("eva", False)):
        page = browse(name).get(f"/appeals/{appeal.pk}/")
        assert page.status_code == 200
        assert ("I was away" in text(page)) is sees, name
    for name in ("dora", "bob", "chen", "fang", "ma"):
        assert browse(name).get(f"/appeals/{appeal.pk}/").status_code == 404, name
        assert browse(name).get(f"/appeals/{appeal.pk}/answer/").status_code == 404, name
    for name in ("qiu", "eva"):
        assert browse(name).get(f"/appeals/{appeal.pk}/answer/").status_code == 404, name


def test_two_people_of_two_units_in_words(browse, story, order, at):
    appeal = appeal_open(actor=story.lin, order_id=order.pk, grounds="Too long.", at=at)
    assert "Your unit recorded the grounds" in text(browse("alice").get(f"/appeals/{appeal.pk}/"))
    assert "You opened this appeal" in text(browse("lin").get(f"/appeals/{appeal.pk}/"))
    form = {"answer": "uphold", "reason": "Rule nine.", "confirmed": "1"}
    refused = browse("lin").post(f"/appeals/{appeal.pk}/answer/", form)
    assert refused.status_code == 400
    assert "of another unit" in text(refused)
    assert "Rule nine." in text(refused)


def test_answering_asks_for_the_second_factor(browse, story, order, at):
    appeal = appeal_open(actor=story.bob, order_id=order.pk, grounds="Too long.", at=at)
    answer = browse("lin", verified=False).get(f"/appeals/{appeal.pk}/answer/")
    assert answer.headers["Location"].startswith("/second-factor")


def test_who_may_open_an_appeal_and_what_it_needs(browse, story, order):
    url = f"/orders/{order.pk}/appeal/"
    assert "in the person" in text(browse("chen").get(url)).lower()
    assert browse("chen").post(url, {"grounds": " "}).status_code == 400
    for name in ("dora", "eva", "qiu", "ma", "fang"):
        assert browse(name).post(url, {"grounds": "x"}).status_code == 404, name
    assert Appeal.objects.count() == 0
    assert browse("chen").post(url, {"grounds": "Too long."}).status_code == 302
    again = browse("chen").post(url, {"grounds": "Too long."})
    assert again.status_code == 400
    assert "under appeal already" in text(again)


def test_the_desk_is_empty_in_words(browse, story):
    assert "No appeal waits" in text(browse("lin").get("/appeals/")) or "No row" in text(browse("lin").get("/appeals/"))
    assert browse("lin").get("/appeals/?state=gone").status_code == 400
    assert browse("lin").get("/appeals/999999999999999999999999/").status_code == 404


# ---------------------------------------------------------------------- decisions and facts


def test_the_explorer_says_code_reasons_and_what_would_change_it(browse, story, order):
    page = text(browse("alice").get(f"/decisions/{code(story.xia)}/"))
    assert 'class="code code-red"' in page
    for said in ("A positive test today", "Taken back:", "Nothing more is learnt", "Every test that falls due"):
        assert said in page
    assert Evidence.objects.count() == 3  # nothing was stored
    free = text(browse("alice").get(f"/decisions/{code(story.zhu)}/"))
    assert 'class="code code-green"' in free
    assert "The ledger says nothing about this person" in free


def test_who_may_explore(browse, story):
    url = f"/decisions/{code(story.xia)}/"
    for name in ("dora", "hu", "lin", "ma", "fang", "qiu"):
        assert browse(name).get(url).status_code == 404, name
    seen = text(browse("gao").get(url))
    assert "Your role does not see the facts" in seen
    for wrong in ("x", "P00000000", code(story.xia)[:-1] + "Q", code(10**9), "%00"):
        assert browse("alice").get(f"/decisions/{wrong}/").status_code == 404, wrong


def test_a_fact_is_recorded_after_its_consequences_were_shown(browse, story, at):
    ning = browse("ning")
    url = f"/decisions/{code(story.zhu)}/record/test/"
    fields = re.search(r'name="once" value="(\w+)"', text(ning.get(url)))
    assert fields is not None
    form = {"once": fields[1], "at": "2022-07-20T11:30", "result": "positive", "method": "pcr", "ct": "24.5",
            "source": "Laboratory slip 12"}  # fmt: skip
    asked = ning.post(url, form)
    assert asked.status_code == 200
    assert "isolation until 24:00" in text(asked)
    assert Evidence.objects.filter(person_id=story.zhu).count() == 0
    assert ning.post(url, {**form, "confirmed": "1"}).status_code == 302
    assert ning.post(url, {**form, "confirmed": "1"}).status_code == 302  # twice is once
    row = Evidence.objects.get(person_id=story.zhu)
    assert row.value == {"result": "positive", "method": "pcr", "ct": 24.5}
    assert row.at == at - days(0.5 / 24)
    assert open_orders(story.zhu)[0].kind == "isolate"


@pytest.mark.parametrize(
    ("kind", "fields", "value"),
    [
        ("exposure", {"first": "2022-07-18", "last": "2022-07-19", "setting": "household", "contact_class": "close",
                      "minutes": "30"},
         {"first": "2022-07-18", "last": "2022-07-19", "setting": "household", "class": "close", "minutes": 30}),
        ("symptom", {"symptoms": "fever，cough", "temperature": "38.5"},
         {"symptoms": ["fever", "cough"], "temperature": 38.5}),
        ("diagnosis", {"classification": "suspected", "onset_date": "2022-07-19"},
         {"classification": "suspected", "onset_date": "2022-07-19"}),
        ("follow_up", {"outcome": "well"}, {"outcome": "well"}),
        ("recovery", {}, {}),
        ("arrival", {"origin_area": "Thailand"}, {"origin_area": "Thailand"}),
        ("residence", {"area": "310115", "level": "high"}, {"area": "310115", "level": "high"}),
    ],
)  # fmt: skip
def test_every_kind_of_fact_can_be_stated(browse, story, kind, fields, value):
    url = f"/decisions/{code(story.zhu)}/record/{kind}/"
    form = {"once": kind, "at": "2022-07-20T11:30", "source": "paper 1", "confirmed": "1", **fields}
    assert browse("alice").post(url, form).status_code == 302
    assert Evidence.objects.get(person_id=story.zhu).value == value


def test_what_cannot_be_stated(browse, story):
    base = f"/decisions/{code(story.zhu)}/record/"
    for kind in ("exemption", "correction", "code", "red"):
        assert browse("alice").get(f"{base}{kind}/").status_code == 404, kind
    # a laboratory states results and nothing else; a grid worker follow-ups and symptoms
    assert browse("hu").get(f"{base}test/").status_code == 200
    assert browse("hu").get(f"{base}diagnosis/").status_code == 404
    assert browse("chen").get(f"/decisions/{code(story.xia)}/record/follow_up/").status_code == 200
    assert browse("chen").get(f"/decisions/{code(story.xia)}/record/test/").status_code == 404
    for name in ("dora", "fang", "ma", "eva", "lin", "qiu"):
        assert browse(name).get(base).status_code == 404, name
    wrong = {"once": "w", "at": "2022-07-21T11:30", "result": "positive", "method": "pcr", "source": "x",
             "confirmed": "1"}  # fmt: skip
    future = browse("alice").post(f"{base}test/", wrong)
    assert future.status_code == 400
    assert "in the future" in text(future)
    for change in ({"at": "yesterday"}, {"result": "red"}, {"ct": "99"}, {"source": ""}, {"method": "guess"}):
        answer = browse("alice").post(f"{base}test/", {**wrong, "at": "2022-07-20T11:30", **change})
        assert answer.status_code == 400, change
    backward = {"once": "w", "at": "2022-07-20T11:30", "first": "2022-07-19", "last": "2022-07-18", "source": "x",
                "setting": "household", "contact_class": "close", "linked": "xia"}  # fmt: skip
    answer = browse("alice").post(f"{base}exposure/", backward)
    assert answer.status_code == 400
    assert "ends before it begins" in text(answer)
    assert "no person code" in text(answer)
    assert browse("alice").post(base, wrong).status_code == 404
    assert Evidence.objects.filter(person_id=story.zhu).count() == 0


def test_a_fact_is_taken_back_with_a_reason(browse, story, order):
    fact = Evidence.objects.get(person_id=story.xia, kind="exposure")
    url = f"/evidence/{fact.pk}/take-back/"
    alice = browse("alice")
    assert alice.post(url, {"reason": ""}).status_code == 400
    asked = alice.post(url, {"reason": "It was her sister."})
    assert "green; nothing binds" in text(asked)
    assert alice.post(url, {"reason": "It was her sister.", "confirmed": "1"}).status_code == 302
    page = text(alice.get(f"/decisions/{code(story.xia)}/"))
    assert "<del>" in page
    assert "It was her sister." in page
    assert 'class="code code-green"' in page
    assert "counts as never had" in text(alice.get(f"/evidence/{fact.pk}/"))
    assert alice.post(url, {"reason": "Again.", "confirmed": "1"}).status_code == 400
    released = text(alice.get(f"/orders/{order.pk}/"))
    assert "a fact was taken back" in released


def test_who_may_see_and_take_back_a_fact(browse, story):
    fact = Evidence.objects.get(person_id=story.xia, kind="exposure")
    for name in ("alice", "bob", "ning", "eva"):
        assert browse(name).get(f"/evidence/{fact.pk}/").status_code == 200, name
    for name in ("dora", "chen", "gao", "hu", "fang", "lin", "ma", "qiu"):
        assert browse(name).get(f"/evidence/{fact.pk}/").status_code == 404, name
    for name in ("bob", "eva", "dora", "chen"):
        assert browse(name).post(f"/evidence/{fact.pk}/take-back/", {"reason": "x"}).status_code == 404, name
    assert browse("alice").get("/evidence/999999999/").status_code == 404
    assert browse("alice").get(f"/orders/?area={COUNTY_B}").status_code == 404


def test_an_exemption_is_not_taken_back_here(browse, story, order, at):
    from qipan.rooms.control.services import appeal_decide

    appeal = appeal_open(actor=story.bob, order_id=order.pk, grounds="Too long.", at=at)
    appeal_decide(actor=story.lin, appeal_id=appeal.pk, granted=True, answer="Yes.", at=at)
    exemption = Evidence.objects.get(kind="exemption")
    assert "Take it back" not in text(browse("alice").get(f"/evidence/{exemption.pk}/"))
    answer = browse("alice").post(f"/evidence/{exemption.pk}/take-back/", {"reason": "No.", "confirmed": "1"})
    assert answer.status_code == 400


def test_on_the_person_s_page(story, order, at):
    from qipan.foundation.pages.person_panels import actions_of, panels_of

    titles = [str(panel.title) for panel in panels_of(story.alice, story.xia, at)]
    assert titles[:2] == ["Health code", "Orders"]
    assert {"Facts", "Appeals"} <= set(titles)
    assert "Health code" not in [str(panel.title) for panel in panels_of(story.lin, story.xia, at)]
    actions = [str(action.title) for action in actions_of(story.alice, story.xia, story.path(GRID_A1), at)]
    assert actions[:2] == ["Why, and what would change it", "Record a fact"]
    swabbed(story.hu, story.xia, "negative", now=at)
    panel = next(p for p in panels_of(story.alice, story.xia, at) if str(p.title) == "Facts")
    assert len(panel.rows) == 2
