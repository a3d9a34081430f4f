"""What a file of evidence means (INTERFACES, table `evidence`): facts from systems that already keep them."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from django.utils.translation import gettext_noop as _

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.services import (
    NewEvidence,
    batch_void_evidence,
    decisions_refresh,
    evidence_add,
    evidence_key,
)
from qipan.rooms.persons.selectors import PersonRef, resolve_persons
from qipan.terms.errors import BadInput
from qipan.terms.evidence import EvidenceKind
from qipan.terms.evidence_values import check_evidence_value
from qipan.terms.roles import SYSTEM_ACTOR, Permission

COLUMNS = (
    Column("evidence_id", exact=True, max_length=80, aliases=("依据编号",)),
    Column("person_id", ColumnType.PERSON, exact=True, aliases=("人员编号",)),
    Column("linked_person_id", ColumnType.PERSON, required=False, exact=True, aliases=("关联人员编号",)),
    Column("kind", ColumnType.CHOICE, choices=tuple(kind.value for kind in EvidenceKind), aliases=("依据类型",)),
    Column("at", ColumnType.INSTANT, aliases=("发生时间",)),
    Column("recorded_at", ColumnType.INSTANT, required=False, aliases=("获知时间",)),
    Column("value", ColumnType.JSON, max_length=4_000, aliases=("内容",)),
    Column("voids", required=False, exact=True, max_length=80, aliases=("作废编号",)),
)


def _identity(source: str, kind: str, evidence_id: str) -> bytes:
    return evidence_key(kind, source, evidence_id)


def _voided(ctx: IntakeContext, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Evidence id of the file -> the fact that it names, of whatever kind, and its person."""
    by_key = {
        _identity(ctx.source, kind.value, evidence_id): evidence_id for evidence_id in wanted for kind in EvidenceKind
    }
    found: dict[str, tuple[int, int]] = {}
    keys = list(by_key)
    for start in range(0, len(keys), 500):
        rows = Evidence.objects.filter(key__in=keys[start : start + 500]).values_list("key", "pk", "person_id")
        found.update({by_key[bytes(key)]: (pk, person_id) for key, pk, person_id in rows})
    return found


def _row_reject(
    ctx: IntakeContext, row: Mapping[str, Any], persons: Mapping[str, PersonRef], voided: Mapping[str, tuple[int, int]]
) -> Reject | None:
    number = row["_row"]
    person = persons.get(row["person_id"])
    kind = EvidenceKind(row["kind"])
    wanted = Permission.EVIDENCE_VOID if kind is EvidenceKind.CORRECTION else Permission.EVIDENCE_RECORD
    # a person elsewhere looks as absent as one who does not exist
    if person is None or not ctx.actor.may(wanted, person.area_path):
        return Reject(number, "person_id", _("There is no such person, or not one for whom you may record."))
    if kind is EvidenceKind.EXEMPTION:
        return Reject(number, "kind", _("An exemption is the answer to an appeal: open one."))
    linked = row.get("linked_person_id")
    if linked is not None and linked not in persons:
        return Reject(number, "linked_person_id", _("There is no such person, or not one for whom you may record."))
    if linked is not None and persons[linked].id == person.id:
        return Reject(number, "linked_person_id", _("Nobody is linked to himself."))
    recorded = row.get("recorded_at") or ctx.at
    if recorded < row["at"]:
        return Reject(number, "recorded_at", _("It was learnt before it was so."))
    if (kind is EvidenceKind.CORRECTION) != (row.get("voids") is not None):
        return Reject(number, "voids", _("A correction, and only a correction, names the evidence it takes back."))
    if row.get("voids") is not None and voided.get(row["voids"], (0, 0))[1] != person.id:
        unknown = _("There is no evidence %(id)s of this person and source yet.")
        return Reject(number, "voids", unknown, {"id": row["voids"]})
    try:
        check_evidence_value(kind, json.loads(row["value"]), row["at"], zone=ctx.time_zone)
    except BadInput as error:
        return Reject(number, "value", error.message, dict(error.params))
    return None


def check(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Resolve persons and voided facts; check values, permissions and times, row by row."""
    for name in ("linked_person_id", "recorded_at", "voids"):
        if name not in frame.columns:
            dtype = pl.Datetime("us", "UTC") if name == "recorded_at" else pl.String
            frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name))
    references = {*frame["person_id"].drop_nulls(), *frame["linked_person_id"].drop_nulls()}
    persons = resolve_persons(sorted(references), source=ctx.source)
    voided = _voided(ctx, set(frame["voids"].drop_nulls()))
    rejects = [
        reject for row in frame.iter_rows(named=True) if (reject := _row_reject(ctx, row, persons, voided)) is not None
    ]
    good = frame.filter(~pl.col("_row").is_in([reject.row for reject in rejects]))
    ids = {reference: person.id for reference, person in persons.items()}
    facts = {evidence_id: fact for evidence_id, (fact, _person) in voided.items()}
    return good.with_columns(
        pl.col("person_id").replace_strict(ids, default=None, return_dtype=pl.Int64).alias("_person_id"),
        pl.col("linked_person_id").replace_strict(ids, default=None, return_dtype=pl.Int64).alias("_linked_id"),
        pl.col("voids").replace_strict(facts, default=None, return_dtype=pl.Int64).alias("_voids"),
    ), rejects


def commit(ctx: IntakeContext, frame: pl.DataFrame) -> Mapping[str, Any]:
    """Write the chunk's facts to the ledger."""
    rows = [
        NewEvidence(
            key=_identity(ctx.source, row["kind"], row["evidence_id"]),
            person_id=row["_person_id"],
            linked_person_id=row["_linked_id"],
            kind=EvidenceKind(row["kind"]),
            at=row["at"],
            value=json.loads(row["value"]),
            voids=row["_voids"],
            recorded_at=row["recorded_at"],
        )
        for row in frame.iter_rows(named=True)
    ]
    return evidence_add(
        actor=ctx.actor, source=ctx.source, batch_id=ctx.batch_id, write_id=ctx.write_id, recorded_at=ctx.at, rows=rows
    )


def persons_of_batch(batch_id: int) -> list[int]:
    """The persons whom a batch said something about."""
    return list(
        Evidence.objects.filter(batch_id=batch_id).values_list("person_id", flat=True).distinct().order_by("person_id")
    )


def finish(ctx: IntakeContext, batch_id: int) -> Mapping[str, Any]:
    """Decide the persons of the batch."""
    refreshed = decisions_refresh(actor=SYSTEM_ACTOR, at=ctx.at, person_ids=persons_of_batch(batch_id))
    return refreshed.detail()


def void(ctx: IntakeContext, batch_id: int) -> Mapping[str, int]:
    """Take the batch's facts back by corrections, and decide again."""
    return batch_void_evidence(actor=ctx.actor, batch_id=batch_id, at=ctx.at)


EVIDENCE = FileKind(
    name="evidence",
    title=_("evidence"),
    columns=COLUMNS,
    id_columns=("evidence_id",),
    permission=Permission.EVIDENCE_RECORD,
    void_permission=Permission.EVIDENCE_VOID,
    check=check,
    commit=commit,
    void=void,
    finish=finish,
)
