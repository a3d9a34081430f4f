"""Asking for a comparison of rulebooks, and its figures."""

import re
from datetime import date, datetime

import pytest
from tests.cast import COUNTY_A, COUNTY_B, Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.services import job_claim, job_run
from qipan.rooms.control.models import Order, StoredDecision
from qipan.rooms.control.selectors import access_replay, list_replays
from qipan.rooms.control.selectors.ledger import persons_count
from qipan.rooms.control.services import replay, replay_request
from qipan.rooms.control.tests.stories import days, exposed
from qipan.rooms.diseases.selectors import access_book
from qipan.terms.errors import Absent, BadInput, Denied

pytestmark = pytest.mark.django_db
FORM = {"first": "covid19-cn-9", "second": "covid19-cn-20", "start": "2022-07-18", "end": "2022-07-26"}


@pytest.fixture
def story(town: Cast, at: datetime) -> Cast:
    """A contact in each county."""
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    exposed(town.dora, town.tao, last=at - days(1), now=at)
    return town


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def run(at: datetime) -> Job:
    job = job_claim(worker="test", at=at)
    assert job is not None
    return job_run(job, now=lambda: at)


def test_from_the_form_to_the_figures(browse, story, at, django_assert_max_num_queries):
    alice = browse("alice")
    asked = alice.post("/replays/", FORM)
    assert asked.status_code == 302
    url = asked.headers["Location"].partition("?")[0]
    waiting = alice.get(url)
    assert waiting.headers["Refresh"] == "5"
    state = list(Order.objects.order_by("pk").values()), list(StoredDecision.objects.order_by("pk").values())
    assert run(at).state == Job.State.DONE
    assert state == (list(Order.objects.order_by("pk").values()), list(StoredDecision.objects.order_by("pk").values()))
    with django_assert_max_num_queries(30):
        page = text(alice.get(url))
    # one person of her county, decided otherwise by the twenty measures; county B is not hers to count
    assert "<strong>1</strong> person of 1" in page
    assert "Person-days under an order" in page
    assert "Refresh" not in alice.get(url).headers
    assert "covid19-cn-9 – covid19-cn-20" in text(alice.get("/replays/"))
    assert AuditEntry.objects.get(action="replay.request").actor_user_id == story.alice.user_id


def test_who_may_compare_and_see(browse, story, at):
    for name in ("alice", "ma", "eva"):
        assert browse(name).get("/replays/").status_code == 200, name
    for name in ("bob", "chen", "fang", "hu", "lin", "gao", "ning", "qiu"):
        assert browse(name).get("/replays/").status_code == 404, name
        assert browse(name).post("/replays/", FORM).status_code == 404, name
    url = browse("alice").post("/replays/", FORM).headers["Location"].partition("?")[0]
    assert browse("dora").get(url).status_code == 404
    assert browse("ma").get(url).status_code == 200
    assert browse("alice").get("/replays/99999/").status_code == 404
    assert browse("alice").get(f"/replays/?area={COUNTY_B}").status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"second": "covid19-cn-9"}, {"end": "2022-07-01"}, {"end": "2023-07-01"}, {"first": "none"}, {"start": "soon"}],
)
def test_what_cannot_be_compared_is_said(browse, story, change):
    assert browse("alice").post("/replays/", {**FORM, **change}).status_code == 400
    assert Job.objects.count() == 0


def test_the_service_refuses_by_itself(story, at):
    below, start, end = story.path(COUNTY_A), date(2022, 7, 18), date(2022, 7, 20)
    two = ["covid19-cn-9", "covid19-cn-20"]
    job = replay_request(actor=story.alice, books=two, start=start, end=end, below=below, at=at)
    again = replay_request(actor=story.alice, books=two, start=start, end=end, below=below, at=at)
    assert job.pk == again.pk
    assert list(list_replays(story.alice)) == [job]
    assert list(list_replays(story.bob)) == []
    assert access_replay(story.ma, job.pk) == job
    for actor in (story.dora, story.bob):
        with pytest.raises(Absent):
            access_replay(actor, job.pk)
        with pytest.raises(Denied):
            replay_request(actor=actor, books=two, start=start, end=end, below=below, at=at)
    for books in (["covid19-cn-9"], ["covid19-cn-9", "none"]):
        with pytest.raises(BadInput):
            replay_request(actor=story.alice, books=books, start=start, end=end, below=below, at=at)
    with pytest.raises(BadInput):
        replay_request(actor=story.alice, books=two, start=end, end=start, below=below, at=at)


def test_a_replay_counts_the_people_of_the_area_and_shows_how_far_it_is(story, at):
    books, seen = [access_book(story.alice, "covid19-cn-9")], []
    one = replay(
        actor=story.alice, books=books, start=date(2022, 7, 20), end=date(2022, 7, 22), at=at,
        below=story.path(COUNTY_A), progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert one.books[0].persons == 1
    assert persons_count("covid19") == 2
    assert seen == [(0, 3), (1, 3), (2, 3)]


def test_a_failed_comparison_says_so(browse, story, at):
    url = browse("alice").post("/replays/", FORM).headers["Location"].partition("?")[0]
    Job.objects.update(state=Job.State.FAILED)
    assert "The comparison failed" in text(browse("alice").get(url))
