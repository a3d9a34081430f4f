"""Anchors: heads of the log handed to somebody outside the operator's control (U3).

A chain that is recomputed from the first changed entry on, or cut at its end, verifies; only a head that was
written down elsewhere shows it. An anchor file is one JSON object a line, appended and synced to the disk;
print its last line in the bulletin, send it to the county's centre for disease control.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from qipan.foundation.audit import verify_log
from qipan.foundation.audit.chain import FIELDS, GENESIS, canonical_instant
from qipan.foundation.audit.models import AuditEntry
from qipan.terms.errors import BadInput


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the log at a moment; `seq` 0 for an empty log."""

    seq: int
    hash: str
    at: datetime


def anchor_path() -> Path:
    """The file in which the daily cycle anchors the log on this machine."""
    return Path(settings.VAR) / "anchors" / "log.jsonl"


def head(at: datetime) -> Anchor:
    """The head of the log now (one query). It tells nothing of anybody and may be shown to everyone."""
    last = AuditEntry.objects.order_by("-seq").values_list("seq", "hash").first()
    return Anchor(*(last or (0, GENESIS)), at)


def anchor_append(path: Path, anchor: Anchor) -> None:
    """Append an anchor to a file and sync it. Raises BadInput where the file cannot be written."""
    line = json.dumps({"seq": anchor.seq, "hash": anchor.hash, "at": canonical_instant(anchor.at)}) + "\n"
    try:
        with path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BadInput("%(path)s: %(reason)s", path=path, reason=error.strerror) from None


def anchors_read(path: Path) -> dict[int, str]:
    """seq -> hash of an anchor file. Raises BadInput naming file and line."""
    try:
        return verify_log.read_anchors(path)
    except verify_log.Unreadable as error:
        raise BadInput("%(reason)s", reason=str(error)) from None


def exported(batch: int = 10_000) -> Iterator[dict[str, Any]]:
    """All entries by number as the export writes them (`at` as canonical text), read in batches by key."""
    names = (*FIELDS, "prev_hash", "hash")
    after = 0
    while True:
        rows = list(AuditEntry.objects.filter(seq__gt=after).order_by("seq").values_list(*names)[:batch])
        for row in rows:
            entry = dict(zip(names, row, strict=True))
            entry["at"] = canonical_instant(entry["at"])
            yield entry
        if len(rows) < batch:
            return
        after = rows[-1][0]


def verify(anchors: Mapping[int, str] | None = None) -> dict[str, Any]:
    """Verify the database's log with the stand-alone verifier's own reading of the canonical form.

    Returns its report (`verify_log.check_chain`). Entries appended while it runs are verified as far as they
    are met.
    """
    return verify_log.check_chain(exported(), anchors or {})
