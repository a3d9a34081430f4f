"""The words of the ledger: evidence kinds, their value keys, orders, codes; and evidence as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EvidenceKind(StrEnum):
    TEST = "test"
    EXPOSURE = "exposure"
    ARRIVAL = "arrival"
    RESIDENCE = "residence"
    SYMPTOM = "symptom"
    DIAGNOSIS = "diagnosis"
    RECOVERY = "recovery"
    EXEMPTION = "exemption"
    FOLLOW_UP = "follow_up"
    CORRECTION = "correction"


class TestOutcome(StrEnum):
    __test__ = False  # not a test class, whatever pytest thinks of the name

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INDETERMINATE = "indeterminate"


class ContactClass(StrEnum):
    CLOSE = "close"
    SECONDARY = "secondary"
    GENERAL = "general"


class Classification(StrEnum):
    SUSPECTED = "suspected"
    PROBABLE = "probable"
    CONFIRMED = "confirmed"
    ASYMPTOMATIC = "asymptomatic"
    DISCARDED = "discarded"


class FollowUpOutcome(StrEnum):
    WELL = "well"
    SYMPTOMATIC = "symptomatic"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


class HealthCode(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class OrderKind(StrEnum):
    ISOLATE = "isolate"
    QUARANTINE_CENTRAL = "quarantine_central"
    QUARANTINE_HOME = "quarantine_home"
    MONITOR_HOME = "monitor_home"
    TEST = "test"


#: kind -> (required value keys, optional value keys)
VALUE_KEYS: Mapping[EvidenceKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    EvidenceKind.TEST: (("result", "method"), ("ct",)),
    EvidenceKind.EXPOSURE: (("first", "last", "setting"), ("minutes", "distance_m", "class")),
    EvidenceKind.ARRIVAL: (("origin_area",), ()),
    EvidenceKind.RESIDENCE: (("area", "level"), ()),
    EvidenceKind.SYMPTOM: (("symptoms",), ("temperature",)),
    EvidenceKind.DIAGNOSIS: (("classification",), ("onset_date", "place", "group")),
    EvidenceKind.RECOVERY: ((), ()),
    EvidenceKind.EXEMPTION: (("order_kind", "until"), ()),
    EvidenceKind.FOLLOW_UP: (("outcome",), ("temperature", "symptoms")),
    EvidenceKind.CORRECTION: ((), ()),
}


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One line of the ledger as the evaluators see it. `at` and `recorded_at` are aware instants.

    `at`: when it was so; `recorded_at`: when we learnt it. `voids` names the evidence that this item takes
    back: an item that is voided counts as never had. Ids are strings in files, integers in the database.
    """

    evidence_id: str
    person_id: str
    kind: EvidenceKind
    at: datetime
    recorded_at: datetime
    value: Mapping[str, Any]
    linked_person_id: str | None = None
    voids: str | None = None
