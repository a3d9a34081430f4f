"""Adding, claiming, running and ending jobs. The database decides who runs one, by conditional UPDATE."""

import json
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from qipan.foundation.access.scoping import require_anywhere
from qipan.foundation.audit.services import audited
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobContext, Stopped, job_kind, job_kinds
from qipan.terms.errors import Absent, BadInput, Conflict, QipanError, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

#: A worker that has not been heard of for so long is taken for dead.
STALE_AFTER = timedelta(minutes=2)
#: The pause before the second attempt; it doubles with each further one, up to an hour.
BACK_OFF = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)

_UNFINISHED = (Job.State.WAITING, Job.State.RUNNING)


def job_add(
    *,
    actor: Actor,
    kind: str,
    arguments: Mapping[str, Any],
    at: datetime,
    key: str | None = None,
    run_after: datetime | None = None,
) -> Job:
    """Put a job into the queue; with a `key` that an unfinished job of this kind has, answer with that job.

    `arguments`: JSON values, ids only, never personal data. Raises Denied without the right that the kind asks
    for (JOB_RUN, where it names no other), BadInput for an unknown kind.
    """
    with audited(actor=actor, action="job.add", at=at) as entry:
        known = job_kind(kind)
        require_anywhere(actor, known.permission if known is not None else Permission.JOB_RUN)
        if known is None:
            raise BadInput("There is no job called %(name)s.", name=kind)
        unfinished = Job.objects.filter(kind=kind, key=key, state__in=_UNFINISHED)
        found = unfinished.first() if key is not None else None
        if found is None:
            try:
                with transaction.atomic():
                    found = Job.objects.create(
                        kind=kind,
                        arguments=dict(arguments),
                        key=key,
                        run_after=run_after or at,
                        created_at=at,
                        created_by=actor.user_id,
                    )
            except IntegrityError:  # somebody else added it between the two statements
                entry.silent = True
                found = unfinished.first()
                if found is None:
                    raise Conflict("Somebody else was first: read again and retry.") from None
        else:
            entry.silent = True
        entry.about("job", found.pk, detail={"kind": kind})
        return found


def job_start(*, actor: Actor, kind: str, at: datetime) -> Job:
    """Start a job by hand. Raises Absent for a kind that is not started so, Denied."""
    known = job_kind(kind)
    if known is None or known.by_hand is None:
        raise Absent("job")
    arguments, key = known.by_hand(at)
    return job_add(actor=actor, kind=kind, arguments=arguments, at=at, key=key)


def job_cancel(*, actor: Actor, job_id: int, at: datetime) -> Job:
    """Cancel a job, one's own or with JOB_RUN anybody's. A running one stops at its next sign of progress.

    Raises Denied, Absent, Refused for a job that is over.
    """
    with audited(actor=actor, action="job.cancel", at=at) as entry:
        job = _own_or_any(actor, job_id)
        if not Job.objects.filter(pk=job_id, state__in=_UNFINISHED).update(state=Job.State.CANCELLED, finished_at=at):
            raise Refused("The job is over.")
        entry.about("job", job_id, detail={"kind": job.kind})
        job.refresh_from_db()
        return job


def _own_or_any(actor: Actor, job_id: int) -> Job:
    """The job that the actor started, or anybody's with JOB_RUN. Raises Denied, Absent."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None or actor.user_id is None or job.created_by != actor.user_id:
        require_anywhere(actor, Permission.JOB_RUN)
    if job is None:
        raise Absent("job")
    return job


def job_retry(*, actor: Actor, job_id: int, at: datetime) -> Job:
    """Put a failed or cancelled job into the queue once more, from its first attempt. It runs with the rights of
    whoever started it, not of whoever retries it.

    Raises Denied, Absent, Refused for a job that is not over or was done, Conflict where the same work waits already.
    """
    with audited(actor=actor, action="job.retry", at=at) as entry:
        job = _own_or_any(actor, job_id)
        over = Job.objects.filter(pk=job_id, state__in=(Job.State.FAILED, Job.State.CANCELLED))
        try:
            with transaction.atomic():
                again = over.update(
                    state=Job.State.WAITING, claimed_by="", heartbeat_at=None, run_after=at, attempts=0, error="",
                    progress_done=0, progress_total=None, finished_at=None, result=None,
                )  # fmt: skip
        except IntegrityError:
            raise Conflict("The same work is in the queue already.") from None
        if not again:
            raise Refused("Only a job that failed or was cancelled can be run again.")
        entry.about("job", job_id, detail={"kind": job.kind})
        job.refresh_from_db()
        return job


def _take(job: Job, worker: str, at: datetime) -> bool:
    """Claim a job as it was read: whoever changes it first has it."""
    taken = Job.objects.filter(pk=job.pk, state=job.state, attempts=job.attempts, claimed_by=job.claimed_by)
    if job.state == Job.State.RUNNING:
        taken = taken.filter(heartbeat_at=job.heartbeat_at)
    return bool(taken.update(state=Job.State.RUNNING, claimed_by=worker, heartbeat_at=at, attempts=F("attempts") + 1))


def _held(job: Job) -> Any:
    """The job while this claim of it holds: the attempt is the token that a later claim changes."""
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claimed_by=job.claimed_by, attempts=job.attempts)


def job_claim(*, worker: str, at: datetime) -> Job | None:
    """Claim the next job that is due, or whose worker is dead; None where there is none.

    A dead worker's job that has used up its attempts is failed here. One worker gets it, however many ask.
    """
    due = Q(state=Job.State.WAITING, run_after__lte=at)
    dead = Q(state=Job.State.RUNNING, heartbeat_at__lt=at - STALE_AFTER)
    while True:
        job = Job.objects.filter(due | dead, kind__in=job_kinds()).order_by("run_after", "pk").first()
        if job is None:
            return None
        kind = job_kind(job.kind)
        if job.state == Job.State.RUNNING and kind is not None and job.attempts >= kind.attempts:
            _end(job, Job.State.FAILED, at, error="the worker was lost")
            continue
        if _take(job, worker, at):
            job.refresh_from_db()
            return job


def job_heartbeat(job: Job, *, at: datetime, done: int | None = None, total: int | None = None) -> bool:
    """Show that the job lives, and how far it is; False where it is no longer this claim's."""
    values: dict[str, Any] = {"heartbeat_at": at}
    if done is not None:
        values.update(progress_done=done, progress_total=total)
    return bool(_held(job).update(**values))


def _end(job: Job, state: Job.State, at: datetime, *, result: Any = None, error: str = "") -> bool:
    with audited(actor=SYSTEM_ACTOR, action=f"job.{state}", at=at) as entry:
        ended = bool(_held(job).update(state=state, finished_at=at, result=result, error=error))
        entry.silent = not ended
        entry.about("job", job.pk, detail={"kind": job.kind, "attempts": job.attempts})
        return ended


def _retry(job: Job, attempts: int, at: datetime, error: str) -> None:
    if job.attempts >= attempts:
        _end(job, Job.State.FAILED, at, error=error)
        return
    pause = min(BACK_OFF * 2 ** (job.attempts - 1), _LONGEST_PAUSE)
    _held(job).update(state=Job.State.WAITING, claimed_by="", heartbeat_at=None, run_after=at + pause, error=error)


def job_release(job: Job, *, at: datetime) -> None:
    """Give a claimed job back, unharmed: its worker is told to stop."""
    _held(job).update(
        state=Job.State.WAITING, claimed_by="", heartbeat_at=None, run_after=at, attempts=F("attempts") - 1
    )


def _said(error: BaseException) -> str:
    # The text of an unforeseen error may hold anything, also a person's data: its kind and place do not.
    if isinstance(error, QipanError):
        return f"{type(error).__name__}: {error.message}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def job_run(job: Job, *, now: Callable[[], datetime]) -> Job:
    """Run a claimed job to its end: done, failed, waiting for its next attempt, or left where it was taken away.

    Every error of the job ends here, as its `error`; KeyboardInterrupt and SystemExit give the job back.
    """
    kind = job_kind(job.kind)
    assert kind is not None, "job_claim answers with known kinds only"

    def progress(done: int, total: int | None = None) -> None:
        if not job_heartbeat(job, at=now(), done=done, total=total):
            raise Stopped

    context = JobContext(job.pk, job.arguments, job.created_by, now, progress)
    try:
        result = kind.run(context)
        kept = json.loads(json.dumps(dict(result))) if result is not None else None
        _end(job, Job.State.DONE, now(), result=kept)
    except Stopped:
        pass
    except Conflict as error:
        _retry(job, kind.attempts, now(), _said(error))
    except QipanError as error:
        _end(job, Job.State.FAILED, now(), error=_said(error))
    except Exception as error:  # noqa: BLE001 - whatever a job does, the worker goes on
        _retry(job, kind.attempts, now(), _said(error))
    except BaseException:
        job_release(job, at=now())
        raise
    job.refresh_from_db()
    return job
