"""What both lists share: rejects in the making, references looked up, facts for the ledger."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from qipan.foundation.clock import day_start
from qipan.foundation.intake.kinds import IntakeContext, Reject
from qipan.rooms.control.services import NewEvidence, decisions_refresh, evidence_add, evidence_void_batch
from qipan.terms.roles import SYSTEM_ACTOR, Permission

NOT_YOURS = "There is no such person, or not one for whom you may record."
NO_AREA = "There is no such area, or not one in which you may record cases."
FUTURE = "This day lies in the future of the moment at which the file is recorded."
NO_CASE = "This case is not in the line list of this source: import it first, then send this row again."


class Findings:
    """Rejects in the making: the first reason of a row is the one that it is given."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._rows = frame["_row"]
        self.rejects: dict[int, Reject] = {}

    def where(self, marked: pl.Series, column: str, reason: str) -> None:
        """Reject the marked rows (null is not marked)."""
        for row in self._rows.filter(marked.fill_null(value=False)):
            self.rejects.setdefault(row, Reject(row, column, reason))

    def result(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
        """The frame without the rejected rows, and the rejects in the order of the file."""
        if not self.rejects:
            return frame, []
        kept = frame.filter(~pl.col("_row").is_in(list(self.rejects)))
        return kept, [self.rejects[row] for row in sorted(self.rejects)]


def looked_up(keys: pl.Series, found: Mapping[str, Any], take: Callable[[Any], Any], dtype: Any) -> pl.Series:
    """A column of what was found for each key; null where nothing was."""
    return pl.Series([take(found[key]) if key in found else None for key in keys], dtype=dtype)


def may(ctx: IntakeContext, paths: pl.Series, permission: Permission) -> pl.Series:
    """Whether the actor holds the permission at each path; null paths are not his."""
    allowed = {path: ctx.actor.may(permission, path) for path in paths.drop_nulls().unique()}
    return pl.Series([path is not None and allowed[path] for path in paths], dtype=pl.Boolean)


def fact_key(row_key: bytes, what: str) -> bytes:
    """The ledger's identity of a second fact of a row (the first has the row's own key)."""
    return hashlib.blake2b(row_key + what.encode(), digest_size=16).digest()


def instant(ctx: IntakeContext, day: date) -> datetime:
    """The local day as the ledger's instant: its beginning, so that nothing of today lies in the future."""
    return day_start(day, ctx.time_zone)


def add_facts(ctx: IntakeContext, facts: list[NewEvidence], disease: str) -> dict[str, Any]:
    """Add the facts of a chunk to the ledger; what the log's entry says of them."""
    return evidence_add(
        actor=ctx.actor,
        source=ctx.source,
        batch_id=ctx.batch_id,
        write_id=ctx.write_id,
        recorded_at=ctx.at,
        rows=facts,
        disease=disease,
    )


def decide(ctx: IntakeContext, persons: Iterable[int]) -> dict[str, Any]:
    """Decide these persons now. The ledger was written under the importer's name; deciding is the
    machinery's own act.
    """
    return decisions_refresh(actor=SYSTEM_ACTOR, at=ctx.at, person_ids=list(persons)).detail()


def void_evidence(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Take the evidence of a batch back and decide again; what the log's entry says of it."""
    evidence, persons = evidence_void_batch(
        actor=ctx.actor, batch_id=batch_id, now=ctx.at, write_id=ctx.write_id
    )
    return {"decided": decide(ctx, persons)["decided"], **evidence}
