"""Decisions as read: the stored one while it is fresh and sealed, else decided again in memory."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qipan.foundation import clock, crypto
from qipan.foundation.access.scoping import scope
from qipan.rooms.control.models import StoredDecision
from qipan.rooms.control.rules import canonical, decision_json
from qipan.rooms.control.selectors.ledger import ledger_items
from qipan.rooms.diseases.selectors import BooksInForce, tables_in_force
from qipan.rooms.persons.selectors import person_refs
from qipan.rulebooks.single import decide
from qipan.terms.errors import Absent
from qipan.terms.evidence import HealthCode
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class CurrentDecision:
    """A decision as it stands at a moment: code, orders and reasons as JSON, and whether it came from the
    cache.
    """

    person_id: int
    rulebook: str
    tables: str
    moment: datetime
    content: dict[str, Any]
    next_change_at: datetime | None
    stored: bool

    @property
    def code(self) -> HealthCode:
        return HealthCode(self.content["code"])


def seal_payload(
    *, person_id: int, disease: str, rulebook: str, tables: str, moment: datetime, content: Any,
    next_change_at: datetime | None,
) -> bytes:  # fmt: skip
    """Everything that a stored decision says, as the bytes under its seal."""
    return canonical(
        {
            "person": person_id,
            "disease": disease,
            "rulebook": rulebook,
            "tables": tables,
            "moment": moment,
            "content": content,
            "next_change_at": next_change_at,
        }
    )


def is_sealed(row: StoredDecision) -> bool:
    """Whether the stored row is what the rulebook's evaluator wrote, byte for byte."""
    payload = seal_payload(
        person_id=row.person_id,
        disease=row.disease,
        rulebook=row.rulebook,
        tables=row.tables,
        moment=row.moment,
        content=row.content,
        next_change_at=row.next_change_at,
    )
    return bytes(row.seal) == crypto.digest("decision", payload, size=32)


def current_decision(person_id: int, *, area_path: str, at: datetime, disease: str = "covid19") -> CurrentDecision:
    """The decision about a person at a moment; not scoped (machinery and `decision_of`).

    A stored decision counts only if it is sealed, not stale, of the book and tables in force at `at`, and
    `at` lies before its next change. Where no book is in force, nobody is restricted.
    """
    book = BooksInForce(disease, clock.local_date(at, clock.civil_zone())).at(area_path)
    if book is None:
        content = {"code": HealthCode.GREEN.value, "orders": [], "reasons": []}
        return CurrentDecision(person_id, "", "", at, content, None, stored=False)
    tables = tables_in_force(disease)
    row = StoredDecision.objects.filter(person_id=person_id, disease=disease).first()
    if (
        row is not None
        and not row.stale
        and row.rulebook == book.id
        and row.tables == tables.revision
        and row.moment <= at
        and (row.next_change_at is None or at < row.next_change_at)
        and is_sealed(row)
    ):
        return CurrentDecision(
            person_id, row.rulebook, row.tables, row.moment, row.content, row.next_change_at, stored=True
        )
    decision = decide(book, tables, ledger_items(person_id, disease=disease), str(person_id), at)
    return CurrentDecision(
        person_id, book.id, tables.revision, at, decision_json(decision), decision.next_change_at, stored=False
    )


def decision_of(actor: Actor, person_id: int, *, at: datetime, disease: str = "covid19") -> CurrentDecision:
    """The decision about a person whom the actor may see. Raises Absent."""
    ref = person_refs([person_id]).get(person_id)
    if ref is None or not actor.may(Permission.DECISION_VIEW, ref.area_path):
        raise Absent("person")
    return current_decision(person_id, area_path=ref.area_path, at=at, disease=disease)


def codes_count(actor: Actor, *, at: datetime, persons: int, disease: str = "covid19") -> dict[str, int]:
    """People by colour at a moment; who has no stored decision, or a green one, counts as green.

    `persons`: how many people there are where the actor may see figures. Stored decisions that are stale,
    due or unsealed are decided again for the count.
    """
    counts: Counter[str] = Counter()
    rows = scope(StoredDecision.objects.filter(disease=disease), actor, Permission.DECISION_VIEW, "person__area_path")
    for row in rows.select_related("person").iterator(chunk_size=2_000):
        fresh = not row.stale and (row.next_change_at is None or at < row.next_change_at) and row.moment <= at
        if fresh and is_sealed(row):
            counts[row.content["code"]] += 1
        else:
            again = current_decision(row.person_id, area_path=row.person.area_path, at=at, disease=disease)
            counts[again.code.value] += 1
    counts[HealthCode.GREEN.value] += persons - sum(counts.values())
    return {code.value: counts[code.value] for code in HealthCode}
