"""Results as laboratories sent them. Fetching is authorising: what an actor may not see looks absent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.clock import civil_zone, local_date
from qipan.foundation.pages.words import word
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.testing.models import TestResult
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind, TestOutcome
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission


def access_result(actor: Actor, result_id: int) -> TestResult:
    """One result that was not voided. Raises Absent."""
    results = scope(
        TestResult.objects.filter(voided_at=None), actor, Permission.TEST_VIEW, "person__area_path"
    )
    found = results.filter(pk=result_id).first()
    if found is None:
        raise Absent("test")
    return found


def list_results(
    actor: Actor,
    *,
    below: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[TestResult]:
    """Results of people who live where the actor may see results, newest first: at or below an area path,
    resulted from `since` to before `until`. One person's tests are in the ledger (control's `list_evidence`).
    """
    results = scope(
        TestResult.objects.filter(voided_at=None), actor, Permission.TEST_VIEW, "person__area_path"
    )
    if below is not None:
        results = results.filter(within(below, "person__area_path"))
    if since is not None:
        results = results.filter(resulted_at__gte=since)
    if until is not None:
        results = results.filter(resulted_at__lt=until)
    return results.order_by("-resulted_at", "-pk")


def list_pool(actor: Actor, *, source: str, pool_id: str) -> QuerySet[TestResult]:
    """The results of everybody in one tube whom the actor may see, for the recall of a positive pool."""
    return list_results(actor).filter(source=source, pool_id=pool_id)


def specimens_recorded_singly(source: str, specimen_ids: Sequence[str]) -> list[str]:
    """Which of these specimens of a source were recorded one by one, not by a file (those intake knows by
    itself). One query, two where the source records singly at all. Not scoped.
    """
    singly = TestResult.objects.filter(source=source, batch_id=None, voided_at=None)
    if not singly.exists():
        return []
    return list(singly.filter(specimen_id__in=specimen_ids).values_list("specimen_id", flat=True))


def facts_of_person(actor: Actor, person_id: int) -> QuerySet[Any]:
    """The facts of one person's results that stand, the newest sample first, as far as the actor may see evidence."""
    facts = list_evidence(actor, person_id).filter(kind=EvidenceKind.TEST.value, voided_by=None)
    return facts.order_by("-at", "-pk")


def held_tests(person_id: int) -> list[str]:
    """A line for each of a person's results, for the person's own page. Not scoped; one query."""
    return [
        f"{local_date(fact.at, civil_zone())} · {word(TestOutcome, fact.value.get('result'))}"
        for fact in facts_of_person(SYSTEM_ACTOR, person_id)
    ]
