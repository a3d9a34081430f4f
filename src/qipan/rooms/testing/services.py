"""Writing results. One result goes to the ledger and is decided at once; files come by intake."""

from datetime import datetime

from django.db import IntegrityError, transaction

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.control.services import Recorded, evidence_key, evidence_record, evidence_void
from qipan.rooms.persons.selectors import person_refs
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.rules import evidence_value
from qipan.rooms.testing.selectors import access_result
from qipan.terms.errors import Absent, BadInput, Conflict
from qipan.terms.evidence import EvidenceKind, TestOutcome
from qipan.terms.roles import Actor, Permission


def result_record(
    *,
    actor: Actor,
    person_id: int,
    source: str,
    specimen_id: str,
    sampled_at: datetime,
    resulted_at: datetime,
    method: str,
    result: TestOutcome,
    at: datetime,
    ct: float | None = None,
    pool_id: str = "",
    site: str = "",
    laboratory: str = "",
    disease: str = "covid19",
) -> tuple[TestResult, Recorded]:
    """Record one specimen's result: the row, its evidence and the decision that follows, in one transaction.

    A positive pool is indeterminate for the person (`rules.for_person`). Raises Absent (no such person),
    Denied, BadInput (times that cannot be), Conflict (this source has reported the specimen already).
    """
    if not specimen_id.strip() or not method.strip():
        raise BadInput("A result names its specimen and its method.")
    if not sampled_at <= resulted_at <= at:
        raise BadInput("A specimen is sampled first, then resulted, then recorded.")
    with audited(actor=actor, action="test.record", at=at) as entry:
        ref = person_refs([person_id]).get(person_id)
        if ref is None:
            raise Absent("person")
        require(actor, Permission.TEST_RECORD, ref.area_path)
        taken = TestResult.objects.filter(source=source, specimen_id=specimen_id, voided_at=None)
        if taken.exists():
            raise Conflict("This specimen's result was recorded before.")
        # as unique as the log entry: a specimen that was voided may be recorded again
        identity = f"{specimen_id}\n{entry.write_id}"
        try:
            with transaction.atomic():
                row = TestResult.objects.create(
                    source=source,
                    specimen_id=specimen_id,
                    person_id=person_id,
                    pool_id=pool_id,
                    site=site,
                    laboratory=laboratory,
                    method=method,
                    sampled_at=sampled_at,
                    resulted_at=resulted_at,
                    result=result.value,
                    ct=ct,
                    recorded_at=at,
                    evidence_key=evidence_key(EvidenceKind.TEST.value, source, identity),
                )
        except IntegrityError:
            raise Conflict("This specimen's result was recorded before.") from None
        recorded = evidence_record(
            actor=actor,
            person_id=person_id,
            kind=EvidenceKind.TEST,
            at=sampled_at,
            value=evidence_value(result=result, method=method, ct=ct, pool_id=pool_id),
            source=source,
            now=at,
            identity=identity,
            disease=disease,
        )
        entry.about("test", row.pk, area_path=ref.area_path, detail={"evidence": recorded.evidence_id})
    return row, recorded


def result_void(*, actor: Actor, result_id: int, reason: str, at: datetime) -> None:
    """Take one result back that was wrong (another person's tube, a laboratory's recall): the row and its fact in the
    ledger, and decide again. The log keeps the reason sealed. Raises Absent, Denied, BadInput (no reason), Conflict
    (somebody else has just taken it back).
    """
    if not reason.strip():
        raise BadInput("Say why the result was wrong.")
    with audited(actor=actor, action="test.void", at=at) as entry:
        row = access_result(actor, result_id)
        path = row.person.area_path
        require(actor, Permission.EVIDENCE_VOID, path)
        if not TestResult.objects.filter(pk=row.pk, voided_at=None).update(voided_at=at):
            raise Conflict("Somebody else has just taken this result back.")
        facts = list_evidence(actor, row.person_id).filter(key=bytes(row.evidence_key), voided_by=None)
        voided = [
            evidence_void(actor=actor, evidence_id=evidence_id, reason=reason, now=at).evidence_id
            for evidence_id in facts.values_list("pk", flat=True)
        ]
        sealed = seal_reason(reason[:300], write_id=entry.write_id)
        entry.about("test", row.pk, area_path=path, detail={"reason": sealed, "corrections": voided})
