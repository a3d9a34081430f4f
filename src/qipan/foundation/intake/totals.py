"""Counting while a file is read: what it declares, what was staged of it, and row counts that smell."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from qipan.foundation.intake.kinds import LINE, ROW, FileKind, Reject
from qipan.foundation.intake.mapping import Plan
from qipan.foundation.intake.reading import Block
from qipan.foundation.intake.staging import StagedChunk, StagedReject
from qipan.terms.errors import BadInput, Refused

#: Where spreadsheets cut files off without a word: data rows below one header row, and all rows.
ROW_LIMITS = (65_535, 65_536, 1_048_575, 1_048_576)


def check_row_limits(file: str, rows: int, confirmed: int | None) -> None:
    """Refuse a file that ends where a spreadsheet's rows end, or has another count than the sender's.

    England lost 15,841 cases to such a limit in 2020. Raises BadInput.
    """
    if confirmed is not None and confirmed != rows:
        raise BadInput(
            "%(file)s has %(rows)s rows, the sender counted %(confirmed)s.", file=file, rows=rows, confirmed=confirmed
        )
    if rows in ROW_LIMITS and confirmed is None:
        raise BadInput(
            "%(file)s has exactly %(rows)s rows, where a spreadsheet cuts files off. Ask the sender for his count "
            "and give it with --confirm-rows.",
            file=file,
            rows=rows,
        )


class Totals:
    """The count of a file, kept twice: as it was read, and as it was staged."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        #: rows of the file, empty ones not counted
        self.rows = 0
        self.declared = 0
        self.rejected = 0
        self.chunks = 0
        self.first_reject: dict[str, Any] = {}
        self._expected = 0
        self._exploded = False
        self._frames: list[pl.DataFrame] = []

    def read(self, block: Block, plan: Plan) -> None:
        """A block came from the reader."""
        self.rows += len(block.frame) + len(block.bad)
        # a row that is exploded declares as many records as its parts have
        self._exploded = len(plan.parts) > 1
        self._expected = self.rows

    def staged(self, chunk: StagedChunk, kind: FileKind) -> None:
        """A chunk was made of it."""
        self.declared += chunk.declared
        self.rejected += len(chunk.rejects)
        if chunk.rejects and not self.first_reject:
            first = chunk.rejects[0]
            reason = first.reason % first.parameters if first.parameters else first.reason
            self.first_reject = {"row": first.line, "column": first.column or "-", "reason": reason}
        if kind.check_file is not None:
            identity = chunk.rows.select(*kind.file_columns, ROW, LINE)
            self._frames.append(identity.with_columns(pl.lit(chunk.number).alias("_chunk")))
        self.chunks += 1

    def close(self) -> None:
        """Raises Refused where rows were lost between the reader and the staging area."""
        if self.declared != self._expected and not (self._exploded and self.declared > self._expected):
            raise Refused(
                "The file has %(rows)s rows, but %(staged)s were checked: nothing is taken in.",
                rows=self._expected,
                staged=self.declared,
            )

    def file_frame(self) -> pl.DataFrame | None:
        """The identities of the whole file, for a kind that checks them together."""
        return pl.concat(self._frames) if self._frames else None

    def by_chunk(self, rejects: Sequence[Reject]) -> dict[int, list[Reject]]:
        """chunk number -> its rejects."""
        frame = self.file_frame()
        if frame is None or not rejects:
            return {}
        numbers = dict(zip(frame[ROW].to_list(), frame["_chunk"].to_list(), strict=True))
        found: dict[int, list[Reject]] = {}
        for reject in rejects:
            found.setdefault(numbers[reject.row], []).append(reject)
        return found

    def as_staged(self, rejects: Sequence[Reject]) -> list[StagedReject]:
        """Rejects of the whole file with their rows, without their cells."""
        frame = self.file_frame()
        if frame is None:
            return []
        lines = dict(zip(frame[ROW].to_list(), frame[LINE].to_list(), strict=True))
        return [StagedReject(r.row, lines[r.row], r.column, r.reason, dict(r.parameters), {}) for r in rejects]
