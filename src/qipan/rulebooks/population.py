"""The evaluator for a population: the semantics of `single.decide` on Polars columns."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from qipan.rulebooks.calendar_frame import lay_orders
from qipan.rulebooks.frames import UTC_TIME, candidate, known_at, normalised, voided, with_digest
from qipan.rulebooks.jsonform import reasons_to_json
from qipan.rulebooks.model import CODE_RANK, EXEMPTION, Rulebook
from qipan.rulebooks.tables import Tables
from qipan.rulebooks.triggers import (
    direct_triggers,
    empty_tests,
    follow_links,
    linked_persons,
    midnight,
    not_ended,
    winners,
)
from qipan.terms.decisions import Reason
from qipan.terms.evidence import OrderKind

#: evidence ids that may stand in JSON as they are; others are escaped one by one
_PLAIN_ID = r"^[^\"\\\x00-\x1f]*$"


@dataclass(frozen=True, slots=True)
class PopulationResult:
    """`decisions`: person_id, code, orders, reasons (canonical JSON), next_change_at; a row a person, by id."""

    rulebook: str
    tables: str
    moment: datetime
    decisions: pl.DataFrame
    not_yet: int

    def codes(self) -> dict[str, int]:
        """How many persons have each code; every code is there."""
        found = dict(self.decisions.group_by("code").len().iter_rows())
        return {code.value: found.get(code.value, 0) for code in CODE_RANK}

    def orders_binding(self, book: Rulebook) -> dict[str, int]:
        """How many orders of each kind bind at the moment (upcoming ones are not counted); every kind is there."""
        shape = pl.List(pl.Struct({"kind": pl.String, "starts": pl.String}))
        listed = (
            self.decisions.filter(pl.col("orders") != "[]")
            .select(pl.col("orders").str.json_decode(shape))
            .explode("orders")
            .unnest("orders")
        )
        today = book.day_of(self.moment).isoformat()
        found = dict(listed.filter(pl.col("starts") <= today).group_by("kind").len().iter_rows())
        return {kind.value: found.get(kind.value, 0) for kind in OrderKind}


def decide_population(
    book: Rulebook,
    tables: Tables,
    frame: pl.DataFrame | pl.LazyFrame,
    moment: datetime,
    persons: pl.Series | None = None,
) -> PopulationResult:
    """Decide everybody who has evidence in `frame` (or those in `persons`) at an aware instant.

    `frame` has the columns of the INTERFACES table `evidence`; it must also hold the evidence of linked
    persons. Values are assumed to be valid: what cannot be read triggers nothing.
    """
    moment = moment.astimezone(UTC)
    lazy = normalised(frame)
    known = known_at(moment)
    everybody = lazy if persons is None else lazy.filter(pl.col("person_id").is_in(persons.implode()))
    # one after the other: together the engine would keep the whole ledger in memory to read it once
    rows = lazy.filter(known & candidate(book)).collect(engine="streaming")
    late = everybody.select((~known).sum()).collect(engine="streaming")
    people = _each_once(everybody.select("person_id").collect(engine="streaming").to_series())
    noted = noted_decisions(book, tables, lazy, rows, moment, persons)
    decisions = _with_everybody(people, noted)
    return PopulationResult(book.id, tables.revision, moment, decisions, int(late.item() or 0))


def _each_once(ids: pl.Series) -> pl.Series:
    """The ids in order, each once; sorting costs less than hashing most of a ledger's rows."""
    ids = ids.sort()
    new = ids.ne_missing(ids.shift())
    return ids.filter(new.set(pl.int_range(len(ids), eager=True) == 0, value=True)).set_sorted()


def _with_everybody(people: pl.Series, noted: pl.DataFrame) -> pl.DataFrame:
    """A row a person, in the order of `people` (each once, ascending): the noted decision, or plain green.

    Few have another one: it is written over columns of plain ones at the place of its person. Everybody in
    `noted` must be among `people`.
    """
    places = people.search_sorted(noted["person_id"])
    columns = [people]
    for name, plain in {"code": "green", "orders": "[]", "reasons": "[]", "next_change_at": None}.items():
        found = noted[name] if plain is None else noted[name].fill_null(plain)
        same = pl.repeat(plain, len(people), dtype=found.dtype, eager=True).alias(name)
        columns.append(same.scatter(places, found))
    return pl.DataFrame(columns)


def noted_decisions(
    book: Rulebook,
    tables: Tables,
    lazy: pl.LazyFrame,
    rows: pl.DataFrame,
    moment: datetime,
    persons: pl.Series | None = None,
) -> pl.DataFrame:
    """The decisions that say more than green, without orders and for ever; everybody else has that one.

    `lazy` is the normalised evidence, `rows` its known candidate rows.
    """
    person_type = rows.schema["person_id"]
    void_rows = voided(rows.filter(pl.col("voids").is_not_null()))
    rows = with_digest(book, tables, rows.join(void_rows, on=["person_id", "evidence_id"], how="anti"))
    triggers = direct_triggers(book, rows)
    linked = linked_persons(book, triggers)
    tests = empty_tests(person_type)
    if not triggers.is_empty():
        concerned = pl.concat([triggers.select("person_id"), linked]).unique()
        found = (
            lazy.filter((pl.col("kind") == "test") & known_at(moment))
            .join(concerned.lazy(), on="person_id", how="semi")
            .collect(engine="streaming")
            .join(void_rows, on=["person_id", "evidence_id"], how="anti")
        )
        tests = with_digest(book, tables, found).select(
            pl.col("evidence_id").cast(pl.String), "person_id", "at", "recorded_at", "result"
        )
    triggers = follow_links(book, triggers, tests)
    if persons is not None:
        triggers = triggers.filter(pl.col("person_id").is_in(persons.implode()))
    winning = not_ended(book, winners(triggers), rows)
    exemptions = _exemptions(rows)
    orders = lay_orders(book, winning, tests, exemptions, book.day_of(moment))
    return _summed_up(book, orders, moment)


def _exemptions(rows: pl.DataFrame) -> pl.DataFrame:
    """The exemptions of each person and order kind, the longest first."""
    return (
        rows.filter(pl.col("exempt_kind").is_not_null())
        .select(
            "person_id",
            "exempt_until",
            kind="exempt_kind",
            exempt_id=pl.col("evidence_id").cast(pl.String),
            exempt_at="recorded_at",
        )
        .sort("exempt_until", "exempt_id", descending=[True, False])
    )


def _json_list(joined: pl.Expr) -> pl.Expr:
    """Evidence ids, joined by NUL, as a JSON list."""
    plain = joined.str.replace_all("\x00", "", literal=True).str.contains(_PLAIN_ID)
    quick = pl.concat_str(pl.lit('["'), joined.str.replace_all("\x00", '","', literal=True), pl.lit('"]'))
    return pl.when(plain).then(quick)


def _with_evidence_json(orders: pl.DataFrame) -> pl.DataFrame:
    orders = orders.with_columns(evidence_json=_json_list(pl.col("evidence")))
    odd = orders.filter(pl.col("evidence_json").is_null()).select("evidence").unique()
    if odd.is_empty():
        return orders
    written = [
        json.dumps(text.split("\x00"), ensure_ascii=False, separators=(",", ":")) for text in odd["evidence"]
    ]
    odd = odd.with_columns(odd_json=pl.Series(written, dtype=pl.String))
    return (
        orders.join(odd, on="evidence", how="left")
        .with_columns(evidence_json=pl.coalesce("evidence_json", "odd_json"))
        .drop("odd_json")
    )


def _summed_up(book: Rulebook, orders: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """One row a person: code, orders, reasons, next change."""
    today = pl.lit(book.day_of(moment))
    orders = _with_evidence_json(orders).sort("person_id", "starts", "rule", "phase")
    fulfil = pl.when(pl.col("fulfil_by").is_null()).then(pl.lit("null")).otherwise(
        pl.concat_str(pl.lit('"'), "fulfil_by", pl.lit('"'))
    )
    text = pl.concat_str(
        "head", pl.lit(',"evidence":'), "evidence_json", pl.lit(',"fulfil_by":'), fulfil, pl.lit("}")
    )
    binding = pl.when(pl.col("listed") & (pl.col("starts") <= today)).then("rank").otherwise(0)
    main = orders.with_columns(text=pl.when("listed").then(text), binding=binding).group_by("person_id").agg(
        rank=pl.col("binding").max(),
        orders=pl.col("text").drop_nulls().str.join(","),
        change=pl.col("change").min(),
    )
    code = pl.col("rank").replace_strict(
        {rank: name.value for name, rank in CODE_RANK.items()}, return_dtype=pl.String
    )
    listed = main.with_columns(
        code=code,
        orders=pl.concat_str(pl.lit("["), "orders", pl.lit("]")),
        next_change_at=midnight(pl.col("change"), book.time_zone).cast(UTC_TIME),
    )
    return listed.join(_reasons(book, orders), on="person_id", how="left").select(
        "person_id", "code", "orders", "reasons", "next_change_at"
    )


def _reasons(book: Rulebook, orders: pl.DataFrame) -> pl.DataFrame:
    """(person_id, reasons): one reason a rule with a listed order, in the book's order, exemptions last."""
    heads = [
        reasons_to_json([Reason(rule.id, (), rule.authority)])[1:].removesuffix("[]}]") for rule in book.rules
    ]
    table = pl.DataFrame(
        {"rule": pl.Series(range(len(heads)), dtype=pl.Int16), "reason": heads},
        schema={"rule": pl.Int16, "reason": pl.String},
    )
    of_rules = (
        orders.filter("listed")
        .unique(["person_id", "rule"], keep="first", maintain_order=True)
        .join(table, on="rule", how="left")
        .select("person_id", "rule", text=pl.concat_str("reason", "evidence_json", pl.lit("}")))
    )
    parts = [of_rules]
    exempt = orders.filter(pl.col("exempt_id").is_not_null())
    if book.exemption is not None and not exempt.is_empty():
        head = reasons_to_json([Reason(EXEMPTION, (), book.exemption.authority)])[1:].removesuffix("[]}]")
        ids = exempt.group_by("person_id").agg(
            evidence=pl.col("exempt_id").unique().sort().str.join("\x00"), rule=pl.lit(len(heads), dtype=pl.Int16)
        )
        parts.append(
            _with_evidence_json(ids).select(
                "person_id", "rule", text=pl.concat_str(pl.lit(head), "evidence_json", pl.lit("}"))
            )
        )
    return (
        pl.concat(parts)
        .sort("person_id", "rule")
        .group_by("person_id", maintain_order=True)
        .agg(reasons=pl.concat_str(pl.lit("["), pl.col("text").str.join(","), pl.lit("]")).first())
    )
