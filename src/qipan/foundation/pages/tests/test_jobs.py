"""The desk of background work over HTTP."""

import re

import pytest

from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobKind
from qipan.foundation.jobs.services import job_add, job_claim, job_run
from qipan.rooms.command.models import DayRun
from qipan.terms.errors import BadInput, Denied
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def toy(monkeypatch):
    from qipan.foundation.jobs import registry

    def run(context):
        if context.arguments.get("bad"):
            raise BadInput("There is no mapping file %(name)s.", name="secret.toml")
        return {"accepted": 3}

    monkeypatch.setitem(registry._kinds, "toy", JobKind("toy", run))


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def add(at, **arguments) -> Job:
    return job_add(actor=SYSTEM_ACTOR, kind="toy", arguments=arguments, at=at)


def test_jobs_are_for_administrators_and_auditors(browse, at, toy):
    job = add(at)
    for name in ("fang", "eva"):
        assert f"/jobs/{job.pk}/" in text(browse(name).get("/jobs/"))
        assert browse(name).get(f"/jobs/{job.pk}/").status_code == 200
    for name in ("alice", "hu", "chen", "ma"):
        assert browse(name).get("/jobs/").status_code == 404
        assert browse(name).get(f"/jobs/{job.pk}/").status_code == 404
        assert browse(name).get(f"/jobs/{job.pk}/?part=1").status_code == 404
        for act in ("cancel", "retry"):
            assert browse(name).post(f"/jobs/{job.pk}/{act}/", {"confirmed": "1"}).status_code == 404
    # auditors look, and touch nothing
    assert browse("eva").post(f"/jobs/{job.pk}/cancel/", {"confirmed": "1"}).status_code == 404
    job.refresh_from_db()
    assert job.state == "waiting"


def test_a_job_is_cancelled_after_a_question_and_run_again(browse, at, toy):
    fang, job = browse("fang"), add(at)
    assert "Before you confirm" in text(fang.post(f"/jobs/{job.pk}/cancel/"))
    assert fang.post(f"/jobs/{job.pk}/cancel/", {"confirmed": "1"}).status_code == 302
    assert fang.post(f"/jobs/{job.pk}/cancel/", {"confirmed": "1"}).status_code == 400
    assert fang.post(f"/jobs/{job.pk}/retry/").status_code == 302
    assert fang.post(f"/jobs/{job.pk}/retry/").status_code == 400
    job_run(job_claim(worker="w", at=at), now=lambda: at)
    page = text(fang.get(f"/jobs/{job.pk}/"))
    assert "done" in page
    assert "Accepted" in page


def test_an_error_is_said_in_words_without_what_filled_it(browse, at, toy):
    job = add(at, bad=True)
    job_run(job_claim(worker="w", at=at), now=lambda: at)
    page = text(browse("fang").get(f"/jobs/{job.pk}/"))
    assert "There is no mapping file …." in page
    assert "secret.toml" not in page


def test_a_job_that_nobody_takes_says_so(browse, at, toy, monkeypatch):
    job = add(at)
    assert "no worker seems to run" not in text(browse("fang").get(f"/jobs/{job.pk}/"))
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T12:05:00+08:00")
    assert "no worker seems to run" in text(browse("fang").get(f"/jobs/{job.pk}/"))


def test_the_daily_cycle_is_started_by_hand_and_runs_with_the_starters_rights(browse, cast, at, settings, tmp_path):
    settings.VAR = tmp_path
    fang = browse("fang")
    assert "/jobs/start/command.day/" in text(fang.get("/jobs/"))
    assert "/jobs/start/command.day/" not in text(browse("eva").get("/jobs/"))
    assert browse("eva").get("/jobs/start/command.day/").status_code == 404
    assert browse("eva").post("/jobs/start/command.day/").status_code == 404
    for kind in ("nonsense", "intake.file"):
        assert fang.get(f"/jobs/start/{kind}/").status_code == 404
    assert "Run twice, it changes nothing" in text(fang.get("/jobs/start/command.day/"))
    assert fang.post("/jobs/start/command.day/").status_code == 302
    assert fang.post("/jobs/start/command.day/").status_code == 302  # the same day waits already: the same job
    job = Job.objects.get()
    done = job_run(job_claim(worker="w", at=at), now=lambda: at)
    assert done.state == "done", done.error
    assert DayRun.objects.count() == 1
    page = text(fang.get(f"/jobs/{job.pk}/"))
    assert "decisions" in page
    assert "indicators" in page


def test_a_kind_asks_for_its_own_right(cast, at):
    with pytest.raises(Denied):
        job_add(actor=cast.hu, kind="audit.verify", arguments={}, at=at)
    assert job_add(actor=cast.lin, kind="audit.verify", arguments={}, at=at).created_by == cast.lin.user_id


@pytest.mark.parametrize("query", ["state=lost", "sort=progress", "page=zzz", "kind=nonsense"])
def test_a_wrong_address_is_answered_in_words(browse, query):
    assert browse("fang").get(f"/jobs/?{query}").status_code == 400
    assert browse("fang").get("/jobs/99999999999999999999999/").status_code == 404


def test_it_is_empty_in_words_in_chinese_and_with_few_queries(browse, at, toy, django_assert_max_num_queries):
    assert "Nothing has run in the background yet." in text(browse("fang").get("/jobs/"))
    for _ in range(60):
        add(at)
    fang = browse("fang", language="zh-hans")
    with django_assert_max_num_queries(30):
        assert fang.get("/jobs/?state=waiting&kind=toy").status_code == 200
