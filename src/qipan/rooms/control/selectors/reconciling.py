"""Does the ledger agree with the log, and is every decision and order the machinery's own? (U8)"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reconcile import Reconciled, reconcile
from qipan.rooms.control.models import StoredDecision
from qipan.rooms.control.selectors.decisions import is_sealed
from qipan.rooms.control.selectors.ledger import evidence_hashes
from qipan.rooms.control.selectors.orders import forged_orders


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found: evidence that the log does not know, and rows that the rulebook did not write."""

    evidence: Reconciled
    orders: tuple[int, ...]
    decisions: tuple[int, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing was found."""
        return self.evidence.agrees and not self.orders and not self.decisions


def _counts() -> Iterator[tuple[str, int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT write_id, COUNT(*) FROM control_evidence GROUP BY write_id")
        for write_id, count in cursor.fetchall():
            yield write_id, count, ""


def forged_decisions() -> list[int]:
    """Persons whose stored decision the evaluators did not write."""
    rows = StoredDecision.objects.order_by("pk").iterator(chunk_size=2_000)
    return [row.person_id for row in rows if not is_sealed(row)]


def reconcile_ledger(*, since: datetime | None = None) -> Reconciliation:
    """Compare ledger and log. Counts are compared for every entry; contents for the entries since an
    instant, or for all of them without one. Machinery: not scoped.
    """
    found = reconcile(_counts(), rows_key="evidence_rows", hash_key="evidence_hash")
    recent = None
    if since is not None:
        recent = list(AuditEntry.objects.filter(at__gte=since).values_list("write_id", flat=True))
    contents = reconcile(evidence_hashes(recent), rows_key="evidence_rows", hash_key="evidence_hash")
    found.content_differs = contents.content_differs
    return Reconciliation(found, tuple(forged_orders()), tuple(forged_decisions()))
