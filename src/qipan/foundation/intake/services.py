"""Files in, batches resumed and taken back, rejects out. Each is one call; the clock is handed in."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import Sum

from qipan.foundation.access.scoping import require, require_anywhere
from qipan.foundation.audit.selectors import not_before_log
from qipan.foundation.audit.services import audited, record_denial
from qipan.foundation.intake import chunks, staging
from qipan.foundation.intake.checking import Rules
from qipan.foundation.intake.encoding import file_digest
from qipan.foundation.intake.identities import with_identities
from qipan.foundation.intake.kinds import FileKind, IntakeContext, file_kind
from qipan.foundation.intake.mapping import DEFAULT_ZONE, Plan, bind, load_mapping, make_mapping
from qipan.foundation.intake.mapping import Mapping as ColumnMapping
from qipan.foundation.intake.models import AcceptedRow, Batch, Chunk
from qipan.foundation.intake.opening import open_file
from qipan.foundation.intake.reading import FirstRows, Reader, read_ahead
from qipan.foundation.intake.selectors import access_batch, known_rows, list_rejects
from qipan.foundation.intake.totals import Totals, check_row_limits
from qipan.terms.errors import BadInput, Conflict, Denied, QipanError, Refused
from qipan.terms.roles import Actor, Permission

#: (phase, done, total or None): phase is "check" or "commit"
Progress = Callable[[str, int, int | None], None]



class Interrupted(QipanError):
    """The database or the disk gave way in the middle; the batch stays open and can be resumed."""


@dataclass(slots=True)
class ImportResult:
    """What became of a file. `as_json` is the document of INTERFACES."""

    batch: int | None
    kind: str
    source: str
    declared: int
    accepted: int
    rejected: int
    duplicate: int
    state: str
    rejects: list[dict[str, Any]]
    columns_aside: list[str] = field(default_factory=list)
    blank: int = 0
    encoding: str = ""
    finished: Mapping[str, Any] = field(default_factory=dict)
    #: wall-clock seconds a phase: check, commit, finish
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The JSON document of `qipan import`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Work:
    """One import under way."""

    actor: Actor
    kind: FileKind
    plan: Plan
    reader: Reader
    rules: Rules
    ctx: IntakeContext
    file: str
    confirm_rows: int | None
    all_or_nothing: bool
    progress: Progress


def _may_import(actor: Actor, kind: FileKind, at: datetime) -> None:
    try:
        require_anywhere(actor, kind.permission)
    except Denied as denied:
        record_denial(actor=actor, action="batch.import", at=at, denied=denied)
        raise


def _area_of(actor: Actor, permission: Permission) -> str:
    """The least area that holds everything in which the actor may import."""
    paths = [path.strip("/").split("/") for path in actor.areas_for(permission)]
    common: list[str] = []
    for codes in zip(*paths, strict=False):
        if len(set(codes)) > 1 or not codes[0]:
            break
        common.append(codes[0])
    return "".join(f"/{code}" for code in common) + "/"


def _mapping(given: str | Mapping[str, Any] | None, kind: FileKind) -> ColumnMapping:
    return load_mapping(given, kind) if isinstance(given, str) else make_mapping(given or {}, kind)


def file_import(
    *,
    actor: Actor,
    kind: str | FileKind,
    path: Path,
    source: str,
    at: datetime,
    mapping: str | Mapping[str, Any] | None = None,
    dry_run: bool = False,
    what_if: bool = False,
    confirm_rows: int | None = None,
    all_or_nothing: bool = False,
    progress: Progress | None = None,
    most_rows: int | None = None,
) -> ImportResult:
    """Take a file in: all of it checked into staging, then committed in chunks; returns its totals.

    `mapping`: the name or path of a mapping file, or its content. `what_if`: times in the future pass.
    `confirm_rows`: the number of rows that the sender counted. `all_or_nothing`: one reject refuses the file.
    `most_rows`: of a dry run, how many rows it looks at.
    The same file again goes on where an earlier import stopped; when that was complete, every row is a
    duplicate. Raises BadInput (the file), Denied, Conflict (another process has it), Refused (the clock, the
    disk), Interrupted (the database went away: the batch stays open).
    """
    kind = file_kind(kind) if isinstance(kind, str) else kind
    at = not_before_log(at)
    _may_import(actor, kind, at)
    if not source.strip() or len(source) > 80:
        raise BadInput("A source needs a name of 1 to 80 characters.")
    made = _mapping(mapping, kind)
    reader: Reader = open_file(path, header_row=made.header_row)
    if dry_run and most_rows is not None:
        reader = FirstRows(reader, most_rows)
    plan = bind(made, kind, reader.header, path.name)
    ctx = IntakeContext(
        actor, source, 0, at, what_if=what_if, options=made.options, time_zone=made.time_zone or DEFAULT_ZONE
    )
    rules = Rules(at, what_if, made.time_zone, made.dates, reader.epoch_1904)
    work = _Work(
        actor, kind, plan, reader, rules, ctx, path.name, confirm_rows, all_or_nothing,
        progress or (lambda phase, done, total: None),
    )  # fmt: skip
    if dry_run:
        return _dry_run(work)
    batch = _batch_for(work, file_digest(path))
    with staging.exclusive(batch.pk):
        batch.refresh_from_db()
        started = time.perf_counter()
        if batch.state == Batch.State.STAGING or not staging.is_whole(batch.pk, _missing(batch)):
            _stage(work, batch)
        return _carry_on(work.actor, kind, batch, at, work.progress, time.perf_counter() - started)


def _batch_for(work: _Work, digest: str) -> Batch:
    """The unfinished batch of this file, or a new one. Raises Conflict."""
    ctx, mapping = work.ctx, dict(work.plan.mapping.raw)
    same = {"kind": work.kind.name, "source": ctx.source, "file_sha256": digest}
    unfinished = [Batch.State.STAGING, Batch.State.OPEN]
    batch = Batch.objects.filter(**same, state__in=unfinished).first()
    if batch is not None:
        if batch.mapping != mapping or batch.what_if != ctx.what_if:
            raise Conflict(
                "Batch %(batch)s of the same file was begun with another mapping: resume or void it first.",
                batch=batch.pk,
            )
        return batch
    try:
        with audited(actor=ctx.actor, action="batch.begin", at=ctx.at) as entry:
            batch = Batch.objects.create(
                **same,
                file_name=Path(work.file).name[:200],
                encoding=work.reader.encoding,
                mapping=mapping,
                columns_aside=[*work.plan.aside, *work.reader.aside],
                what_if=ctx.what_if,
                generation=Batch.objects.filter(
                    kind=work.kind.name, source=ctx.source, state=Batch.State.VOIDED
                ).count(),
                created_at=ctx.at,
                created_by=ctx.actor.user_id,
                area_path=_area_of(ctx.actor, work.kind.permission),
            )
            detail = {"kind": batch.kind, "source": batch.source, "file_sha256": digest}
            entry.about("batch", batch.pk, area_path=batch.area_path, detail=detail)
    except IntegrityError:
        raise Conflict("The same file is being imported by another process.") from None
    return batch


def _missing(batch: Batch) -> list[int]:
    """The chunks of an open batch that are not committed yet."""
    done = set(Chunk.objects.filter(batch=batch).values_list("number", flat=True))
    return [number for number in range(batch.planned) if number not in done]


def _checked(work: _Work, batch_id: int, generation: int, totals: Totals) -> Any:
    """Every chunk of the file, checked, while totals are kept."""
    ctx = IntakeContext(
        work.ctx.actor, work.ctx.source, batch_id, work.ctx.at, "", work.ctx.what_if, work.ctx.options,
        work.ctx.time_zone,
    )  # fmt: skip
    for block in read_ahead(work.reader.blocks()):
        totals.read(block, work.plan)
        for chunk in chunks.stage_block(work.plan, ctx, work.rules, block, totals.chunks):
            totals.staged(chunk, work.kind)
            yield chunk
        work.progress("check", totals.declared, None)
    check_row_limits(work.file, totals.rows, work.confirm_rows)
    totals.close()
    if not totals.declared:
        raise BadInput("%(file)s has a header and no rows.", file=work.file)


def _stage(work: _Work, batch: Batch) -> None:
    """Read and check the whole file into the batch's folder and open the batch."""
    totals = Totals()
    try:
        staging.begin(batch.pk)
        for chunk in _checked(work, batch.pk, batch.generation, totals):
            staging.chunk_store(batch.pk, chunk)
        _check_file(work, batch, totals)
        if work.all_or_nothing and totals.rejected:
            raise BadInput(
                "%(file)s: %(rejected)s of %(declared)s rows cannot be taken in, so none was. The first is row "
                "%(row)s, column %(column)s: %(reason)s",
                file=work.file, rejected=totals.rejected, declared=totals.declared, **totals.first_reject,
            )  # fmt: skip
        with audited(actor=work.ctx.actor, action="batch.open", at=work.ctx.at) as entry:
            opened = Batch.objects.filter(pk=batch.pk, state=Batch.State.STAGING).update(
                state=Batch.State.OPEN, declared=totals.declared, planned=totals.chunks, blank=work.reader.blank
            )
            entry.silent = not opened
            entry.about("batch", batch.pk, area_path=batch.area_path, detail={"declared": totals.declared})
    except (OperationalError, InterfaceError) as error:
        raise _interrupted(batch, error) from error
    except BaseException as error:
        if batch.state == Batch.State.STAGING:
            _fail(work, batch)
        if isinstance(error, OSError):
            raise Refused("The file could not be staged: %(why)s.", why=error.strerror or "I/O error") from error
        raise
    batch.refresh_from_db()


def _check_file(work: _Work, batch: Batch, totals: Totals) -> None:
    """References between rows of the file: chunks that hold a row which fails are stored again."""
    check_file, identities = work.kind.check_file, totals.file_frame()
    if check_file is None or identities is None:
        return
    rejects = chunks.first_a_row(check_file(work.ctx, identities))
    for number, mine in totals.by_chunk(rejects).items():
        chunk = staging.chunk_load(batch.pk, number)
        chunk.raw = staging.raw_load(batch.pk, number)
        staging.chunk_store(batch.pk, chunks.reject_rows(chunk, mine))
        totals.rejected += len(mine)


def _fail(work: _Work, batch: Batch) -> None:
    staging.clear(batch.pk)
    try:
        with audited(actor=work.ctx.actor, action="batch.fail", at=work.ctx.at) as entry:
            Batch.objects.filter(pk=batch.pk, state=Batch.State.STAGING).update(state=Batch.State.FAILED)
            entry.about("batch", batch.pk, area_path=batch.area_path)
    except (OperationalError, InterfaceError):
        connection.close()  # the batch stays in staging; the same file again begins anew


def _interrupted(batch: Batch, error: Exception) -> Interrupted:
    connection.close()
    why = (str(error).strip().splitlines() or [""])[0]
    return Interrupted(
        "The database gave way (%(why)s). Nothing is half stored; batch %(batch)s stays open: import the same "
        "file again, or resume the batch.",
        why=why,
        batch=batch.pk,
    )


def _carry_on(
    actor: Actor, kind: FileKind, batch: Batch, at: datetime, progress: Progress, checked: float = 0.0
) -> ImportResult:
    """Commit what is not committed, finish and close. The batch must be open and staged."""
    options = batch.mapping.get("options", {})
    zone = batch.mapping.get("time_zone") or DEFAULT_ZONE
    ctx = IntakeContext(actor, batch.source, batch.pk, at, "", batch.what_if, options, zone)
    seconds = {"check": checked}
    try:
        started = time.perf_counter()
        missing = _missing(batch)
        for done, number in enumerate(missing, 1):
            chunks.chunk_commit(kind, batch, ctx, number)
            progress("commit", batch.planned - len(missing) + done, batch.planned)
        seconds["commit"] = time.perf_counter() - started
        started = time.perf_counter()
        finished = dict(kind.finish(ctx, batch.pk))
        seconds["finish"] = time.perf_counter() - started
        _close(ctx, batch)
    except (OperationalError, InterfaceError) as error:
        raise _interrupted(batch, error) from error
    staging.clear(batch.pk)
    batch.refresh_from_db()
    result = _result(actor, batch, finished)
    result.seconds = {name: round(value, 3) for name, value in seconds.items()}
    return result


def _close(ctx: IntakeContext, batch: Batch) -> None:
    """Close a batch whose control totals add up. Raises Refused where they do not: it stays open."""
    with audited(actor=ctx.actor, action="batch.complete", at=ctx.at) as entry:
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        names = ("accepted", "rejected", "duplicate")
        sums = Chunk.objects.filter(batch=held).aggregate(**{name: Sum(name, default=0) for name in names})
        rows = AcceptedRow.objects.filter(batch=held).count()
        stored = {"accepted": rows, "rejected": held.rejects.count(), "duplicate": sums["duplicate"]}
        if held.state == Batch.State.COMPLETE:
            entry.silent = True
        elif sum(sums.values()) != held.declared or sums != stored or _missing(held):
            raise Refused(
                "Batch %(batch)s does not add up: %(declared)s rows declared, %(accepted)s accepted, %(rejected)s "
                "rejected, %(duplicate)s duplicate. It stays open.",
                batch=held.pk, declared=held.declared, **stored,
            )  # fmt: skip
        else:
            Batch.objects.filter(pk=held.pk, state=Batch.State.OPEN).update(
                state=Batch.State.COMPLETE, completed_at=ctx.at, **sums
            )
        entry.about("batch", held.pk, area_path=held.area_path, detail={"declared": held.declared, **sums})


def _result(actor: Actor, batch: Batch, finished: Mapping[str, Any]) -> ImportResult:
    try:
        rejects = list(list_rejects(actor, batch.pk))
    except QipanError:
        rejects = []  # may import, may not look at batches: the totals are his all the same
    return ImportResult(
        batch.pk, batch.kind, batch.source, batch.declared, batch.accepted, batch.rejected, batch.duplicate,
        batch.state, rejects, batch.columns_aside, batch.blank, batch.encoding, finished,
    )  # fmt: skip


def _dry_run(work: _Work) -> ImportResult:
    """What an import would do now; nothing is stored."""
    started = time.perf_counter()
    totals = Totals()
    accepted = duplicate = 0
    taken: dict[bytes, bytes] = {}
    staged = []
    for chunk in _checked(work, 0, 0, totals):
        staged += chunk.rejects
        if len(chunk.rows):
            rows = with_identities(work.kind, work.ctx.source, chunk.rows, 0)
            identities = rows["_identity"].to_list()
            known = known_rows(identities) | {key: taken[key] for key in identities if key in taken}
            told = chunks.tell_apart(work.kind, rows, known)
            taken.update(zip(told.new["_identity"].to_list(), told.new["_content"].to_list(), strict=True))
            accepted, duplicate = accepted + len(told.new), duplicate + told.duplicate
            staged += chunks.staged_rejects(told.conflicts, chunk)
    frame = totals.file_frame()
    if work.kind.check_file is not None and frame is not None:
        extra = chunks.first_a_row(work.kind.check_file(work.ctx, frame))
        staged += totals.as_staged(extra)
        accepted -= len(extra)
    staged.sort(key=lambda reject: reject.record)
    return ImportResult(
        None, work.kind.name, work.ctx.source, totals.declared, accepted, totals.declared - accepted - duplicate,
        duplicate, "checked", [chunks.told(reject) for reject in staged],
        [*work.plan.aside, *work.reader.aside], work.reader.blank, work.reader.encoding,
        seconds={"check": round(time.perf_counter() - started, 3)},
    )  # fmt: skip


def batch_resume(
    *, actor: Actor, batch_id: int, at: datetime, progress: Progress | None = None
) -> ImportResult:
    """Go on with a batch that was interrupted, from what is staged of it.

    Raises Absent, Denied, Conflict (another process has it), StagingLost (import the file again), Refused (it
    is complete, void, or was never wholly read).
    """
    at = not_before_log(at)
    batch = access_batch(actor, batch_id)
    kind = file_kind(batch.kind)
    _may_import(actor, kind, at)
    require(actor, kind.permission, batch.area_path)
    with staging.exclusive(batch.pk):
        batch.refresh_from_db()
        if batch.state == Batch.State.STAGING:
            raise Refused(
                "Batch %(batch)s was interrupted while its file was read: import the file again.", batch=batch.pk
            )
        if batch.state != Batch.State.OPEN:
            raise Refused("Batch %(batch)s is %(state)s.", batch=batch.pk, state=batch.state)
        return _carry_on(actor, kind, batch, at, progress or (lambda phase, done, total: None))


def batch_void(*, actor: Actor, batch_id: int, at: datetime) -> dict[str, Any]:
    """Take a batch back: its kind writes the facts that do so; its rows may then come again, corrected.

    Counts and rejects are kept. Returns the kind's counts. Raises Absent, Denied, Refused.
    """
    at = not_before_log(at)
    batch = access_batch(actor, batch_id)
    kind = file_kind(batch.kind)
    with audited(actor=actor, action="batch.void", at=at) as entry:
        require(actor, Permission.BATCH_VOID, batch.area_path)
        require_anywhere(actor, kind.permission)
        own = batch.created_by is not None and batch.created_by == actor.user_id
        if kind.void_permission is not None and not own:
            # whose file it was may always take it back; anybody else needs the right over what is in it
            require(actor, kind.void_permission, batch.area_path)
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        if held.state not in (Batch.State.COMPLETE, Batch.State.OPEN):
            raise Refused("Batch %(batch)s is %(state)s.", batch=held.pk, state=held.state)
        ctx = IntakeContext(actor, held.source, held.pk, at, entry.write_id, held.what_if)
        counts = dict(kind.void(ctx, held.pk))
        AcceptedRow.objects.filter(batch=held).delete()
        Batch.objects.filter(pk=held.pk).update(state=Batch.State.VOIDED, voided_at=at)
        entry.about("batch", held.pk, area_path=held.area_path, detail={**counts, "kind": held.kind})
    staging.clear(batch.pk)
    return counts
