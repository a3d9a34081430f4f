"""One worker runs a job; a failed one is tried again; a dead worker's job is taken over; a cancelled one stops."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.jobs import registry
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobKind, Stopped, register
from qipan.foundation.jobs.selectors import access_job, list_jobs
from qipan.foundation.jobs.services import (
    BACK_OFF,
    STALE_AFTER,
    _take,
    job_add,
    job_cancel,
    job_claim,
    job_heartbeat,
    job_release,
    job_run,
)
from qipan.foundation.jobs.worker import work
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

AT = datetime(2022, 7, 20, 4, tzinfo=UTC)
CLERK = Actor(4, 1, (Grant(Role.EPIDEMIOLOGIST, "/410000/411200/"),))
TRACER = Actor(5, 1, (Grant(Role.TRACER, "/"),))


@pytest.fixture
def ran(monkeypatch, db):
    """A kind "test" whose runs are written down, and what it does: a function of the context."""
    monkeypatch.setattr(registry, "_kinds", {})
    runs = []

    def run(context):
        runs.append(context)
        return run.does(context)

    run.does = lambda context: {"sum": sum(context.arguments.get("numbers", []))}
    register(JobKind("test", run, attempts=3))
    runs_and = lambda: None  # noqa: E731
    runs_and.contexts, runs_and.run = runs, run
    return runs_and


def now():
    return AT


def add(**more):
    return job_add(**{"actor": SYSTEM_ACTOR, "kind": "test", "arguments": {"numbers": [1, 2]}, "at": AT, **more})


def test_a_job_is_run_once_and_keeps_its_result(ran):
    job = add(actor=CLERK)
    assert work(worker="w", now=now, stop=threading.Event(), once=True) == 1
    job.refresh_from_db()
    assert (job.state, job.result, job.attempts, job.finished_at) == ("done", {"sum": 3}, 1, AT)
    assert (job.created_by, ran.contexts[0].created_by) == (4, 4)
    assert work(worker="w", now=now, stop=threading.Event(), once=True) == 0
    assert len(ran.contexts) == 1
    assert list(AuditEntry.objects.order_by("seq").values_list("action", flat=True)) == ["job.add", "job.done"]


def test_one_unfinished_job_a_key(ran):
    first = add(key="k")
    assert add(key="k").pk == first.pk
    assert add(key="other").pk != first.pk
    assert add().pk != add().pk
    job_run(job_claim(worker="w", at=AT), now=now)
    assert add(key="k").pk != first.pk
    assert AuditEntry.objects.filter(action="job.add").count() == 5


def test_whoever_changes_the_row_first_has_the_job(ran):
    job = add()
    seen_by_a, seen_by_b = Job.objects.get(pk=job.pk), Job.objects.get(pk=job.pk)
    assert _take(seen_by_a, "a", AT)
    assert not _take(seen_by_b, "b", AT)
    assert job_claim(worker="b", at=AT) is None
    job.refresh_from_db()
    assert (job.claimed_by, job.attempts) == ("a", 1)


def test_a_job_waits_for_its_time(ran):
    add(run_after=AT + timedelta(hours=1))
    assert job_claim(worker="w", at=AT) is None
    assert job_claim(worker="w", at=AT + timedelta(hours=1)) is not None


def test_a_failure_is_tried_again_later_and_not_for_ever(ran):
    def fail(context):
        raise RuntimeError("Zhang San 411202199001011234")

    ran.run.does = fail
    job, at = add(), AT
    for pause in (BACK_OFF, BACK_OFF * 2):
        job = job_run(job_claim(worker="w", at=at), now=lambda at=at: at)
        assert (job.state, job.run_after) == ("waiting", at + pause)
        assert job_claim(worker="w", at=job.run_after - timedelta(seconds=1)) is None
        at = job.run_after
    job = job_run(job_claim(worker="w", at=at), now=lambda: at)
    assert (job.state, job.attempts, job.finished_at) == ("failed", 3, at)
    assert job_claim(worker="w", at=at + timedelta(days=1)) is None
    # where it failed, but not the words of an unforeseen error: they may hold personal data
    assert job.error.startswith("RuntimeError at test_jobs.py:")
    assert "Zhang" not in job.error


def test_an_answer_is_final_and_a_conflict_is_not(ran):
    def refuse(context):
        raise Refused("The room is full.")

    def collide(context):
        raise Conflict("Somebody else was first: read again and retry.")

    ran.run.does = refuse
    add()
    job = job_run(job_claim(worker="w", at=AT), now=now)
    assert (job.state, job.error) == ("failed", "Refused: The room is full.")
    ran.run.does = collide
    add()
    assert job_run(job_claim(worker="w", at=AT), now=now).state == "waiting"


def test_a_result_that_is_no_json_is_a_failure(ran):
    ran.run.does = lambda context: {"x": object()}
    add()
    assert job_run(job_claim(worker="w", at=AT), now=now).error.startswith("TypeError")


def test_a_dead_workers_job_is_taken_over_and_the_dead_one_changes_nothing_more(ran):
    add()
    old = job_claim(worker="dead", at=AT)
    assert job_claim(worker="new", at=AT + STALE_AFTER) is None
    late = AT + STALE_AFTER + timedelta(seconds=1)
    new = job_claim(worker="new", at=late)
    assert (new.pk, new.attempts) == (old.pk, 2)
    assert not job_heartbeat(old, at=late)
    assert job_run(old, now=lambda: late).state == "running"  # it ran on, but its end is not taken
    assert job_run(new, now=lambda: late).state == "done"
    assert AuditEntry.objects.filter(action="job.done").count() == 1


def test_a_live_worker_keeps_its_job(ran):
    add()
    job = job_claim(worker="w", at=AT)
    assert job_heartbeat(job, at=AT + STALE_AFTER)
    assert job_claim(worker="new", at=AT + STALE_AFTER + timedelta(seconds=1)) is None


def test_a_job_that_kills_its_workers_is_given_up(ran):
    job, at = add(), AT
    for _ in range(3):
        assert job_claim(worker="w", at=at) is not None
        at += STALE_AFTER + timedelta(seconds=1)
    assert job_claim(worker="w", at=at) is None
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "the worker was lost")


def test_progress_is_kept_and_a_cancelled_job_stops_there(ran):
    stopped = []

    def does(context):
        context.progress(1, 10)
        assert Job.objects.get(pk=context.job_id).progress_done == 1
        job_cancel(actor=SYSTEM_ACTOR, job_id=context.job_id, at=AT)
        try:
            context.progress(2, 10)
        except Stopped:
            stopped.append(True)
            raise

    ran.run.does = does
    add()
    job = job_run(job_claim(worker="w", at=AT), now=now)
    assert stopped == [True]
    assert (job.state, job.progress_done, job.progress_total) == ("cancelled", 1, 10)


def test_a_waiting_job_is_cancelled_at_once_and_a_finished_one_not_at_all(ran):
    job = add()
    assert job_cancel(actor=CLERK, job_id=job.pk, at=AT).state == "cancelled"
    assert job_claim(worker="w", at=AT) is None
    with pytest.raises(Refused):
        job_cancel(actor=CLERK, job_id=job.pk, at=AT)
    with pytest.raises(Absent):
        job_cancel(actor=CLERK, job_id=job.pk + 1, at=AT)


def test_a_worker_told_to_stop_gives_its_job_back(ran):
    def interrupted(context):
        raise KeyboardInterrupt

    ran.run.does = interrupted
    job = add()
    with pytest.raises(KeyboardInterrupt):
        job_run(job_claim(worker="w", at=AT), now=now)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.claimed_by) == ("waiting", 0, "")
    claimed = job_claim(worker="v", at=AT)
    job_release(claimed, at=AT)
    assert job_claim(worker="w", at=AT).pk == job.pk


def test_a_stopped_worker_claims_nothing(ran):
    add()
    stop = threading.Event()
    stop.set()
    assert work(worker="w", now=now, stop=stop) == 0


def test_who_may_add_cancel_and_see(ran):
    with pytest.raises(Denied):
        add(actor=TRACER)
    job = add()
    with pytest.raises(Denied):
        job_cancel(actor=TRACER, job_id=job.pk, at=AT)
    auditor = Actor(6, 1, (Grant(Role.AUDITOR, "/410000/"),))
    assert [each.pk for each in list_jobs(auditor)] == [job.pk]
    assert list(list_jobs(auditor, state="done")) == []
    assert access_job(auditor, job.pk).pk == job.pk
    assert list(list_jobs(TRACER)) == []
    for actor, pk in ((TRACER, job.pk), (auditor, job.pk + 1)):
        with pytest.raises(Absent):
            access_job(actor, pk)


def test_kinds_are_known_and_taken_once(ran):
    with pytest.raises(BadInput):
        add(kind="unknown")
    with pytest.raises(ValueError, match="twice"):
        register(JobKind("test", lambda context: None, attempts=9))


WORKER = """
import json
import sys
import threading
import django
django.setup()
from qipan.foundation import clock
from qipan.foundation.jobs.registry import JobKind, register
from qipan.foundation.jobs.services import job_add
from qipan.foundation.jobs.worker import work
from qipan.terms.roles import SYSTEM_ACTOR
ran = []
register(JobKind("test", lambda context: ran.append(context.job_id)))
if sys.argv[1] == "add":
    for number in range(20):
        job_add(actor=SYSTEM_ACTOR, kind="test", arguments={}, at=clock.now())
else:
    sys.stdin.readline()
    work(worker=sys.argv[1], now=clock.now, stop=threading.Event(), once=True)
    print(json.dumps(ran))
"""


@pytest.mark.own_database
def test_two_processes_share_the_jobs_and_run_each_once(tmp_path):
    # a database file of its own: the tests' own may lie in memory, which is no place for two
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.sqlite3'}"}
    for app in ("audit", "jobs"):
        migrate = [sys.executable, "-m", "django", "migrate", app, "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True)
    subprocess.run([sys.executable, "-c", WORKER, "add"], env=environment, check=True)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, name], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in ("a", "b")
    ]
    outputs = []
    for worker in workers:
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        outputs.append(json.loads(worker.communicate()[0]))
        assert worker.returncode == 0
    assert sorted(outputs[0] + outputs[1]) == list(range(1, 21))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="in memory; the test above takes a file and processes")
@pytest.mark.django_db(transaction=True)
def test_threads_at_once_claim_each_job_once(monkeypatch):
    monkeypatch.setattr(registry, "_kinds", {})
    register(JobKind("test", lambda context: None))
    for _ in range(10):
        add()
    barrier, claimed = threading.Barrier(5), []

    def claim(name):
        barrier.wait()
        while (job := job_claim(worker=name, at=AT)) is not None:
            claimed.append(job.pk)
        connection.close()

    threads = [threading.Thread(target=claim, args=(str(number),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 10


@pytest.mark.skipif(connection.vendor == "sqlite", reason="in memory: a database of one thread at a time")
@pytest.mark.django_db(transaction=True)
def test_a_long_step_still_shows_that_it_lives(monkeypatch):
    monkeypatch.setattr(registry, "_kinds", {})
    later, beaten = AT + timedelta(minutes=1), []
    moment = [AT]

    def step(context):
        moment[0] = later
        for _ in range(5_000):  # until the heartbeat's thread has written: a handful of rounds
            if Job.objects.get(pk=context.job_id).heartbeat_at == later:
                beaten.append(True)
                return

    register(JobKind("test", step))
    add()
    assert work(worker="w", now=lambda: moment[0], stop=threading.Event(), once=True, heartbeat_seconds=0.01) == 1
    assert beaten == [True]
