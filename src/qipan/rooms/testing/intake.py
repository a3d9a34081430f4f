"""Result files of laboratories: results in, evidence out. Whole columns at a time: a city sends millions."""

from typing import Any

import polars as pl

from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.foundation.intake.writing import bulk_insert_frame
from qipan.rooms.control.selectors.ledger import value_text
from qipan.rooms.control.services import decisions_refresh, evidence_add_frame, evidence_void_batch
from qipan.rooms.persons.selectors import persons_frame
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.rules import evidence_value
from qipan.rooms.testing.selectors import specimens_recorded_singly
from qipan.terms.evidence import EvidenceKind, TestOutcome
from qipan.terms.roles import SYSTEM_ACTOR, Permission

NOT_YOURS = "There is no such person, or not one for whom you may record."
_RESULTS = {
    "阳性": "positive",
    "阴性": "negative",
    "可疑": "indeterminate",
    "不确定": "indeterminate",
    "+": "positive",
    "-": "negative",
}


def check_tests(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Times and persons of the results; adds `_person_id`. Two queries a chunk, three where results of this
    source were also recorded singly.
    """
    persons = persons_frame(frame["person_id"], source=ctx.source)
    paths = persons["area_path"].unique().to_list()
    allowed = [path for path in paths if ctx.actor.may(Permission.TEST_RECORD, path)]
    if len(allowed) < len(paths):
        persons = persons.filter(pl.col("area_path").is_in(allowed))
    known = persons.select(pl.col("reference").alias("person_id"), pl.col("person_id").alias("_person_id"))
    frame = frame.join(known, on="person_id", how="left", maintain_order="left")
    singly = specimens_recorded_singly(ctx.source, frame["specimen_id"].to_list())
    problems = [
        (pl.col("_person_id").is_null(), "person_id", NOT_YOURS),
        (pl.col("resulted_at") > ctx.at, "resulted_at", "This result lies in the future of its recording."),
        (
            pl.col("resulted_at") < pl.col("sampled_at"),
            "resulted_at",
            "The result cannot be before the sampling.",
        ),
        (
            pl.col("specimen_id").is_in(singly),
            "specimen_id",
            "This specimen's result was recorded before.",
        ),
    ]
    which = pl.coalesce(pl.when(bad).then(pl.lit(number)) for number, (bad, _, _) in enumerate(problems))
    frame = frame.with_columns(_problem=which)
    bad = frame.filter(pl.col("_problem").is_not_null())
    rejects = [
        Reject(row, problems[number][1], problems[number][2])
        for row, number in bad.select("_row", "_problem").iter_rows()
    ]
    return frame.filter(pl.col("_problem").is_null()).drop("_problem"), rejects


_SAYS = ["result", "method", "ct", "pool_id"]


def _values(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `value`, the ledger's JSON text of each result. A chunk says few different things, so
    each of them is put together once, by the rule itself.
    """
    said = frame.select(_SAYS).unique()
    texts = [
        value_text(evidence_value(result=TestOutcome(result), method=method, ct=ct, pool_id=pool_id))
        for result, method, ct, pool_id in said.iter_rows()
    ]
    said = said.with_columns(value=pl.Series(texts, dtype=pl.String))
    return frame.join(said, on=_SAYS, how="left", nulls_equal=True, maintain_order="left")


def commit_tests(ctx: IntakeContext, frame: pl.DataFrame) -> dict[str, Any]:
    """Write the results of a chunk and their evidence; what the log's entry says of the evidence."""
    frame = _values(frame.with_columns(pl.col("pool_id", "site", "lab").fill_null("")))
    bulk_insert_frame(
        TestResult,
        frame.select(
            pl.lit(ctx.source).alias("source"),
            "specimen_id",
            pl.col("_person_id").alias("person_id"),
            "pool_id",
            "site",
            pl.col("lab").alias("laboratory"),
            "method",
            "sampled_at",
            "resulted_at",
            "result",
            "ct",
            pl.lit(ctx.batch_id).alias("batch_id"),
            pl.lit(ctx.at, dtype=pl.Datetime("us", "UTC")).alias("recorded_at"),
            pl.col("_key").alias("evidence_key"),
        ),
    )
    return evidence_add_frame(
        frame.select(
            pl.col("_key").alias("key"),
            pl.col("_person_id").alias("person_id"),
            pl.lit(None, dtype=pl.Int64).alias("linked_person_id"),
            pl.lit(EvidenceKind.TEST.value).alias("kind"),
            pl.col("sampled_at").alias("at"),
            pl.lit(ctx.at, dtype=pl.Datetime("us", "UTC")).alias("recorded_at"),
            "value",
            pl.lit(None, dtype=pl.Int64).alias("voids_id"),
        ),
        actor=ctx.actor,
        source=ctx.source,
        batch_id=ctx.batch_id,
        write_id=ctx.write_id,
        disease=str(ctx.options.get("disease", "covid19")),
    )


def finish_tests(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Decide whom the results concern: everybody with another result than negative, and everybody whose
    stored decision became stale. A negative result alone restricts nobody under any book.
    `positive_pools`: positive tubes, whose people must be sampled again one by one.
    """
    results = TestResult.objects.filter(batch_id=batch_id, voided_at=None)
    telling = (
        results.exclude(result=TestOutcome.NEGATIVE.value).values_list("person_id", flat=True).distinct()
    )
    # the ledger was written under the importer's name; deciding is the machinery's own act
    refreshed = decisions_refresh(actor=SYSTEM_ACTOR, at=ctx.at, person_ids=list(telling))
    refreshed.add(decisions_refresh(actor=SYSTEM_ACTOR, at=ctx.at))
    pools = results.filter(result=TestOutcome.POSITIVE.value).exclude(pool_id="")
    return refreshed.detail() | {"positive_pools": pools.values("pool_id").distinct().count()}


def void_tests(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Take the results of a batch and their evidence back, and decide again."""
    results = TestResult.objects.filter(batch_id=batch_id, voided_at=None).update(voided_at=ctx.at)
    evidence, persons = evidence_void_batch(
        actor=ctx.actor, batch_id=batch_id, now=ctx.at, write_id=ctx.write_id
    )
    refreshed = decisions_refresh(actor=SYSTEM_ACTOR, at=ctx.at, person_ids=persons)
    return {"tests": results, "decided": refreshed.persons, **evidence}


_T = ColumnType
TESTS = FileKind(
    name="tests",
    title="Test results",
    columns=(
        Column("specimen_id", max_length=80, exact=True, aliases=("标本编号", "样本编号")),
        Column("person_id", _T.PERSON, max_length=120, exact=True, aliases=("人员编号",)),
        Column("pool_id", required=False, max_length=80, exact=True, aliases=("混管编号",)),
        Column("sampled_at", _T.INSTANT, future=True, aliases=("采样时间",)),
        Column("site", required=False, max_length=80, aliases=("采样点",)),
        Column("lab", required=False, max_length=80, aliases=("检测机构",)),
        Column("resulted_at", _T.INSTANT, future=True, aliases=("出结果时间", "检测时间")),
        Column("method", max_length=20, aliases=("检测方法",)),
        Column("result", _T.CHOICE, choices=tuple(TestOutcome), values=_RESULTS, aliases=("检测结果",)),
        Column("ct", _T.FLOAT, required=False, minimum=1, maximum=60, aliases=("CT值",)),
    ),
    id_columns=("specimen_id",),
    # tubes carry labels that were printed in sequence
    id_digits=4,
    check=check_tests,
    commit=commit_tests,
    finish=finish_tests,
    void=void_tests,
    void_permission=Permission.EVIDENCE_VOID,
)
