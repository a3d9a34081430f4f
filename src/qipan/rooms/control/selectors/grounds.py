"""Why: a decision's reasons and an order's grounds as words, with the facts that the reader may see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from qipan.foundation.access.scoping import scope
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.foundation.audit.selectors import entries_about
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors.ledger import list_evidence
from qipan.rooms.diseases.selectors import published_book
from qipan.rulebooks.ledger import voided_keys
from qipan.rulebooks.model import EXEMPTION, Words
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason: the rule in both languages, the authority and source behind it, the facts it used.

    `hidden`: how many of the facts the reader may not see (another person's, or another area's).
    """

    rule: str
    words: Words | None
    authority: str
    source: str
    evidence: Sequence[Evidence] = ()
    hidden: int = 0


#: rule, authority, evidence ids as the evaluators name them
Reason = tuple[str, str, Sequence[str]]


def _grounds(rulebook: str, reasons: Iterable[Reason], visible: QuerySet[Evidence]) -> list[Ground]:
    reasons = list(reasons)
    book = published_book(rulebook) if rulebook else None
    # an exemption that an unanswered appeal gives before it is written down has no row yet
    ids = {int(each) for _, _, evidence in reasons for each in evidence if each.isdigit()}
    rows = {row.pk: row for row in visible.filter(pk__in=ids)} if ids else {}
    grounds = []
    for rule, authority, evidence in reasons:
        words, source = None, ""
        if book is not None and rule == EXEMPTION and book.exemption is not None:
            words, source = book.exemption.words, book.exemption.source
        elif book is not None and rule in book.rule_index:
            words, source = book.rule(rule).words, book.rule(rule).source
        shown = [rows[int(each)] for each in evidence if each.isdigit() and int(each) in rows]
        grounds.append(Ground(rule, words, authority, source, shown, len(evidence) - len(shown)))
    return grounds


def grounds_for(actor: Actor, rulebook: str, reasons: Iterable[Reason]) -> list[Ground]:
    """The reasons as this actor may read them. Two queries."""
    visible = scope(Evidence.objects.all(), actor, Permission.EVIDENCE_VIEW, "person__area_path")
    return _grounds(rulebook, reasons, visible)


def grounds_for_person(person_id: int, rulebook: str, reasons: Iterable[Reason]) -> list[Ground]:
    """The reasons as the person himself may read them: facts about others are counted, not shown."""
    return _grounds(rulebook, reasons, Evidence.objects.filter(person_id=person_id))


@dataclass(frozen=True, slots=True)
class Line:
    """One fact of a person's ledger; `void`: the correction that stands against it; `why`: in whose words."""

    evidence: Evidence
    void: Evidence | None = None
    why: str = ""
    #: the batch that was taken back as a whole
    void_batch: int | None = None


@dataclass(slots=True)
class _Voids:
    by: dict[int, Evidence] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)


def _voids(rows: Sequence[Evidence]) -> _Voids:
    """Which of these facts are taken back, by which correction, why. One query for the reasons."""
    found = _Voids()
    corrections = {row.pk: row for row in rows if row.voids_id is not None}
    gone = voided_keys((row.pk, row.voids_id) for row in corrections.values() if row.voids_id is not None)
    for row in corrections.values():
        if row.pk not in gone and row.voids_id in gone:
            found.by[row.voids_id] = row
    if found.by:
        for entry in entries_about("evidence", found.by, most=2 * len(found.by)):
            if entry.action == "evidence.void":
                found.why.setdefault(int(entry.subject_id), _reason(entry))
    return found


def _reason(entry: AuditEntry) -> str:
    detail: Mapping[str, str] = entry.detail
    return open_reason(detail["reason"], write_id=entry.write_id) if "reason" in detail else ""


def ledger_of(actor: Actor, person_id: int) -> list[Line]:
    """A person's whole ledger as the actor may see it, the newest fact first; nothing without EVIDENCE_VIEW."""
    rows = list(list_evidence(actor, person_id))
    voids = _voids(rows)
    lines = []
    for row in reversed(rows):
        void = voids.by.get(row.pk)
        batch = void.batch_id if void is not None else None
        lines.append(Line(row, void, voids.why.get(row.pk, ""), batch))
    return lines


def ledger_line(actor: Actor, row: Evidence) -> Line:
    """One fact with what stands against it."""
    for line in ledger_of(actor, row.person_id):
        if line.evidence.pk == row.pk:
            return line
    return Line(row)
