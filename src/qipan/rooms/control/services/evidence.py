"""Facts enter the ledger: one at once with its decision, many by intake, corrections as new facts."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.foundation.intake.writing import bulk_insert
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors.ledger import content_hash, evidence_line, ids_condition, linked_to
from qipan.rooms.control.services.decisions import Refreshed, decide_now
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.persons.selectors import person_refs
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.evidence import VALUE_KEYS, EvidenceKind
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """One fact to add in bulk. `key` is its 16-byte identity; `recorded_at` None means now."""

    key: bytes
    person_id: int
    kind: EvidenceKind
    at: datetime
    value: dict[str, Any]
    linked_person_id: int | None = None
    voids: int | None = None
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one recorded fact led to. `new` is False where the same fact was there already."""

    evidence_id: int
    new: bool
    refreshed: Refreshed


def evidence_key(kind: str, source: str, identity: str) -> bytes:
    """The 16-byte identity of a fact: (kind, source, id within the source)."""
    text = json.dumps([kind, source, identity], ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def check_value(kind: EvidenceKind, value: dict[str, Any]) -> None:
    """Raise BadInput unless `value` has the keys of its kind (INTERFACES, Values) and no others."""
    required, optional = VALUE_KEYS[kind]
    missing = [key for key in required if key not in value]
    if missing:
        raise BadInput("Evidence of kind %(kind)s needs %(keys)s.", kind=kind.value, keys=", ".join(missing))
    unknown = [key for key in value if key not in required + optional and not key.startswith("x_")]
    if unknown:
        raise BadInput("Evidence of kind %(kind)s has no %(keys)s.", kind=kind.value, keys=", ".join(unknown))


def mark_stale(person_ids: Collection[int], *, disease: str) -> int:
    """Mark the stored decisions of these persons, and of those linked to them, stale; how many."""
    affected = set(person_ids) | linked_to(person_ids, disease=disease)
    condition, parameters = ids_condition("person_id", affected)
    sql = f"UPDATE control_storeddecision SET stale = %s WHERE disease = %s AND NOT stale AND {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [True, disease, *parameters])
        return cursor.rowcount


_COLUMNS = [
    "key", "disease", "person_id", "linked_person_id", "kind", "at", "recorded_at", "value", "source", "batch_id",
    "recorded_by", "recorded_unit", "voids_id", "write_id",
]  # fmt: skip


def evidence_add(
    *,
    actor: Actor,
    source: str,
    batch_id: int | None,
    write_id: str,
    recorded_at: datetime,
    rows: Sequence[NewEvidence],
    disease: str = "covid19",
) -> str:
    """Add many facts inside the caller's `audited` transaction, whose `write_id` they carry; returns their
    content hash for that entry. Marks decisions stale and decides nothing: call `decisions_refresh` after.

    The caller has authorised every person (intake does, row by row). Facts that are there already are
    refused by the database: intake removes them before.
    """
    lock_ledger()
    bulk_insert(
        Evidence,
        _COLUMNS,
        (
            (
                row.key, disease, row.person_id, row.linked_person_id, row.kind.value, row.at,
                row.recorded_at or recorded_at, json.dumps(row.value, ensure_ascii=False, sort_keys=True), source,
                batch_id, actor.user_id, actor.unit_id, row.voids, write_id,
            )
            for row in rows
        ),
    )  # fmt: skip
    mark_stale({row.person_id for row in rows}, disease=disease)
    return content_hash(
        [evidence_line(r.key, r.person_id, r.linked_person_id, r.kind.value, r.at, r.value) for r in rows]
    )


def _authorise(actor: Actor, kind: EvidenceKind, area_path: str) -> None:
    """Who may state what: laboratories results, grid workers follow-ups, the investigating roles the rest."""
    wanted = {
        EvidenceKind.TEST: (Permission.EVIDENCE_RECORD, Permission.TEST_RECORD),
        EvidenceKind.FOLLOW_UP: (Permission.EVIDENCE_RECORD, Permission.VISIT_RECORD),
        EvidenceKind.SYMPTOM: (Permission.EVIDENCE_RECORD, Permission.VISIT_RECORD),
    }.get(kind, (Permission.EVIDENCE_RECORD,))
    if not any(actor.may(permission, area_path) for permission in wanted):
        raise Denied(wanted[0], area_path)


def evidence_record(
    *,
    actor: Actor,
    person_id: int,
    kind: EvidenceKind,
    at: datetime,
    value: dict[str, Any],
    source: str,
    now: datetime,
    linked_person_id: int | None = None,
    voids: int | None = None,
    identity: str | None = None,
    disease: str = "covid19",
) -> Recorded:
    """Record one fact and decide at once, in one transaction with its entry in the log.

    `identity`: the fact's id within `source`; the same one again is answered with the fact recorded before
    (and refused as a Conflict if it says something else). Raises Absent for a person whom the actor may not
    see, Denied where he may not state this, Refused for an exemption (that is the answer to an appeal, never
    a statement), BadInput for values that do not fit the kind or a fact from the future.
    """
    if kind is EvidenceKind.EXEMPTION:
        raise Refused("An exemption is the answer to an appeal: open one.")
    with audited(actor=actor, action="evidence.record", at=now) as entry:
        ref = person_refs([person_id]).get(person_id)
        if ref is None:
            raise Absent("person")
        _authorise(actor, kind, ref.area_path)
        check_value(kind, value)
        if at > now:
            raise BadInput("This is in the future: %(at)s.", at=at.isoformat())
        if linked_person_id is not None and linked_person_id not in person_refs([linked_person_id]):
            raise Absent("person")
        recorded = insert_and_decide(
            actor=actor, person_id=person_id, kind=kind, at=at, value=value, source=source, now=now,
            linked_person_id=linked_person_id, voids=voids, identity=identity, disease=disease,
            write_id=entry.write_id,
        )  # fmt: skip
        entry.silent = not recorded.new
        row = Evidence.objects.get(pk=recorded.evidence_id)
        entry.about(
            "person",
            person_id,
            area_path=ref.area_path,
            detail={
                "kind": kind.value,
                "evidence": recorded.evidence_id,
                "rows": 1,
                "content": content_hash(
                    [evidence_line(row.key, person_id, linked_person_id, kind.value, at, row.value)]
                ),
                **recorded.refreshed.detail(),
            },
        )
    return recorded


def insert_and_decide(
    *,
    actor: Actor,
    person_id: int,
    kind: EvidenceKind,
    at: datetime,
    value: dict[str, Any],
    source: str,
    now: datetime,
    write_id: str,
    linked_person_id: int | None = None,
    voids: int | None = None,
    identity: str | None = None,
    disease: str = "covid19",
) -> Recorded:
    """Insert one authorised fact and decide the persons it touches, inside the caller's transaction."""
    lock_ledger()
    key = evidence_key(kind.value, source, identity if identity is not None else write_id)
    before = Evidence.objects.filter(key=key).first()
    if before is not None:
        same = (before.person_id, before.kind, before.at, before.value) == (person_id, kind.value, at, value)
        if not same:
            raise Conflict("This fact was recorded before and said something else: void it first.")
        return Recorded(before.pk, new=False, refreshed=Refreshed())
    row = Evidence.objects.create(
        key=key, disease=disease, person_id=person_id, linked_person_id=linked_person_id, kind=kind.value, at=at,
        recorded_at=now, value=value, source=source, recorded_by=actor.user_id, recorded_unit=actor.unit_id,
        voids_id=voids, write_id=write_id,
    )  # fmt: skip
    touched = {person_id} | linked_to([person_id], disease=disease)
    mark_stale([person_id], disease=disease)
    return Recorded(row.pk, new=True, refreshed=decide_now(touched, at=now, disease=disease, write_id=write_id))


def evidence_void(*, actor: Actor, evidence_id: int, reason: str, now: datetime) -> Recorded:
    """Take one fact back by a new one, and decide again. Raises Absent, Denied, or Refused if it is void."""
    if not reason.strip():
        raise BadInput("Say why the fact was wrong.")
    with audited(actor=actor, action="evidence.void", at=now) as entry:
        row = Evidence.objects.select_related("person").filter(pk=evidence_id).first()
        if row is None or not actor.may(Permission.EVIDENCE_VIEW, row.person.area_path):
            raise Absent("evidence")
        require(actor, Permission.EVIDENCE_VOID, row.person.area_path)
        if row.voided_by.exists():
            raise Refused("This fact was taken back before.")
        recorded = insert_and_decide(
            actor=actor, person_id=row.person_id, kind=EvidenceKind.CORRECTION, at=now, value={}, source="correction",
            now=now, voids=row.pk, identity=str(row.pk), disease=row.disease, write_id=entry.write_id,
        )  # fmt: skip
        correction = Evidence.objects.get(pk=recorded.evidence_id)
        line = evidence_line(correction.key, row.person_id, None, correction.kind, now, {})
        entry.about(
            "evidence",
            row.pk,
            area_path=row.person.area_path,
            detail={
                "reason": reason[:300],
                "rows": 1,
                "content": content_hash([line]),
                **recorded.refreshed.detail(),
            },
        )
    return recorded


def _not_voided(batch_id: int) -> Iterable[tuple[int, int, str]]:
    rows = Evidence.objects.filter(batch_id=batch_id, voided_by=None).exclude(kind=EvidenceKind.CORRECTION.value)
    return rows.order_by("pk").values_list("pk", "person_id", "disease").iterator(chunk_size=10_000)


def evidence_void_batch(*, actor: Actor, batch_id: int, now: datetime, write_id: str) -> tuple[int, str, set[int]]:
    """Take back every fact of a batch, inside the caller's `audited` transaction. Returns how many, their
    content hash, and the persons to be decided again. Running it again finds nothing left.
    """
    lock_ledger()
    by_disease: dict[str, list[NewEvidence]] = {}
    for evidence_id, person_id, disease in _not_voided(batch_id):
        by_disease.setdefault(disease, []).append(
            NewEvidence(
                key=evidence_key(EvidenceKind.CORRECTION.value, "correction", str(evidence_id)),
                person_id=person_id,
                kind=EvidenceKind.CORRECTION,
                at=now,
                value={},
                voids=evidence_id,
            )
        )
    hashes, persons, count = [], set[int](), 0
    for disease, rows in sorted(by_disease.items()):
        hashes.append(
            evidence_add(
                actor=actor, source="correction", batch_id=batch_id, write_id=write_id, recorded_at=now, rows=rows,
                disease=disease,
            )  # fmt: skip
        )
        persons |= {row.person_id for row in rows} | linked_to([r.person_id for r in rows], disease=disease)
        count += len(rows)
    return count, ",".join(hashes), persons


