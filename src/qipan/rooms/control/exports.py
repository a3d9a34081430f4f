"""The ledger as a table that comes in again."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.control.models import Evidence
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

#: those of the file kind of this name (a test holds them equal)
COLUMNS = (
    "evidence_id", "person_id", "linked_person_id", "kind", "at", "recorded_at", "value", "voids",
)  # fmt: skip


def evidence_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Every fact, voided ones and their corrections too, in the order in which they were learnt.

    A correction can come in again once the fact that it takes back is in; an exemption only as the answer to an appeal.
    """
    facts = scope(Evidence.objects.all(), actor, Permission.EVIDENCE_VIEW, "person__area_path")
    facts = facts.filter(within(area_path, "person__area_path")).order_by("pk")
    columns = ("pk", "person_id", "linked_person_id", "kind", "at", "recorded_at", "value", "voids_id")
    for pk, person, linked, kind, moment, recorded, value, voids in facts.values_list(*columns).iterator():
        yield (
            f"E{pk}", person_code(person), person_code(linked) if linked is not None else None, kind, moment, recorded,
            json.dumps(value, ensure_ascii=False, sort_keys=True), f"E{voids}" if voids is not None else None,
        )  # fmt: skip


EVIDENCE = ExportKind(
    "evidence", "Evidence", COLUMNS, evidence_rows, Permission.EVIDENCE_VIEW
)
