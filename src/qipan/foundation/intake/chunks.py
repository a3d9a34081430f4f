"""The two halves of a chunk: made from a block of the file, and committed in one transaction."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from django.db import IntegrityError, OperationalError, connection
from django.db.models import F
from django.utils.translation import gettext

from qipan.foundation import crypto
from qipan.foundation.audit.services import Entry, audited
from qipan.foundation.intake import staging
from qipan.foundation.intake.checking import Rules, check_columns
from qipan.foundation.intake.exporting import restored
from qipan.foundation.intake.identities import IDENTITY, with_identities
from qipan.foundation.intake.kinds import CONTENT, KEY, LINE, ROW, FileKind, IntakeContext, Reject
from qipan.foundation.intake.mapping import Plan, apply
from qipan.foundation.intake.models import AcceptedRow, Batch, Chunk, RejectedRow
from qipan.foundation.intake.reading import REJECT_COLUMNS, BadRow, Block
from qipan.foundation.intake.selectors import known_rows, reject_binding
from qipan.foundation.intake.staging import StagedChunk, StagedReject
from qipan.foundation.intake.workbooks import FAULT
from qipan.foundation.intake.writing import bulk_insert, bulk_insert_frame
from qipan.terms.errors import Conflict

CHUNK_ROWS = 10_000
CONFLICTING = "A row with this identity was accepted before with other content: void its batch to correct it."
_ATTEMPTS = 5


def _raw_rows(raw: pl.DataFrame, lines: set[int]) -> dict[int, dict[str, str]]:
    """line -> the sender's cells, without our marks and without what our reject files add."""
    wanted = raw.filter(pl.col(LINE).is_in(list(lines)))
    rows = {}
    for row in wanted.iter_rows(named=True):
        line = row.pop(LINE)
        rows[line] = {
            name: ("#N/A" if cell.startswith(FAULT) else cell[3:]) if cell.startswith("\0") else cell
            for name, cell in row.items()
            if name not in REJECT_COLUMNS
        }
    return rows


def _staged(rejects: list[Reject], lines: Mapping[int, int], raw: pl.DataFrame) -> list[StagedReject]:
    if not rejects:
        return []
    cells = _raw_rows(raw, {lines[reject.row] for reject in rejects})
    return [
        StagedReject(r.row, lines[r.row], r.column, r.reason, dict(r.parameters), cells[lines[r.row]])
        for r in rejects
    ]


def staged_rejects(rejects: list[Reject], chunk: StagedChunk) -> list[StagedReject]:
    """Rejects of good rows of a chunk (its `raw` loaded), with the sender's cells."""
    lines = dict(zip(chunk.rows[ROW].to_list(), chunk.rows[LINE].to_list(), strict=True))
    return _staged(rejects, lines, chunk.raw)


def reject_rows(chunk: StagedChunk, rejects: list[Reject]) -> StagedChunk:
    """The chunk (its `raw` loaded) with some of its good rows rejected."""
    staged = sorted([*chunk.rejects, *staged_rejects(rejects, chunk)], key=lambda reject: reject.record)
    bad = [reject.row for reject in rejects]
    return StagedChunk(chunk.number, chunk.rows.filter(~pl.col(ROW).is_in(bad)), chunk.raw, staged)


def told(reject: StagedReject) -> dict[str, Any]:
    """A reject as {row, column, reason} in the reader's language."""
    reason = gettext(reject.reason)
    return {
        "row": reject.line,
        "column": reject.column,
        "reason": reason % reject.parameters if reject.parameters else reason,
    }


def first_a_row(rejects: list[Reject]) -> list[Reject]:
    """One reject a row: the first that was given."""
    first: dict[int, Reject] = {}
    for reject in rejects:
        first.setdefault(reject.row, reject)
    return list(first.values())


def check_kind(
    kind: FileKind, ctx: IntakeContext, rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[Reject]]:
    """The kind's own check of a chunk, held to its promise: every row is good or has a reason.

    Raises RuntimeError where the kind loses or invents rows: control totals are not negotiable.
    """
    if not len(rows):
        return rows, []
    good, rejects = kind.check(ctx, rows)
    rejects = first_a_row(rejects)
    bad = [reject.row for reject in rejects]
    good = good.filter(~pl.col(ROW).is_in(bad)) if bad else good
    if len(good) + len(bad) != len(rows) or not good[ROW].is_unique().all():
        raise RuntimeError(
            f"check of {kind.name}: {len(rows)} rows in, {len(good)} good and {len(bad)} rejected out"
        )
    return good, rejects


def stage_block(
    plan: Plan, ctx: IntakeContext, rules: Rules, block: Block, first_number: int
) -> Iterator[StagedChunk]:
    """A block of the file as checked chunks, numbered from `first_number`."""
    kind, records = plan.kind, len(plan.parts)
    block.frame = restored(block.frame)
    ours, without = apply(plan, block.frame)
    bad = [*block.bad]
    if without:
        cells = _raw_rows(block.frame, set(without))
        bad += [BadRow(line, "The mapping makes no record of this row.", {}, cells[line]) for line in without]
    broken = sorted(
        (StagedReject(b.line * records if records > 1 else b.line, b.line, "", b.reason, b.parameters, b.raw)
         for b in bad), key=lambda reject: reject.record,
    )  # fmt: skip
    checked = check_columns(kind, ours, rules)
    lines = dict(zip(ours[ROW].to_list(), ours[LINE].to_list(), strict=True)) if len(ours) else {}
    everything = sorted([*lines, *(reject.record for reject in broken)])
    for offset in range(0, len(everything), CHUNK_ROWS):
        low = everything[offset]
        high = everything[min(offset + CHUNK_ROWS, len(everything)) - 1]
        rows = checked.frame
        if len(everything) > CHUNK_ROWS:
            rows = rows.filter(pl.col(ROW).is_between(low, high))
        rows, rejects = _checked_rows(kind, ctx, rows)
        rejects += [reject for reject in checked.rejects if low <= reject.row <= high]
        raw = block.frame
        if len(everything) > CHUNK_ROWS:
            low_line, high_line = (low // records, high // records) if records > 1 else (low, high)
            raw = raw.filter(pl.col(LINE).is_between(low_line, high_line))
        staged = _staged(rejects, lines, raw) + [b for b in broken if low <= b.record <= high]
        staged.sort(key=lambda reject: reject.record)
        yield StagedChunk(first_number, rows, raw, staged)
        first_number += 1


def _checked_rows(
    kind: FileKind, ctx: IntakeContext, rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[Reject]]:
    good, rejects = check_kind(kind, ctx, rows)
    if rejects:
        # the frame as it was given: what the check adds, it adds again when the chunk is committed
        rows = rows.filter(pl.col(ROW).is_in(good[ROW].implode()))
    return rows, rejects


@dataclass(frozen=True, slots=True)
class ToldApart:
    """A chunk's rows told apart."""

    new: pl.DataFrame
    duplicate: int
    conflicts: list[Reject]


def tell_apart(kind: FileKind, rows: pl.DataFrame, known: Mapping[bytes, bytes]) -> ToldApart:
    """Rows (with `_identity` and `_content`) that are new, were accepted before, or contradict what was.

    `known`: identity -> content of what was accepted before. Within the chunk the first row counts.
    """
    first: dict[bytes, bytes] = dict(known)
    identities, contents = rows[IDENTITY].to_list(), rows[CONTENT].to_list()
    keep: list[bool] = []
    conflicts: list[Reject] = []
    duplicate = 0
    for row, identity, content in zip(rows[ROW].to_list(), identities, contents, strict=True):
        before = first.get(identity)
        keep.append(before is None)
        if before is None:
            first[identity] = content
        elif before == content:
            duplicate += 1
        else:
            conflicts.append(Reject(row, ", ".join(kind.id_columns), CONFLICTING))
    new = rows if all(keep) else rows.filter(pl.Series(keep, dtype=pl.Boolean))
    return ToldApart(new, duplicate, conflicts)


def _chunk_hash(new: pl.DataFrame, rejects: list[StagedReject], duplicate: int) -> str:
    digest = hashlib.sha256()
    for identity, content in zip(new[IDENTITY].to_list(), new[CONTENT].to_list(), strict=True):
        digest.update(identity + content)
    reasons = [[reject.record, reject.column, reject.reason] for reject in rejects]
    digest.update(json.dumps([reasons, duplicate], ensure_ascii=False).encode())
    return digest.hexdigest()


def chunk_commit(kind: FileKind, batch: Batch, ctx: IntakeContext, number: int) -> bool:
    """Commit one staged chunk: one transaction, one entry in the log. False where it was committed before.

    Raises Conflict where the batch is not open any more, StagingLost, and what the database raises; an
    overlap with a batch that is being committed at the same moment is tried again.
    """
    chunk = staging.chunk_load(batch.pk, number)
    for attempt in range(_ATTEMPTS):
        try:
            with audited(actor=ctx.actor, action="batch.chunk", at=ctx.at) as entry:
                return _commit(kind, batch, replace(ctx, write_id=entry.write_id), chunk, entry)
        except (IntegrityError, OperationalError) as error:
            # 40P01: two batches that overlap waited for each other's rows; unique: the other was first
            overlapping = isinstance(error, IntegrityError) or "deadlock" in str(error)
            if attempt == _ATTEMPTS - 1 or not overlapping:
                raise
    raise AssertionError("unreachable")


def _commit(kind: FileKind, batch: Batch, ctx: IntakeContext, chunk: StagedChunk, entry: Entry) -> bool:
    _look_up_by_index()
    # the row lock makes the chunks of a batch, and its voiding, wait for each other
    state = Batch.objects.select_for_update().values_list("state", flat=True).get(pk=batch.pk)
    if Chunk.objects.filter(batch_id=batch.pk, number=chunk.number).exists():
        entry.silent = True
        return False
    if state != Batch.State.OPEN:
        raise Conflict("Batch %(batch)s is not open any more.", batch=batch.pk)
    good, rejects = check_kind(kind, ctx, chunk.rows)
    rejects_here = list(rejects)
    known: dict[bytes, bytes] = {}
    if len(good):
        good = with_identities(kind, batch.source, good, batch.generation)
        known = known_rows(good[IDENTITY].to_list())
    else:
        good = good.with_columns(
            *(pl.Series(name, [], dtype=pl.Binary) for name in (IDENTITY, CONTENT, KEY))
        )
    apart = tell_apart(kind, good, known)
    rejects_here += apart.conflicts
    staged = list(chunk.rejects)
    if rejects_here:
        chunk.raw = staging.raw_load(batch.pk, chunk.number)
        staged += staged_rejects(rejects_here, chunk)
        staged.sort(key=lambda reject: reject.record)
    said: Mapping[str, Any] = {}
    if len(apart.new):
        said = kind.commit(ctx, apart.new.drop(IDENTITY, CONTENT)) or {}
        # in the order of the index: neighbours go to the same page
        remembered = apart.new.sort(IDENTITY).select(
            key=IDENTITY, content=CONTENT, batch_id=pl.lit(batch.pk, dtype=pl.Int64), row=LINE
        )
        bulk_insert_frame(AcceptedRow, remembered)
    _rejects_write(batch.pk, staged)
    counts = {"accepted": len(apart.new), "rejected": len(staged), "duplicate": apart.duplicate}
    content = _chunk_hash(apart.new, staged, apart.duplicate)
    Chunk.objects.create(batch_id=batch.pk, number=chunk.number, content_hash=content, committed_at=ctx.at, **counts)
    Batch.objects.filter(pk=batch.pk).update(**{name: F(name) + count for name, count in counts.items()})
    detail: dict[str, Any] = {**said, "kind": kind.name, "chunk": chunk.number, "content_hash": content, **counts}
    entry.about("batch", batch.pk, area_path=batch.area_path, detail=detail)
    return True


def _look_up_by_index() -> None:
    """Keep PostgreSQL, to the end of this transaction, from reading whole tables for a chunk's look-ups.

    Of a table that an import is filling it has no statistics yet: it guesses that ten thousand look-ups cost
    more than the table from end to end, and reads all of it, again with every chunk and more each time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


def _rejects_write(batch_id: int, rejects: list[StagedReject]) -> None:
    if not rejects:
        return
    sealed = crypto.seal_many(
        "rejects",
        (
            (json.dumps(reject.raw, ensure_ascii=False).encode(), reject_binding(batch_id, reject.record))
            for reject in rejects
        ),
    )
    bulk_insert(
        RejectedRow,
        ["batch_id", "record", "row", "column", "reason", "parameters", "sealed"],
        [
            (batch_id, r.record, r.line, r.column[:60], r.reason, r.parameters, seal)
            for r, seal in zip(rejects, sealed, strict=True)
        ],
    )
