"""Deciding persons by the books in force where they live: a few one by one, many by the population evaluator."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from qipan.foundation import clock
from qipan.rooms.control.selectors.ledger import ledger_frame, ledger_items_of
from qipan.rooms.diseases.selectors import BooksInForce, tables_in_force
from qipan.rooms.persons.selectors import person_refs
from qipan.rulebooks.decided import decisions_from
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.population import decide_population
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import Tables
from qipan.terms.decisions import Decision
from qipan.terms.evidence import EvidenceItem, HealthCode

#: above this many persons the population evaluator is quicker than deciding one by one
FEW = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """A person to decide, and the book that holds where he lives (None: no book, or the person was purged)."""

    person_id: int
    area_path: str
    book: Rulebook | None


def subjects(person_ids: Collection[int], *, at: datetime, disease: str) -> list[Subject]:
    """The persons with their books on the local day of `at`, by id."""
    books = BooksInForce(disease, clock.local_date(at, clock.civil_zone()))
    refs = person_refs(person_ids)
    found = []
    for person_id in sorted(person_ids):
        ref = refs.get(person_id)
        found.append(Subject(person_id, ref.area_path if ref else "", books.at(ref.area_path) if ref else None))
    return found


def nothing_holds(person_id: int, at: datetime, tables: str) -> Decision:
    """What is decided where no book is in force: nobody is restricted."""
    return Decision(str(person_id), "", tables, at, HealthCode.GREEN, (), (), None)


def evaluate(
    persons: Sequence[Subject],
    *,
    at: datetime,
    disease: str,
    besides: Mapping[int, Sequence[EvidenceItem]] | None = None,
    tables: Tables | None = None,
) -> Iterator[tuple[Subject, Decision]]:
    """Decide persons at a moment; both evaluators give the same answers (tested). `besides`: evidence that is
    not in the ledger yet, by person. `tables`: those in force, where they were read already.
    """
    if not persons:
        return
    tables = tables or tables_in_force(disease)
    extra = besides or {}
    singly = [p for p in persons if p.book is None or len(persons) <= FEW or p.person_id in extra]
    with_book = [person.person_id for person in singly if person.book is not None]
    ledgers = ledger_items_of(with_book, disease=disease)
    for person in singly:
        if person.book is None:
            yield person, nothing_holds(person.person_id, at, tables.revision)
            continue
        items = [*ledgers[person.person_id], *extra.get(person.person_id, ())]
        yield person, decide(person.book, tables, items, str(person.person_id), at)
    done = {person.person_id for person in singly}
    rest = [person for person in persons if person.person_id not in done]
    if not rest:
        return
    frame = ledger_frame([person.person_id for person in rest], disease=disease)
    by_book: dict[str, list[Subject]] = {}
    for person in rest:
        by_book.setdefault(person.book.id if person.book else "", []).append(person)
    for group in by_book.values():
        book = group[0].book
        assert book is not None
        wanted = pl.Series([str(person.person_id) for person in group])
        result = decide_population(book, tables, frame, at, persons=wanted)
        decided = {decision.person_id: decision for decision in decisions_from(result)}
        for person in group:
            found = decided.get(str(person.person_id))
            yield person, found or Decision(
                str(person.person_id), book.id, tables.revision, at, HealthCode.GREEN, (), (), None
            )
