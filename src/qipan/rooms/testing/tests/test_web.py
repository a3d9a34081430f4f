"""Pages of results, as somebody at a browser meets them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.cast import COUNTY_B

from qipan.foundation.access.holdings import held_about
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.foundation.pages import person_panels
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.selectors import facts_of_person, held_tests
from qipan.rooms.testing.services import result_record, result_void
from qipan.terms.errors import Absent, BadInput
from qipan.terms.evidence import TestOutcome
from qipan.terms.identity import person_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client
    from tests.cast import Cast

    Browse = Callable[..., Client]

pytestmark = pytest.mark.django_db

STRANGERS = ("bob", "chen", "eva", "fang", "gao", "lin", "ma", "qiu")


@pytest.fixture
def results(town: Cast, at: datetime) -> dict[str, TestResult]:
    """Xia is positive, Wei negative, Yun and Zhu share a positive tube, Tao in B is negative."""
    made = {}
    for name, result, pool in (
        ("xia", "positive", ""), ("wei", "negative", ""), ("yun", "positive", "T1"), ("zhu", "positive", "T1"),
        ("tao", "negative", ""),
    ):  # fmt: skip
        made[name], _ = result_record(
            actor=town.hu, person_id=town.persons[name], source="lab", specimen_id=f"s-{name}", pool_id=pool,
            sampled_at=at - timedelta(hours=20), resulted_at=at - timedelta(hours=2), method="pcr",
            result=TestOutcome(result), at=at, ct=24.5 if result == "positive" else None, laboratory="City Lab",
        )  # fmt: skip
    return made


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def rows_of(page: str) -> int:
    return page.count("data-href=")


def test_the_list_is_for_those_who_see_tests_where_they_work(browse: Browse, results: object) -> None:
    for name, seen in (("alice", 4), ("ning", 4), ("dora", 1), ("hu", 5)):
        assert rows_of(text(browse(name).get("/tests/"))) == seen, name
    for name in STRANGERS:
        assert browse(name).get("/tests/").status_code == 404, name
    assert browse("alice").get(f"/tests/?area={COUNTY_B}").status_code == 404


def test_filters_leave_what_they_say(browse: Browse, results: object) -> None:
    alice = browse("alice")
    for query, left in (
        ("result=positive", 3), ("day_from=2022-07-20", 4), ("day_to=2022-07-19", 0), ("laboratory=City+Lab", 4),
        ("laboratory=Other", 0), ("specimen=s-wei", 1), ("sort=-resulted_at&result=negative", 1),
    ):  # fmt: skip
        assert rows_of(text(alice.get(f"/tests/?{query}"))) == left, query
    assert "Positives only" in text(alice.get("/tests/"))
    assert "Positives only" not in text(alice.get("/tests/?result=positive"))
    for wrong in ("result=maybe", "day_from=soon", "sort=ct", "page=e30"):
        assert alice.get(f"/tests/?{wrong}").status_code == 400, wrong
    assert rows_of(text(alice.get("/tests/?area=411202002"))) == 1


def test_an_empty_list_says_what_to_do(browse: Browse) -> None:
    assert "No result is recorded here" in text(browse("alice").get("/tests/"))


def test_a_result_says_what_it_means_and_what_took_how_long(browse: Browse, results: dict[str, TestResult]) -> None:
    alice = browse("alice")
    page = text(alice.get(f"/tests/{results['xia'].pk}/"))
    for word in ("Specimen s-xia", "positive", "18 hours", "the standard is 12 hours", "City Lab"):
        assert word in page, word
    pool = text(alice.get(f"/tests/{results['yun'].pk}/"))
    assert "a pool: for this person indeterminate" in pool
    assert "s-zhu" in pool
    for name in ("dora", *STRANGERS):
        assert browse(name).get(f"/tests/{results['xia'].pk}/").status_code == 404, name
    assert alice.get("/tests/999999/").status_code == 404


def test_a_result_is_recorded_by_hand_on_the_local_clock(browse: Browse, town: Cast, at: datetime) -> None:
    hu = browse("hu")
    assert 'value="2022-07-20T12:00"' in text(hu.get("/tests/record/"))
    data = {
        "person": person_code(town.xia), "specimen_id": "H-1", "sampled_at": "2022-07-20T08:00",
        "resulted_at": "2022-07-20T11:30", "method": "pcr", "result": "positive", "ct": "21.5",
    }  # fmt: skip
    asked = text(hu.post("/tests/record/", data))
    assert all(word in asked for word in ("Before you confirm", "isolated", "Appeal"))
    assert not TestResult.objects.exists()
    assert hu.post("/tests/record/", {**data, "confirmed": "1"}).status_code == 302
    row = TestResult.objects.get()
    assert (row.sampled_at, row.ct, row.source) == (at - timedelta(hours=4), 21.5, "by-hand")
    assert list_orders(town.alice, at=at).filter(person_id=town.xia, kind="isolate").exists()
    assert hu.post("/tests/record/", {**data, "confirmed": "1"}).status_code == 409
    for wrong in (
        {"person": "P1"}, {"sampled_at": "2022-07-20T11:45"}, {"resulted_at": "2022-07-21T11:45"}, {"ct": "x"},
        {"result": "yes"}, {"method": "dice"}, {"specimen_id": ""}, {"sampled_at": "yesterday"},
    ):  # fmt: skip
        assert hu.post("/tests/record/", {**data, "specimen_id": "H-2", "confirmed": "1", **wrong}).status_code == 400
    assert hu.post("/tests/record/", {**data, "specimen_id": "H-2", "confirmed": "1",
                                      "person": person_code(999_999)}).status_code == 404  # fmt: skip


def test_only_laboratories_and_clinicians_record(browse: Browse) -> None:
    for name in ("hu", "ning"):
        assert browse(name).get("/tests/record/").status_code == 200
    for name in ("alice", "dora", *STRANGERS):
        assert browse(name).get("/tests/record/").status_code == 404, name


def test_a_result_is_taken_back_and_the_person_decided_again(browse: Browse, town: Cast, at: datetime,
                                                             results: dict[str, TestResult]) -> None:  # fmt: skip
    row = results["xia"]
    url = f"/tests/{row.pk}/void/"
    for name in ("dora", "hu", *STRANGERS):
        assert browse(name).get(url).status_code == 404, name
    alice = browse("alice")
    assert "/void/" in text(alice.get(f"/tests/{row.pk}/"))
    assert "/void/" not in text(browse("hu").get(f"/tests/{row.pk}/"))
    assert "Before you confirm" in text(alice.post(url, {"reason": "another tube"}))
    assert alice.post(url, {"reason": " ", "confirmed": "1"}).status_code == 400
    assert list_orders(town.alice, at=at).filter(person_id=town.xia).exists()
    assert alice.post(url, {"reason": "another tube", "confirmed": "1"}).status_code == 302
    row.refresh_from_db()
    assert row.voided_at == at
    assert not list_orders(town.alice, at=at).filter(person_id=town.xia).exists()
    assert Evidence.objects.get(kind="correction").voids.key == bytes(row.evidence_key)
    entry = AuditEntry.objects.get(action="test.void")
    assert open_reason(entry.detail["reason"], write_id=entry.write_id) == "another tube"
    assert alice.get(f"/tests/{row.pk}/").status_code == 404


def test_the_service_asks_for_itself(town: Cast, at: datetime, results: dict[str, TestResult]) -> None:
    for stranger in (town.dora, town.bob, town.chen):
        with pytest.raises(Absent):
            result_void(actor=stranger, result_id=results["xia"].pk, reason="no", at=at)
    with pytest.raises(BadInput):
        result_void(actor=town.alice, result_id=results["xia"].pk, reason=" ", at=at)


def test_export_and_names_are_offered_by_right(browse: Browse, results: object) -> None:
    file = browse("hu").post("/tests/?export=1&result=positive", {"act": "export", "purpose": "Quality report of July"})
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("specimen_id,person_id,sampled_at,resulted_at,method,result,ct")
    assert len(lines) == 4
    assert browse("ning").get("/tests/?export=1").status_code == 404


def test_the_persons_page_and_what_is_held(town: Cast, results: object, at: datetime) -> None:
    panels = {str(panel.title): panel for panel in person_panels.panels_of(town.alice, town.xia, at)}
    assert len(panels["Test results"].rows) == 1
    assert "Test results" not in {str(p.title) for p in person_panels.panels_of(town.dora, town.xia, at)}
    assert "Test results" not in {str(p.title) for p in person_panels.panels_of(town.chen, town.xia, at)}
    assert list(facts_of_person(town.dora, town.xia)) == []
    assert held_tests(town.xia) == ["2022-07-19 · positive"]
    assert {holding.name: holding.count for holding in held_about(town.xia)}["tests"] == 1


def test_no_page_asks_more_than_thirty_questions(browse: Browse, results: dict[str, TestResult],
                                                 django_assert_max_num_queries: object) -> None:  # fmt: skip
    ning = browse("ning")
    for url in ("/tests/", "/tests/?result=positive", f"/tests/{results['yun'].pk}/", "/tests/record/"):
        with django_assert_max_num_queries(30):  # type: ignore[operator]
            assert ning.get(url).status_code == 200, url


def test_pages_in_chinese_with_nothing_inline(browse: Browse, results: dict[str, TestResult]) -> None:
    chinese = browse("ning", language="zh-hans")
    for url in ("/tests/", f"/tests/{results['xia'].pk}/", "/tests/record/", f"/tests/{results['xia'].pk}/void/"):
        page = text(chinese.get(url))
        assert " style=" not in page
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page), url
