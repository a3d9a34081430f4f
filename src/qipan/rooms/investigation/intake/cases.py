"""Line lists: what a case row must say, the case it becomes, its diagnosis and recovery."""

from typing import Any

import polars as pl

from qipan.foundation.clock import local_date
from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.foundation.intake.writing import bulk_insert
from qipan.rooms.control.services import NewEvidence
from qipan.rooms.geography.selectors import AreaRef, areas_by_code, areas_by_id, list_areas
from qipan.rooms.investigation.intake.rows import (
    FUTURE,
    NO_AREA,
    NOT_YOURS,
    Findings,
    add_facts,
    decide,
    fact_key,
    instant,
    looked_up,
    may,
    void_evidence,
)
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.rules import OLDEST, ONSET_AFTER_REPORT, diagnosis_day, diagnosis_value
from qipan.rooms.persons.selectors import PersonRef, resolve_persons
from qipan.rooms.persons.services import persons_for_references
from qipan.terms.errors import Refused
from qipan.terms.evidence import Classification, EvidenceKind
from qipan.terms.roles import Actor, Permission

_SEXES = {"M": "male", "F": "female", "男": "male", "女": "female", "未知": "unknown", "不详": "unknown"}
_CLASSIFICATIONS = {
    "疑似": "suspected",
    "疑似病例": "suspected",
    "临床诊断": "probable",
    "确诊": "confirmed",
    "确诊病例": "confirmed",
    "无症状": "asymptomatic",
    "无症状感染者": "asymptomatic",
    "排除": "discarded",
}
_OUTCOMES = {"治愈": "recovered", "出院": "recovered", "死亡": "died", "不详": "unknown"}


def home_area(actor: Actor) -> AreaRef | None:
    """The area of a case whose file names none: where the importing actor works, the widest if several; the
    root of the tree for whoever works everywhere. None where he may edit cases nowhere.
    """
    prefixes = sorted(actor.areas_for(Permission.CASE_EDIT), key=len)
    if not prefixes:
        return None
    if prefixes[0] == "/":
        root = list_areas(actor).first()
        code = root.code if root else ""
    else:
        code = prefixes[0].strip("/").rsplit("/", 1)[-1]
    return areas_by_code([code]).get(code)


def check_cases(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Days, person and area of every case; adds `_person_id` (null: to be made), `_area_id`, `_area_path`."""
    findings = Findings(frame)
    today = local_date(ctx.at, ctx.time_zone)
    for column in ("onset_date", "report_date", "outcome_date"):
        findings.where(frame[column] > today, column, FUTURE)
    late = frame["onset_date"] - frame["report_date"] > ONSET_AFTER_REPORT
    findings.where(late, "onset_date", "Onset cannot be three weeks and more after the report.")
    findings.where(
        frame["outcome_date"] < frame["onset_date"], "outcome_date", "The outcome cannot be before onset."
    )

    reference = frame["person_id"].fill_null(frame["case_id"])
    persons = resolve_persons(reference.to_list(), source=ctx.source)
    home = home_area(ctx.actor)
    areas = areas_by_code(frame["area"].drop_nulls().unique().to_list())
    frame = frame.with_columns(
        _reference=reference,
        _person_id=looked_up(reference, persons, lambda ref: ref.id, pl.Int64),
        _person_path=looked_up(reference, persons, lambda ref: ref.area_path, pl.String),
        _area_id=looked_up(frame["area"], areas, lambda ref: ref.id, pl.Int64),
        _area_path=looked_up(frame["area"], areas, lambda ref: ref.path, pl.String),
    )
    findings.where(frame["area"].is_not_null() & frame["_area_id"].is_null(), "area", NO_AREA)
    findings.where(frame["person_id"].is_not_null() & frame["_person_id"].is_null(), "person_id", NOT_YOURS)
    known = frame["_person_id"].is_not_null()
    theirs = ~may(ctx, frame["_person_path"], Permission.EVIDENCE_RECORD)
    findings.where(known & theirs, "person_id", NOT_YOURS)

    # where the file names no area: where the person lives, else where the importing actor works
    person_areas = looked_up(reference, persons, lambda ref: ref.area_id, pl.Int64)
    frame = frame.with_columns(
        _area_id=pl.coalesce("_area_id", person_areas, pl.lit(home.id if home else None, dtype=pl.Int64)),
        _area_path=pl.coalesce(
            "_area_path", "_person_path", pl.lit(home.path if home else None, dtype=pl.String)
        ),
    )
    findings.where(frame["_area_id"].is_null(), "area", "No area is given, and the person is not known.")
    findings.where(~may(ctx, frame["_area_path"], Permission.CASE_EDIT), "area", NO_AREA)
    return findings.result(frame.drop("_person_path"))


def _people(ctx: IntakeContext, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every `_person_id` filled: people whom the source knows by their case only are made."""
    new = frame.filter(pl.col("_person_id").is_null())
    if new.is_empty():
        return frame
    areas = areas_by_id(new["_area_id"].unique().to_list())
    by_reference: dict[str, AreaRef] = {}
    birth_years: dict[str, int] = {}
    sexes: dict[str, str] = {}
    year = local_date(ctx.at, ctx.time_zone).year
    for reference, area_id, sex, age, report in new.select(
        "_reference", "_area_id", "sex", "age", "report_date"
    ).iter_rows():
        by_reference[reference] = areas[area_id]
        if age is not None:
            birth_years[reference] = (report.year if report else year) - int(age)
        if sex is not None:
            sexes[reference] = sex
    made = persons_for_references(
        actor=ctx.actor,
        source=ctx.source,
        references=list(by_reference),
        area=next(iter(by_reference.values())),
        areas=by_reference,
        birth_years=birth_years,
        sexes=sexes,
        at=ctx.at,
        batch_id=ctx.batch_id,
    )
    ids = pl.Series([_id_of(made.get(reference)) for reference in frame["_reference"]], dtype=pl.Int64)
    return frame.with_columns(_person_id=pl.coalesce("_person_id", ids))


def _id_of(ref: PersonRef | None) -> int | None:
    return None if ref is None else ref.id


_CASE_COLUMNS = [
    "source",
    "case_id",
    "disease",
    "person_id",
    "classification",
    "onset_date",
    "report_date",
    "area_id",
    "area_path",
    "outcome",
    "outcome_date",
    "source_case_id",
    "recorded_at",
    "batch_id",
    "evidence_key",
]


def commit_cases(ctx: IntakeContext, frame: pl.DataFrame) -> dict[str, Any]:
    """Write the cases of a chunk, and their diagnoses and recoveries into the ledger."""
    disease = str(ctx.options.get("disease", "covid19"))
    today = local_date(ctx.at, ctx.time_zone)
    cases: list[tuple[Any, ...]] = []
    facts: list[NewEvidence] = []
    for row in _people(ctx, frame).iter_rows(named=True):
        key = row["_key"]
        classification = Classification(row["classification"] or Classification.CONFIRMED)
        outcome = row["outcome"] or Case.Outcome.UNKNOWN.value
        cases.append(
            (
                ctx.source,
                row["case_id"],
                disease,
                row["_person_id"],
                classification.value,
                row["onset_date"],
                row["report_date"],
                row["_area_id"],
                row["_area_path"],
                outcome,
                row["outcome_date"],
                row["source_case_id"] or "",
                ctx.at,
                ctx.batch_id,
                key,
            )
        )
        day = diagnosis_day(row["report_date"], row["onset_date"], today)
        facts.append(
            NewEvidence(
                key=key,
                person_id=row["_person_id"],
                kind=EvidenceKind.DIAGNOSIS,
                at=instant(ctx, day),
                value=diagnosis_value(classification, row["onset_date"]),
            )
        )
        if outcome == Case.Outcome.RECOVERED.value and row["outcome_date"] is not None:
            facts.append(
                NewEvidence(
                    key=fact_key(row["_key"], "recovery"),
                    person_id=row["_person_id"],
                    kind=EvidenceKind.RECOVERY,
                    at=instant(ctx, row["outcome_date"]),
                    value={},
                )
            )
    bulk_insert(Case, _CASE_COLUMNS, cases)
    return add_facts(ctx, facts, disease)


def finish_cases(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Decide the cases. `without_evidence`: recoveries without a day, which no rulebook can use."""
    cases = Case.objects.filter(batch_id=batch_id, voided_at=None)
    undated = cases.filter(outcome=Case.Outcome.RECOVERED.value, outcome_date=None).count()
    return decide(ctx, cases.values_list("person_id", flat=True)) | {"without_evidence": undated}


def void_cases(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Take the cases of a batch back. Refused while contacts of another batch were exposed to them."""
    cases = Case.objects.filter(batch_id=batch_id, voided_at=None)
    if Contact.objects.filter(from_case__in=cases, voided_at=None).exists():
        raise Refused("Contacts name cases of this batch: void their batch first.")
    return {"cases": cases.update(voided_at=ctx.at)} | void_evidence(ctx, batch_id)


_T = ColumnType
CASES = FileKind(
    name="cases",
    title="Line list",
    columns=(
        Column("case_id", max_length=80, exact=True, aliases=("病例编号",)),
        Column("person_id", _T.PERSON, required=False, max_length=120, exact=True, aliases=("人员编号",)),
        Column("onset_date", _T.DATE, nullable=True, future=True, aliases=("发病日期",)),
        Column("report_date", _T.DATE, required=False, future=True, aliases=("报告日期",)),
        Column(
            "classification",
            _T.CHOICE,
            required=False,
            choices=tuple(Classification),
            values=_CLASSIFICATIONS,
            aliases=("病例分类",),
        ),
        Column(
            "sex",
            _T.CHOICE,
            required=False,
            choices=("male", "female", "unknown"),
            values=_SEXES,
            aliases=("性别",),
        ),
        Column("age", _T.FLOAT, required=False, minimum=0, maximum=OLDEST, aliases=("年龄",)),
        Column("area", _T.AREA, required=False, aliases=("地区编码",)),
        Column(
            "outcome",
            _T.CHOICE,
            required=False,
            choices=tuple(Case.Outcome.values),
            values=_OUTCOMES,
            aliases=("转归",),
        ),
        Column("outcome_date", _T.DATE, required=False, future=True, aliases=("转归日期",)),
        Column("source_case_id", required=False, max_length=80, exact=True, aliases=("传染源病例编号",)),
    ),
    id_columns=("case_id",),
    check=check_cases,
    commit=commit_cases,
    finish=finish_cases,
    void=void_cases,
    void_permission=Permission.EVIDENCE_VOID,
)
