"""Evidence frames: one shape for the population evaluator, values read once per distinct value."""

import json
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from qipan.rulebooks.digest import LITERAL, digest, parse_value
from qipan.rulebooks.ledger import voided_keys
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.tables import Tables
from qipan.terms.evidence import EvidenceItem, EvidenceKind

UTC_TIME = pl.Datetime("us", "UTC")
#: kinds whose reading depends on the day of the evidence, because a table is asked
_DATED = ("arrival", "residence")
#: kinds of which there are so many that their text is searched before it is read
_MASS = (EvidenceKind.TEST, EvidenceKind.FOLLOW_UP)
_DIGEST_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "n": pl.UInt32,
    "triggers": pl.List(pl.Int16),
    "ends": pl.List(pl.Int16),
    "first": pl.Date,
    "last": pl.Date,
    "result": pl.String,
    "exempt_kind": pl.String,
    "exempt_until": pl.Date,
}


def evidence_frame(evidence: Sequence[EvidenceItem]) -> pl.DataFrame:
    """Items as a frame with the columns of the INTERFACES table `evidence` (value as JSON text)."""
    return pl.DataFrame(
        {
            "evidence_id": [item.evidence_id for item in evidence],
            "person_id": [item.person_id for item in evidence],
            "linked_person_id": [item.linked_person_id for item in evidence],
            "kind": [item.kind.value for item in evidence],
            "at": [item.at for item in evidence],
            "recorded_at": [item.recorded_at for item in evidence],
            "value": [json.dumps(dict(item.value), ensure_ascii=False) for item in evidence],
            "voids": [item.voids for item in evidence],
        },
        schema={
            "evidence_id": pl.String,
            "person_id": pl.String,
            "linked_person_id": pl.String,
            "kind": pl.String,
            "at": UTC_TIME,
            "recorded_at": UTC_TIME,
            "value": pl.String,
            "voids": pl.String,
        },
    )


def normalised(frame: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """The frame, lazily, with every column there and instants in UTC.

    Absent `recorded_at` is `at`; ids keep their type (text or integers), links and voids take that type.
    Instants may be Datetime with a zone, Datetime without (taken as UTC) or ISO text with an offset.
    """
    lazy = frame.lazy()
    schema = lazy.collect_schema()

    def instant(column: str) -> pl.Expr:
        kind = schema[column]
        if kind == pl.String:
            return pl.col(column).str.to_datetime("%+", time_unit="us", time_zone="UTC")
        if isinstance(kind, pl.Datetime) and kind.time_zone is None:
            return pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return pl.col(column).cast(UTC_TIME)

    def same_type(column: str, like: str) -> pl.Expr:
        value = pl.col(column) if column in schema else pl.lit(None)
        return value.cast(schema[like]).alias(column)

    at = instant("at")
    recorded = instant("recorded_at").fill_null(at) if "recorded_at" in schema else at
    kind = pl.col("kind") if schema["kind"] == pl.String else pl.col("kind").cast(pl.String)
    return lazy.select(
        "evidence_id",
        "person_id",
        same_type("linked_person_id", "person_id"),
        kind,
        at.alias("at"),
        recorded.alias("recorded_at"),
        "value",
        same_type("voids", "evidence_id"),
    )


def candidate(book: Rulebook) -> pl.Expr:
    """True for rows that may trigger or end a rule, exempt, or take something back.

    A word that a value must carry is looked for in the JSON text first (or a backslash, which may hide it):
    almost every row of a real ledger is a negative test and is never parsed.
    """
    words: dict[EvidenceKind, set[str]] = {}
    unworded: set[EvidenceKind] = set()
    for rule in book.rules:
        for matcher in (*rule.when, *rule.ends_by):
            some = [word for name, listed in matcher.where if name in LITERAL for word in listed]
            words.setdefault(matcher.kind, set()).update(some)
            if not some or matcher.temperature_from is not None or matcher.kind not in _MASS:
                unworded.add(matcher.kind)
    wanted: dict[EvidenceKind, pl.Expr] = {}
    for kind, some_words in words.items():
        searched = pl.col("value").str.contains_any([*sorted(some_words), "\\"])
        wanted[kind] = pl.lit(value=True) if kind in unworded else searched
    if book.exemption is not None:
        wanted[EvidenceKind.EXEMPTION] = pl.lit(value=True)
    found = pl.col("voids").is_not_null()
    for kind, test in wanted.items():
        found = found | ((pl.col("kind") == kind.value) & test)
    return found


def with_digest(book: Rulebook, tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the columns of `Digest`: each distinct value (and day, where tables are asked) read once."""
    rows = rows.with_columns(
        day=pl.col("at").dt.convert_time_zone(book.time_zone).dt.date(), value=pl.col("value").fill_null("{}")
    )
    dated = pl.when(pl.col("kind").is_in(_DATED)).then(pl.col("day"))
    keyed = rows.with_columns(n=pl.struct("kind", "value", dated.alias("asked")).rank("dense").cast(pl.UInt32))
    distinct = keyed.unique("n", keep="any").select("n", "kind", "value", "day")
    kinds = {kind.value: kind for kind in EvidenceKind}
    read = []
    for n, kind, value, day in distinct.iter_rows():
        if kind not in kinds:
            continue
        said = digest(book, tables, kinds[kind], parse_value(value), day)
        read.append(
            (n, list(said.triggers), list(said.ends), said.first, said.last, said.result, said.exempt_kind,
             said.exempt_until)
        )  # fmt: skip
    table = pl.DataFrame(read, schema=_DIGEST_SCHEMA, orient="row")
    return keyed.drop("value").join(table, on="n", how="left").drop("n")


def known_at(moment: datetime) -> pl.Expr:
    """Whether a row was so, and was learnt, by `moment`."""
    limit = pl.lit(moment).cast(UTC_TIME)
    return (pl.col("at") <= limit) & (pl.col("recorded_at") <= limit)


def voided(voiders: pl.DataFrame) -> pl.DataFrame:
    """(person_id, evidence_id) of what counts as never had, from known rows that void something."""
    pairs = voiders.select("person_id", "evidence_id", "voids").rows()
    gone = list(voided_keys(((person, key), (person, target)) for person, key, target in pairs))
    return pl.DataFrame(
        {
            "person_id": pl.Series([person for person, _ in gone], dtype=voiders["person_id"].dtype),
            "evidence_id": pl.Series([key for _, key in gone], dtype=voiders["evidence_id"].dtype),
        }
    )
