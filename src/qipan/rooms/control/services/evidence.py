"""Facts enter the ledger: one at once with its decision, many by intake, corrections as new facts."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from django.db import connection

from qipan.foundation import clock
from qipan.foundation.access.scoping import require
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.reconcile import content_hash
from qipan.foundation.audit.selectors import not_before_log
from qipan.foundation.audit.services import audited
from qipan.foundation.intake.writing import bulk_insert_frame
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.rules import WHO_MAY_STATE
from qipan.rooms.control.selectors.ledger import (
    evidence_line,
    evidence_lines,
    ids_condition,
    linked_to,
    value_text,
)
from qipan.rooms.control.services.decisions import Refreshed, decide_now
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.persons.selectors import PersonRef, person_refs
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.evidence import EvidenceKind
from qipan.terms.evidence_values import check_evidence_value
from qipan.terms.roles import Actor, Permission

#: the source of corrections made here; an imported correction has its file's source
CORRECTION = "correction"


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
    #: hash of the recorded fact, for the log
    content_hash: str = ""

    def detail(self) -> dict[str, Any]:
        """For the log entry that covers the fact."""
        return {
            "evidence": self.evidence_id,
            "evidence_rows": 1,
            "evidence_hash": self.content_hash,
            **self.refreshed.detail(),
        }


def evidence_key(kind: str, source: str, identity: str) -> bytes:
    """The 16-byte identity of a fact: (kind, source, id within the source)."""
    text = json.dumps([kind, source, identity], ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def mark_stale(person_ids: Collection[int], *, disease: str) -> int:
    """Mark the stored decisions of these persons, and of those linked to them, stale; how many."""
    affected = set(person_ids) | linked_to(person_ids, disease=disease)
    condition, parameters = ids_condition("person_id", affected)
    sql = f"UPDATE control_storeddecision SET stale = %s WHERE disease = %s AND NOT stale AND {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [True, disease, *parameters])
        return int(cursor.rowcount)


NEW_EVIDENCE_SCHEMA: dict[str, Any] = {
    "key": pl.Binary,
    "person_id": pl.Int64,
    "linked_person_id": pl.Int64,
    "kind": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "recorded_at": pl.Datetime("us", "UTC"),
    "value": pl.String,
    "voids_id": pl.Int64,
}


def evidence_add_frame(
    frame: pl.DataFrame,
    *,
    actor: Actor,
    source: str,
    batch_id: int | None,
    write_id: str,
    disease: str = "covid19",
) -> dict[str, Any]:
    """Add many facts inside the caller's `audited` transaction, whose `write_id` they carry. Returns what
    belongs into that entry's detail: `evidence_rows` and `evidence_hash`.

    `frame`: columns and types of `NEW_EVIDENCE_SCHEMA`, `value` JSON text with sorted keys and no spaces
    (`value_text`). The caller has authorised every person and checked every value (intake does, row by
    row). Facts that are there already are refused by the database: intake removes them before. Marks
    decisions stale and decides nothing: call `decisions_refresh` after.
    """
    if not len(frame):
        return {"evidence_rows": 0}
    lock_ledger()
    ready = frame.select(
        *NEW_EVIDENCE_SCHEMA,
        pl.lit(disease).alias("disease"),
        pl.lit(source).alias("source"),
        pl.lit(batch_id, dtype=pl.Int64).alias("batch_id"),
        pl.lit(actor.user_id, dtype=pl.Int64).alias("recorded_by"),
        pl.lit(actor.unit_id, dtype=pl.Int64).alias("recorded_unit"),
        pl.lit(write_id).alias("write_id"),
    )
    # in the order of the index: neighbours go to the same page
    bulk_insert_frame(Evidence, ready.sort("key"))
    mark_stale(frame["person_id"].unique().to_list(), disease=disease)
    return {"evidence_rows": len(frame), "evidence_hash": content_hash(evidence_lines(frame))}


def evidence_add(
    *,
    actor: Actor,
    source: str,
    batch_id: int | None,
    write_id: str,
    recorded_at: datetime,
    rows: Sequence[NewEvidence],
    disease: str = "covid19",
) -> dict[str, Any]:
    """`evidence_add_frame` for rows that are values."""
    frame = pl.DataFrame(
        [
            (r.key, r.person_id, r.linked_person_id, r.kind.value, r.at.astimezone(UTC),
             (r.recorded_at or recorded_at).astimezone(UTC), value_text(r.value), r.voids)
            for r in rows
        ],
        schema=NEW_EVIDENCE_SCHEMA,
        orient="row",
    )  # fmt: skip
    return evidence_add_frame(
        frame, actor=actor, source=source, batch_id=batch_id, write_id=write_id, disease=disease
    )


def _is_source(person_id: int) -> bool:
    """Whether there is anything to be exposed to: a diagnosis or an exposure of that person that stands."""
    kinds = (EvidenceKind.DIAGNOSIS.value, EvidenceKind.EXPOSURE.value)
    return any(not is_voided(row) for row in Evidence.objects.filter(person_id=person_id, kind__in=kinds))


def _authorise(actor: Actor, kind: EvidenceKind, area_path: str, linked: PersonRef | None) -> None:
    """Who may state what: laboratories results, grid workers follow-ups, the investigating roles the rest.

    An exposure may also be stated where the case (or the contact between) lives to whom somebody was exposed:
    contacts cross county borders, and whoever investigates a case must be able to name them.
    """
    if (
        kind is EvidenceKind.EXPOSURE
        and linked is not None
        and actor.may(Permission.EVIDENCE_RECORD, linked.area_path)
        and _is_source(linked.id)
    ):
        return
    wanted = WHO_MAY_STATE[kind]
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
    identity: str | None = None,
    disease: str = "covid19",
) -> Recorded:
    """Record one fact and decide at once, in one transaction with its entry in the log.

    `identity`: the fact's id within `source`; the same one again is answered with the fact recorded before
    (and refused as a Conflict if it says something else). Raises Absent for a person whom the actor may not
    see, Denied where he may not state this, Refused for an exemption (that is the answer to an appeal, never
    a statement) and a correction (`evidence_void`), BadInput for values that do not fit the kind or a fact
    from the future.
    """
    if kind is EvidenceKind.EXEMPTION:
        raise Refused("An exemption is the answer to an appeal: open one.")
    if kind is EvidenceKind.CORRECTION:
        raise Refused("A correction takes a fact back: void that fact.")
    if linked_person_id == person_id:
        raise BadInput("Nobody is linked to himself.")
    now = not_before_log(now)
    with audited(actor=actor, action="evidence.record", at=now) as entry:
        refs = person_refs([person_id] if linked_person_id is None else [person_id, linked_person_id])
        ref, linked = refs.get(person_id), refs.get(linked_person_id or 0)
        if ref is None or (linked is None and linked_person_id is not None):
            raise Absent("person")
        _authorise(actor, kind, ref.area_path, linked)
        if at > now:
            raise BadInput("This is in the future: %(at)s.", at=at.isoformat())
        check_evidence_value(kind, value, at, zone=clock.civil_zone())
        recorded = insert_and_decide(
            actor=actor, person_id=person_id, kind=kind, at=at, value=value, source=source, now=now,
            linked_person_id=linked_person_id, identity=identity, disease=disease, write_id=entry.write_id,
        )  # fmt: skip
        entry.silent = not recorded.new
        entry.about(
            "person", person_id, area_path=ref.area_path, detail={"kind": kind.value, **recorded.detail()}
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
        said = (before.person_id, before.linked_person_id, before.kind, before.at, before.value, before.voids_id)
        same = said == (person_id, linked_person_id, kind.value, at, value, voids)
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
    refreshed = decide_now(touched, at=now, disease=disease, write_id=write_id)
    line = evidence_line(key, person_id, linked_person_id, kind.value, at, value_text(value))
    return Recorded(row.pk, new=True, refreshed=refreshed, content_hash=content_hash([line]))


def is_voided(row: Evidence) -> bool:
    """Whether a correction of this fact stands (one that was itself taken back does not)."""
    return any(not is_voided(correction) for correction in row.voided_by.all())


def evidence_void(*, actor: Actor, evidence_id: int, reason: str, now: datetime) -> Recorded:
    """Take one fact back by a new one, and decide again. Raises Absent, Denied, or Refused if it is void."""
    if not reason.strip():
        raise BadInput("Say why the fact was wrong.")
    now = not_before_log(now)
    with audited(actor=actor, action="evidence.void", at=now) as entry:
        row = Evidence.objects.select_related("person").filter(pk=evidence_id).first()
        if row is None or not actor.may(Permission.EVIDENCE_VIEW, row.person.area_path):
            raise Absent("evidence")
        require(actor, Permission.EVIDENCE_VOID, row.person.area_path)
        if row.kind == EvidenceKind.EXEMPTION:
            raise Refused("An exemption answers an appeal and is not taken back: new grounds make a new order.")
        if is_voided(row):
            raise Refused("This fact was taken back before.")
        recorded = insert_and_decide(
            actor=actor, person_id=row.person_id, kind=EvidenceKind.CORRECTION, at=now, value={}, source=CORRECTION,
            now=now, voids=row.pk, identity=f"{row.pk}.{row.voided_by.count()}", disease=row.disease,
            write_id=entry.write_id,
        )  # fmt: skip
        entry.about(
            "evidence",
            row.pk,
            area_path=row.person.area_path,
            detail={
                "reason": seal_reason(reason, write_id=entry.write_id),
                "voided": row.pk,
                **recorded.detail(),
            },
        )
    return recorded


def evidence_void_batch(
    *, actor: Actor, batch_id: int, now: datetime, write_id: str
) -> tuple[dict[str, Any], set[int]]:
    """Take back every fact of a batch, inside the caller's `audited` transaction. Returns the detail for its
    entry and the persons to be decided again. Running it again finds nothing left.
    """
    lock_ledger()
    # what the batch brought in, its own corrections included; not those that took it back before
    rows = Evidence.objects.filter(batch_id=batch_id).exclude(kind=EvidenceKind.CORRECTION.value, source=CORRECTION)
    corrected = {row.pk: row for row in rows.filter(voided_by__isnull=False).distinct()}
    times = {pk: row.voided_by.count() for pk, row in corrected.items()}
    standing = {pk for pk, row in corrected.items() if is_voided(row)}
    fields = ("pk", "person_id", "disease")
    corrections: dict[str, list[NewEvidence]] = {}
    for evidence_id, person_id, disease in rows.order_by("pk").values_list(*fields).iterator(chunk_size=10_000):
        if evidence_id in standing:
            continue
        corrections.setdefault(disease, []).append(
            NewEvidence(
                key=evidence_key(
                    EvidenceKind.CORRECTION.value, CORRECTION, f"{evidence_id}.{times.get(evidence_id, 0)}"
                ),
                person_id=person_id,
                kind=EvidenceKind.CORRECTION,
                at=now,
                value={},
                voids=evidence_id,
            )
        )
    if len(corrections) > 1:
        raise Refused("A batch with facts of several diseases cannot be taken back as one.")
    detail: dict[str, Any] = {"evidence_rows": 0}
    persons: set[int] = set()
    for disease, facts in corrections.items():
        detail = evidence_add(
            actor=actor, source=CORRECTION, batch_id=batch_id, write_id=write_id, recorded_at=now, rows=facts,
            disease=disease,
        )  # fmt: skip
        persons = {fact.person_id for fact in facts}
        persons |= linked_to(persons, disease=disease)
    return detail, persons
