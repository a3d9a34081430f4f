"""Triggers on columns: which evidence triggers which rule for whom, links followed, one winner a person and rule.

Columns of a trigger frame: person_id, rule (position in the book), evidence (list of ids as text), clock (day),
since, known (instants), linked, first (day), linked_negative.
"""

import polars as pl

from qipan.rulebooks.frames import UTC_TIME
from qipan.rulebooks.model import Rulebook

_KEY = "\x00"


def midnight(day: pl.Expr, zone: str) -> pl.Expr:
    """The instant (UTC) at which a local day begins."""
    local = day.cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest")
    return local.dt.convert_time_zone("UTC")


def local_day(instant: pl.Expr, zone: str) -> pl.Expr:
    """The local calendar day of an instant."""
    return instant.dt.convert_time_zone(zone).dt.date()


def direct_triggers(book: Rulebook, rows: pl.DataFrame) -> pl.DataFrame:
    """Every (evidence, rule) that triggers by itself, inside the rule's interval."""
    rules = pl.DataFrame(
        {
            "rule": pl.Series(range(len(book.rules)), dtype=pl.Int16),
            "by_last": [rule.clock == "last" for rule in book.rules],
            "rule_from": [rule.in_force_from for rule in book.rules],
            "rule_until": [rule.in_force_until for rule in book.rules],
        }
    )
    found = (
        rows.filter(pl.col("triggers").list.len() > 0)
        .explode("triggers")
        .rename({"triggers": "rule"})
        .join(rules, on="rule")
        .with_columns(known_day=local_day(pl.col("recorded_at"), book.time_zone))
        .filter(
            (pl.col("known_day") >= pl.col("rule_from"))
            & (pl.col("known_day") < pl.col("rule_until"))
            & (~pl.col("by_last") | pl.col("last").is_not_null())
        )
    )
    by_last = pl.col("by_last")
    clock = pl.when(by_last).then(pl.col("last")).otherwise(pl.col("day"))
    return found.with_columns(clock=clock).select(
        "person_id",
        "rule",
        evidence=pl.col("evidence_id").cast(pl.String),
        clock="clock",
        since=pl.when(by_last).then(midnight(pl.col("clock"), book.time_zone)).otherwise(pl.col("at")),
        known=pl.col("recorded_at"),
        linked=pl.col("linked_person_id"),
        first=pl.coalesce("first", "clock"),
    )


def winners(triggers: pl.DataFrame) -> pl.DataFrame:
    """One trigger a person and rule: the latest clock, then the first learnt, then the least evidence id."""
    return triggers.sort("since", "known", "evidence", descending=[True, False, False]).unique(
        ["person_id", "rule"], keep="first", maintain_order=True
    )


def linked_persons(book: Rulebook, triggers: pl.DataFrame) -> pl.DataFrame:
    """The persons on whose first tests some trigger depends."""
    rules = [n for n, rule in enumerate(book.rules) if rule.linked is not None]
    some = triggers.filter(pl.col("rule").is_in(rules) & pl.col("linked").is_not_null())
    return some.select(person_id="linked").unique()


def follow_links(book: Rulebook, triggers: pl.DataFrame, tests: pl.DataFrame) -> pl.DataFrame:
    """Triggers after looking at the linked persons' first tests: settled, waiting, or upgraded."""
    direct = triggers
    triggers = triggers.with_columns(linked_negative=pl.lit(value=False))
    for index, rule in enumerate(book.rules):
        if rule.linked is None:
            continue
        here = (pl.col("rule") == index) & pl.col("linked").is_not_null()
        mine = triggers.filter(here).with_row_index("n")
        if mine.is_empty():
            continue
        of = winners(direct.filter(pl.col("rule") == book.rule_index[rule.linked.of]))
        start = mine.join(
            of.select(linked="person_id", own_clock="clock"), on="linked", how="left"
        ).select(
            "n", person_id="linked", start=midnight(pl.coalesce("own_clock", "first"), book.time_zone)
        )
        first = (
            start.join(tests.filter(pl.col("result").is_in(["positive", "negative"])), on="person_id")
            .filter(pl.col("at") >= pl.col("start"))
            .with_columns(test_id=pl.col("evidence_id").cast(pl.String))
            .sort("n", "at", "test_id")
            .filter(pl.int_range(pl.len()).over("n") < rule.linked.first_tests)
        )
        negative = first.group_by("n").agg(
            all_negative=(pl.col("result") == "negative").all() & (pl.len() == rule.linked.first_tests)
        )
        positive = (
            first.filter(pl.col("result") == "positive")
            .sort("n", "recorded_at", "test_id")
            .unique("n", keep="first", maintain_order=True)
            .select("n", by="test_id", by_known="recorded_at")
        )
        pair = pl.concat_list("evidence", "by").list.unique().list.sort().list.join(_KEY)
        upgraded = pl.col("by").is_not_null()
        moved = (
            mine.join(negative, on="n", how="left")
            .join(positive, on="n", how="left")
            .with_columns(
                rule=pl.when(upgraded)
                .then(pl.lit(book.rule_index[rule.linked.upgrade_to], dtype=pl.Int16))
                .otherwise(pl.col("rule")),
                evidence=pl.when(upgraded).then(pair).otherwise(pl.col("evidence")),
                known=pl.max_horizontal("known", "by_known"),
                linked_negative=pl.col("all_negative").fill_null(value=False),
            )
            .select(triggers.columns)
        )
        triggers = pl.concat([triggers.filter(~here), moved])
    return triggers


def not_ended(book: Rulebook, winning: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The winners that no evidence has ended."""
    endings = pl.DataFrame(
        {
            "ends": pl.Series(range(len(book.endings)), dtype=pl.Int16),
            "rule": pl.Series([rule for rule, _ in book.endings], dtype=pl.Int16),
            "back": pl.Series([matcher.back_days for _, matcher in book.endings], dtype=pl.Int64),
        }
    )
    ends = (
        rows.filter(pl.col("ends").list.len() > 0)
        .explode("ends")
        .join(endings, on="ends")
        .group_by("person_id", "rule")
        .agg(ended_at=(pl.col("at") + pl.duration(days="back")).max())
    )
    return winning.join(ends, on=["person_id", "rule"], how="left").filter(
        pl.col("ended_at").is_null() | (pl.col("ended_at") < pl.col("since"))
    )


def empty_tests(person_type: pl.DataType) -> pl.DataFrame:
    """A test frame without rows, for books and ledgers that need none."""
    return pl.DataFrame(
        schema={
            "evidence_id": pl.String,
            "person_id": person_type,
            "at": UTC_TIME,
            "recorded_at": UTC_TIME,
            "result": pl.String,
        }
    )
