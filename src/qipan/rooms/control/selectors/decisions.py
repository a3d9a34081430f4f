"""Decisions as read: the stored one while it is fresh and sealed, else decided again in memory."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qipan.foundation import clock, crypto
from qipan.foundation.access.scoping import scope
from qipan.rooms.control.models import Appeal, CompletePass, StoredDecision
from qipan.rooms.control.rules import canonical, decision_json, exemption_value
from qipan.rooms.control.selectors.deciding import Subject, evaluate, subjects
from qipan.rooms.control.selectors.ledger import ledger_versions, persons_with_grounds
from qipan.rooms.diseases.selectors import BooksInForce, tables_in_force
from qipan.rooms.persons.selectors import person_refs
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceItem, EvidenceKind, HealthCode
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
    next_change_at: datetime | None, ledger: str,
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
            "ledger": ledger,
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
        ledger=row.ledger,
    )
    return bytes(row.seal) == crypto.digest("decision", payload, size=32)


def overdue_exemptions(person_ids: Collection[int], *, at: datetime, disease: str) -> dict[int, list[EvidenceItem]]:
    """The exemptions that appeals past their clock give, before anybody has written them down (R9)."""
    found: dict[int, list[EvidenceItem]] = {}
    late = Appeal.objects.filter(state=Appeal.State.OPEN, due_at__lte=at, order__disease=disease)
    for appeal in late.select_related("order"):
        if appeal.person_id in person_ids:
            item = EvidenceItem(
                evidence_id=f"appeal-{appeal.pk}",
                person_id=str(appeal.person_id),
                kind=EvidenceKind.EXEMPTION,
                at=appeal.due_at,
                recorded_at=appeal.due_at,
                value=exemption_value(order_kind=appeal.order.kind, until=appeal.order.latest),
            )
            found.setdefault(appeal.person_id, []).append(item)
    return found


def current_decisions(
    person_ids: Collection[int], *, at: datetime, disease: str = "covid19"
) -> dict[int, CurrentDecision]:
    """The decisions about persons at a moment; not scoped. A constant number of queries for many persons.

    A stored decision counts only if it is sealed, has seen all the evidence there is, is of the book and
    tables in force at `at`, `at` lies before its next change, and no appeal is overdue. Everybody else is
    decided again in memory. Where no book is in force, nobody is restricted.
    """
    wanted = set(person_ids)
    in_force = tables_in_force(disease)
    tables = in_force.revision
    persons = subjects(wanted, at=at, disease=disease)
    rows = {row.person_id: row for row in StoredDecision.objects.filter(person_id__in=wanted, disease=disease)}
    versions = ledger_versions(list(rows), disease=disease)
    late = overdue_exemptions(wanted, at=at, disease=disease)
    found: dict[int, CurrentDecision] = {}
    again: list[Subject] = []
    for person in persons:
        row = rows.get(person.person_id)
        fresh = (
            row is not None
            and person.book is not None
            and person.person_id not in late
            and not row.stale
            and (row.rulebook, row.tables) == (person.book.id, tables)
            and row.moment <= at
            and (row.next_change_at is None or at < row.next_change_at)
            and row.ledger == versions[person.person_id]
            and is_sealed(row)
        )
        if row is None or not fresh:
            again.append(person)
            continue
        found[person.person_id] = CurrentDecision(
            person.person_id, row.rulebook, row.tables, row.moment, row.content, row.next_change_at, stored=True
        )
    for person, decision in evaluate(again, at=at, disease=disease, besides=late, tables=in_force):
        found[person.person_id] = CurrentDecision(
            person.person_id, decision.rulebook, tables, at, decision_json(decision), decision.next_change_at,
            stored=False,
        )  # fmt: skip
    return found


def decision_of(actor: Actor, person_id: int, *, at: datetime, disease: str = "covid19") -> CurrentDecision:
    """The decision about a person whom the actor may see. Raises Absent."""
    ref = person_refs([person_id]).get(person_id)
    if ref is None or not actor.may(Permission.DECISION_VIEW, ref.area_path):
        raise Absent("person")
    return current_decisions([person_id], at=at, disease=disease)[person_id]


def codes_count(actor: Actor, *, at: datetime, persons: int, disease: str = "covid19") -> dict[str, int]:
    """People by colour at a moment; whoever has no grounds for anything else counts as green.

    `persons`: how many people there are where the actor may see figures.
    """
    rows = scope(StoredDecision.objects.filter(disease=disease), actor, Permission.DECISION_VIEW, "person__area_path")
    wanted = set(rows.values_list("person_id", flat=True))
    day = clock.local_date(at, clock.civil_zone())
    rules = {"books": sorted(BooksInForce(disease, day).ids()), "tables": tables_in_force(disease).revision}
    if not CompletePass.objects.filter(disease=disease, **rules).exists():
        # other rules than at the last pass: a green decision, which is not stored, may be another one now
        refs = person_refs(persons_with_grounds(disease))
        wanted |= {i for i, ref in refs.items() if actor.may(Permission.DECISION_VIEW, ref.area_path)}
    counts = Counter(decision.code.value for decision in current_decisions(wanted, at=at, disease=disease).values())
    counts[HealthCode.GREEN.value] += persons - sum(counts.values())
    return {code.value: counts[code.value] for code in HealthCode}
