"""Files that are taken in, gone on with or taken back from a page: at once where they are small, else by a job.

A job acts with the rights that whoever started it holds when it runs. Every one may be killed and run again: it finds
the batch where it was left.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from qipan.foundation.access.acting import actor_of_user
from qipan.foundation.access.scoping import require_recorded
from qipan.foundation.intake import uploads
from qipan.foundation.intake.kinds import file_kind
from qipan.foundation.intake.models import AcceptedRow, Batch
from qipan.foundation.intake.selectors import access_batch
from qipan.foundation.intake.services import Interrupted, Progress, batch_resume, batch_void, file_import
from qipan.foundation.intake.uploads import Upload
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobContext, JobKind
from qipan.foundation.jobs.services import job_add
from qipan.terms.errors import Conflict, QipanError, Refused
from qipan.terms.roles import Actor, Permission

#: rows that are taken in (or back) while somebody waits
SMALL_ROWS = 2_000

FILE, RESUME, VOID = "intake.file", "intake.resume", "intake.void"


def upload_start(*, actor: Actor, token: str, at: datetime, small: int = SMALL_ROWS) -> int | Job:
    """Take an uploaded file in: the number of its batch where that was done at once, else the job that does it.

    Raises Absent, Denied, BadInput (the file), Conflict, Refused.
    """
    upload = uploads.access_upload(actor, token)
    require_recorded(actor, file_kind(upload.kind).permission, action="batch.import", at=at)
    upload.failure = None
    if upload.rows is not None and upload.rows <= small:
        uploads.upload_save(upload)
        return int(_take_in(actor, upload, at, None)["batch"])
    job = job_add(actor=actor, kind=FILE, arguments={"upload": token}, at=at, key=token)
    upload.job_id = job.pk
    uploads.upload_save(upload)
    return job


def _take_in(actor: Actor, upload: Upload, at: datetime, progress: Progress | None) -> dict[str, Any]:
    """Take the file in and delete it; what could not be is remembered with it, in words."""
    before = batch_of(upload, state=Batch.State.COMPLETE)
    if before is not None:
        # whoever was at it died between the last chunk and his report
        uploads.upload_delete(upload)
        return _totals(before)
    try:
        with uploads.opened(upload) as path:
            result = file_import(
                actor=actor, kind=upload.kind, path=path, source=upload.source, at=at, mapping=upload.mapping,
                confirm_rows=upload.confirm_rows, all_or_nothing=upload.all_or_nothing, progress=progress,
            )  # fmt: skip
    except QipanError as error:
        upload.failed(error)
        uploads.upload_save(upload)
        raise
    uploads.upload_delete(upload)
    assert result.batch is not None, "only a dry run has none"
    return _totals(Batch.objects.get(pk=result.batch))


def batch_of(upload: Upload, *, state: str | None = None) -> Batch | None:
    """The batch that an upload has become, if it has."""
    batches = Batch.objects.filter(
        pk__gt=upload.after_batch, kind=upload.kind, source=upload.source, created_by=upload.user_id,
        file_name=upload.file_name,
    )  # fmt: skip
    return (batches.filter(state=state) if state else batches).order_by("-pk").first()


def _totals(batch: Batch) -> dict[str, Any]:
    return {
        "batch": batch.pk, "kind": batch.kind, "declared": batch.declared, "accepted": batch.accepted,
        "rejected": batch.rejected, "duplicate": batch.duplicate,
    }  # fmt: skip


def _progress(context: JobContext, rows: int | None) -> Progress:
    """Checking is the first half of the way, writing the second."""

    def told(phase: str, done: int, total: int | None) -> None:
        if phase == "check":
            checked = min(done, rows) if rows else done
            context.progress(checked, 2 * rows if rows else None)
        elif total:
            half = rows or 1000
            written = half + half * done // total
            context.progress(written, 2 * half)

    return told


def _again(work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the database interrupted is tried again by itself."""
    try:
        return work()
    except Interrupted as error:
        raise Conflict(error.message, **error.params) from error


def _run_file(context: JobContext) -> Mapping[str, Any]:
    at = context.now()
    actor = actor_of_user(context.created_by, at)
    upload = uploads.access_upload(actor, str(context.arguments["upload"]))
    return _again(lambda: _take_in(actor, upload, at, _progress(context, upload.rows)))


def batch_resume_start(*, actor: Actor, batch_id: int, at: datetime) -> int | Job:
    """Go on with an interrupted batch: at once where little is left, else by a job. Raises as `batch_resume`."""
    batch = access_batch(actor, batch_id)
    require_recorded(actor, file_kind(batch.kind).permission, action="batch.import", at=at)
    if batch.state != Batch.State.OPEN:
        raise Refused("Batch %(batch)s is %(state)s.", batch=batch.pk, state=batch.state)
    if batch.declared <= SMALL_ROWS:
        batch_resume(actor=actor, batch_id=batch_id, at=at)
        return batch_id
    return job_add(actor=actor, kind=RESUME, arguments={"batch": batch_id}, at=at, key=str(batch_id))


def _run_resume(context: JobContext) -> Mapping[str, Any]:
    at, batch_id = context.now(), int(context.arguments["batch"])
    actor = actor_of_user(context.created_by, at)
    batch = access_batch(actor, batch_id)
    if batch.state == Batch.State.COMPLETE:
        return _totals(batch)
    progress = _progress(context, batch.declared)
    _again(lambda: batch_resume(actor=actor, batch_id=batch_id, at=at, progress=progress).as_json())
    return _totals(Batch.objects.get(pk=batch_id))


def rows_to_take_back(batch: Batch) -> int:
    """How many rows a voiding takes back."""
    return AcceptedRow.objects.filter(batch_id=batch.pk).count()


def batch_void_start(*, actor: Actor, batch_id: int, at: datetime) -> int | Job:
    """Take a batch back: at once where it is small, else by a job. Raises as `batch_void`."""
    batch = access_batch(actor, batch_id)
    if batch.accepted <= SMALL_ROWS:
        batch_void(actor=actor, batch_id=batch_id, at=at)
        return batch_id
    require_recorded(actor, Permission.BATCH_VOID, action="batch.void", at=at)
    return job_add(actor=actor, kind=VOID, arguments={"batch": batch_id}, at=at, key=str(batch_id))


def _run_void(context: JobContext) -> Mapping[str, Any]:
    at, batch_id = context.now(), int(context.arguments["batch"])
    actor = actor_of_user(context.created_by, at)
    if access_batch(actor, batch_id).state == Batch.State.VOIDED:
        return {"batch": batch_id, "state": "voided"}
    counts = batch_void(actor=actor, batch_id=batch_id, at=at)
    return {"batch": batch_id, "state": "voided", **{k: v for k, v in counts.items() if isinstance(v, int)}}


def may_import(actor: Actor, kind: str) -> bool:
    """Whether the actor may take in files of this kind somewhere."""
    return bool(actor.areas_for(file_kind(kind).permission))


#: who may import what, the services ask: the queue itself is open to whoever sees batches
JOBS = (
    JobKind(FILE, _run_file, title="Take a file in", permission=Permission.BATCH_VIEW),
    JobKind(RESUME, _run_resume, title="Go on with a batch", permission=Permission.BATCH_VIEW),
    JobKind(VOID, _run_void, title="Take a batch back", permission=Permission.BATCH_VOID),
)
