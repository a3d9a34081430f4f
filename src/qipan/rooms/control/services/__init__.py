"""Writes of the ledger. There is no service that sets a health code: people add evidence, the book decides."""

from qipan.rooms.control.services.appeals import (
    appeal_decide,
    appeal_grounds,
    appeal_open,
    appeal_open_by_person,
    appeals_release_overdue,
    unsealed_answer,
    unsealed_grounds,
)
from qipan.rooms.control.services.decisions import Refreshed, decisions_rebuild, decisions_refresh
from qipan.rooms.control.services.evidence import (
    NEW_EVIDENCE_SCHEMA,
    NewEvidence,
    Recorded,
    evidence_add,
    evidence_add_frame,
    evidence_key,
    evidence_record,
    evidence_void,
    evidence_void_batch,
)
from qipan.rooms.control.services.replays import Replay, replay, replay_request
from qipan.rooms.control.services.voiding import batch_void_evidence

__all__ = [
    "NEW_EVIDENCE_SCHEMA",
    "NewEvidence",
    "Recorded",
    "Refreshed",
    "Replay",
    "appeal_decide",
    "appeal_grounds",
    "appeal_open",
    "appeal_open_by_person",
    "appeals_release_overdue",
    "batch_void_evidence",
    "decisions_rebuild",
    "decisions_refresh",
    "evidence_add",
    "evidence_add_frame",
    "evidence_key",
    "evidence_record",
    "evidence_void",
    "evidence_void_batch",
    "replay",
    "replay_request",
    "unsealed_answer",
    "unsealed_grounds",
]
