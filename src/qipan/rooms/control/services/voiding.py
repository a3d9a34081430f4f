"""Taking a batch of evidence back, and deciding again."""

from collections.abc import Mapping
from datetime import datetime

from qipan.foundation.access.scoping import require_anywhere
from qipan.foundation.audit.services import audited
from qipan.rooms.control.services.decisions import decisions_refresh
from qipan.rooms.control.services.evidence import evidence_void_batch
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission


def batch_void_evidence(*, actor: Actor, batch_id: int, at: datetime) -> Mapping[str, int]:
    """Take back every fact that a batch brought in, by corrections, and decide its persons again. The
    caller (intake) has authorised the batch. Again: nothing is left, and nothing happens.
    """
    with audited(actor=actor, action="evidence.void_batch", at=at) as entry:
        require_anywhere(actor, Permission.BATCH_VOID)
        detail, persons = evidence_void_batch(actor=actor, batch_id=batch_id, now=at, write_id=entry.write_id)
        entry.about("batch", batch_id, area_path="/", detail=detail)
        entry.silent = not persons
    # the cycle's machinery decides, whoever took the batch back
    decisions_refresh(actor=SYSTEM_ACTOR, at=at, person_ids=persons)
    return {"evidence": int(detail["evidence_rows"])}
