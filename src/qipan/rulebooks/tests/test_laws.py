"""The laws of deciding, on random ledgers: two evaluators agree, order is nothing, voided is never had, all lapses."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qipan.rulebooks.frames import evidence_frame
from qipan.rulebooks.jsonform import orders_from_json, orders_to_json, reasons_from_json, reasons_to_json
from qipan.rulebooks.ledger import effective, not_yet_count
from qipan.rulebooks.loader import load_book, shipped_books
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.partition import merge, partition
from qipan.rulebooks.population import PopulationResult, decide_population
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import EMPTY_TABLES, RiskRow, Tables
from qipan.rulebooks.tests.ledgers import ledgers, linked_ledgers, moments
from qipan.terms.decisions import Decision
from qipan.terms.evidence import EvidenceItem, EvidenceKind

TABLES = Tables(
    revision="r7",
    origin_risk=(RiskRow("410100", "high", date(2022, 7, 5), date(2022, 7, 12), "cdc", "list 7"),),
    risk_areas=(
        RiskRow("410105", "medium", date(2022, 7, 1), None, "cdc", "list 7"),
        RiskRow("110000", "low", date(2022, 7, 1), None, "cdc", "list 7"),
    ),
)
books = st.sampled_from([load_book(book_id) for book_id in shipped_books()])
tables_of = st.sampled_from([EMPTY_TABLES, TABLES])


def said(decision: Decision) -> tuple[object, ...]:
    return decision.code, decision.orders, decision.reasons


def rows_of(result: PopulationResult) -> dict[str, tuple[object, ...]]:
    return {row[0]: row[1:] for row in result.decisions.iter_rows()}


def singles(
    book: Rulebook, tables: Tables, ledger: Sequence[EvidenceItem], moment: datetime
) -> dict[str, tuple[object, ...]]:
    found = {}
    for person in {item.person_id for item in ledger}:
        one = decide(book, tables, ledger, person, moment)
        found[person] = (
            one.code.value, orders_to_json(one.orders), reasons_to_json(one.reasons), one.next_change_at,
        )  # fmt: skip
    return found


@given(book=books, tables=tables_of, ledger=st.one_of(ledgers(), linked_ledgers()), moment=moments)
@settings(max_examples=250, deadline=None)
def test_the_evaluators_agree(book: Rulebook, tables: Tables, ledger: list[EvidenceItem], moment: datetime) -> None:
    result = decide_population(book, tables, evidence_frame(ledger), moment)
    assert rows_of(result) == singles(book, tables, ledger, moment)
    assert result.not_yet == not_yet_count(ledger, moment)


@given(ledger=linked_ledgers(), moment=moments)
@settings(max_examples=250, deadline=None)
def test_the_evaluators_agree_on_the_dependent_rule(ledger: list[EvidenceItem], moment: datetime) -> None:
    book = load_book("covid19-cn-9")
    result = decide_population(book, TABLES, evidence_frame(ledger), moment)
    assert rows_of(result) == singles(book, TABLES, ledger, moment)


@given(book=books, ledger=ledgers(), moment=moments, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_order_of_arrival_does_not_matter(
    book: Rulebook, ledger: list[EvidenceItem], moment: datetime, seed: int
) -> None:
    shuffled = list(ledger)
    random.Random(seed).shuffle(shuffled)
    assert singles(book, TABLES, shuffled, moment) == singles(book, TABLES, ledger, moment)
    frames = [decide_population(book, TABLES, evidence_frame(rows), moment) for rows in (ledger, shuffled)]
    assert frames[0].decisions.equals(frames[1].decisions)


@given(book=books, ledger=ledgers(), moment=moments)
@settings(max_examples=100, deadline=None)
def test_voided_counts_as_never_had(book: Rulebook, ledger: list[EvidenceItem], moment: datetime) -> None:
    """Without what is voided, not known yet, and without the corrections themselves, nothing changes."""
    kept = [item for item in effective(ledger, moment) if item.kind is not EvidenceKind.CORRECTION]
    for person in {item.person_id for item in ledger}:
        assert said(decide(book, TABLES, ledger, person, moment)) == said(decide(book, TABLES, kept, person, moment))


@given(book=books, ledger=ledgers(), moment=moments)
@settings(max_examples=100, deadline=None)
def test_nothing_changes_before_next_change(book: Rulebook, ledger: list[EvidenceItem], moment: datetime) -> None:
    known = [item for item in ledger if item.at <= moment and item.recorded_at <= moment]
    for person in {item.person_id for item in known}:
        now = decide(book, TABLES, known, person, moment)
        end = now.next_change_at or moment + timedelta(days=200)
        assert end > moment
        for instant in (moment + (end - moment) / 2, end - timedelta(microseconds=1)):
            later = decide(book, TABLES, known, person, instant)
            assert said(later) == said(now)
            assert later.next_change_at == now.next_change_at


@given(book=books, ledger=ledgers(), moment=moments)
@settings(max_examples=60, deadline=None)
def test_every_order_lapses_and_none_comes_back(book: Rulebook, ledger: list[EvidenceItem], moment: datetime) -> None:
    known = [item for item in ledger if item.at <= moment and item.recorded_at <= moment]
    for person in {item.person_id for item in known}:
        at: datetime | None = moment
        seen: set[tuple[str, str]] | None = None
        for _ in range(40):
            if at is None:
                break
            one = decide(book, TABLES, known, person, at)
            now = {(order.rule, order.kind) for order in one.orders}
            assert seen is None or now <= seen
            seen, at = now, one.next_change_at
        assert at is None
        assert seen == set()


@given(book=books, ledger=ledgers(), moment=moments)
@settings(max_examples=100, deadline=None)
def test_orders_keep_their_limits(book: Rulebook, ledger: list[EvidenceItem], moment: datetime) -> None:
    today = book.day_of(moment)
    for person in {item.person_id for item in ledger}:
        one = decide(book, TABLES, ledger, person, moment)
        ids = {item.evidence_id for item in effective(ledger, moment)}
        for order in one.orders:
            assert order.starts <= order.until <= order.latest
            assert order.ends >= today
            assert all(order.starts <= day <= order.until for day in order.test_days)
            assert order.authority
            assert order.evidence
            assert set(order.evidence) <= ids
        assert orders_from_json(orders_to_json(one.orders)) == one.orders
        assert reasons_from_json(reasons_to_json(one.reasons)) == one.reasons
        assert {reason.rule for reason in one.reasons} >= {order.rule for order in one.orders}


@given(book=books, ledger=linked_ledgers(), moment=moments, parts=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_parts_merge_to_the_whole(
    book: Rulebook, ledger: list[EvidenceItem], moment: datetime, parts: int
) -> None:
    frame = evidence_frame(ledger)
    whole = decide_population(book, TABLES, frame, moment)
    merged = merge(
        [decide_population(book, TABLES, part.frame, moment, part.persons) for part in partition(frame, parts)]
    )
    assert merged.decisions.equals(whole.decisions)
    assert merged.not_yet == whole.not_yet


@given(book=books, ledger=ledgers(), moment=moments)
@settings(max_examples=30, deadline=None)
def test_ids_may_be_integers(book: Rulebook, ledger: list[EvidenceItem], moment: datetime) -> None:
    number = {person: str(n) for n, person in enumerate(sorted({i.person_id for i in ledger}), start=10)}
    ledger = [
        replace(
            item,
            person_id=number[item.person_id],
            linked_person_id=number.get(item.linked_person_id or ""),
        )
        for item in ledger
    ]
    frame = evidence_frame(ledger)
    ids = ["evidence_id", "person_id", "linked_person_id", "voids"]
    as_numbers = frame.with_columns(pl.col(ids).cast(pl.Int64))
    text = decide_population(book, TABLES, frame, moment).decisions
    numbers = decide_population(book, TABLES, as_numbers, moment).decisions
    assert numbers.with_columns(pl.col("person_id").cast(pl.String)).equals(text)


@pytest.mark.parametrize("book_id", shipped_books())
def test_examples_come_out_of_both_evaluators(book_id: str) -> None:
    book = load_book(book_id)
    for example in book.examples:
        result = decide_population(book, EMPTY_TABLES, evidence_frame(example.evidence), example.at)
        row = rows_of(result)[example.person]
        assert row[0] == example.code
        assert row == singles(book, EMPTY_TABLES, example.evidence, example.at)[example.person]
