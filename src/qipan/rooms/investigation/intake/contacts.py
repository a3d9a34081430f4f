"""Contact lists: both ends of a contact, its days, and the exposure that it is evidence of."""

from typing import Any

import polars as pl

from qipan.foundation.clock import local_date
from qipan.foundation.intake.kinds import Column, ColumnType, FileKind, IntakeContext, Reject
from qipan.foundation.intake.writing import bulk_insert
from qipan.rooms.control.services import NewEvidence
from qipan.rooms.investigation.intake.rows import (
    FUTURE,
    NO_CASE,
    NOT_YOURS,
    Findings,
    add_facts,
    decide,
    instant,
    looked_up,
    may,
    void_evidence,
)
from qipan.rooms.investigation.models import Contact
from qipan.rooms.investigation.rules import exposure_value, exposure_window, linked_person
from qipan.rooms.investigation.selectors import cases_by_id
from qipan.rooms.persons.selectors import resolve_persons
from qipan.terms.evidence import ContactClass, EvidenceKind
from qipan.terms.roles import Permission

_CLASSES = {
    "密接": "close",
    "密切接触者": "close",
    "次密接": "secondary",
    "密接的密接": "secondary",
    "一般接触者": "general",
}

_T = ColumnType


def check_contacts(ctx: IntakeContext, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Both ends of every contact and its days; adds `_case`, `_case_person`, `_to_case`, `_person_id`,
    `_via`.

    A case that is not there yet rejects the row: the row is kept and can be sent again when the case is in.
    """
    findings = Findings(frame)
    cases = cases_by_id(ctx.source, {*frame["from_case_id"].drop_nulls(), *frame["to_case_id"].drop_nulls()})
    references = {*frame["to_person_id"].drop_nulls(), *frame["via_person_id"].drop_nulls()}
    persons = resolve_persons(sorted(references), source=ctx.source)
    frame = frame.with_columns(
        _case=looked_up(frame["from_case_id"], cases, lambda ref: ref.id, pl.Int64),
        _case_path=looked_up(frame["from_case_id"], cases, lambda ref: ref.area_path, pl.String),
        _case_person=looked_up(frame["from_case_id"], cases, lambda ref: ref.person_id, pl.Int64),
        _to_case=looked_up(frame["to_case_id"], cases, lambda ref: ref.id, pl.Int64),
        _to_case_person=looked_up(frame["to_case_id"], cases, lambda ref: ref.person_id, pl.Int64),
        _to_person=looked_up(frame["to_person_id"], persons, lambda ref: ref.id, pl.Int64),
        _via=looked_up(frame["via_person_id"], persons, lambda ref: ref.id, pl.Int64),
    )
    may_case = may(ctx, frame["_case_path"], Permission.CASE_EDIT)
    findings.where(frame["_case"].is_null() | ~may_case, "from_case_id", NO_CASE)
    findings.where(frame["to_case_id"].is_not_null() & frame["_to_case"].is_null(), "to_case_id", NO_CASE)
    neither = frame["to_case_id"].is_null() & frame["to_person_id"].is_null()
    findings.where(neither, "to_person_id", "Name the contact: to_person_id or to_case_id.")
    findings.where(
        frame["to_person_id"].is_not_null() & frame["_to_person"].is_null(), "to_person_id", NOT_YOURS
    )
    findings.where(frame["via_person_id"].is_not_null() & frame["_via"].is_null(), "via_person_id", NOT_YOURS)
    findings.where(
        frame["_to_person"] != frame["_to_case_person"],
        "to_case_id",
        "This case is another person than to_person_id.",
    )
    frame = frame.with_columns(_person_id=pl.coalesce("_to_person", "_to_case_person"))
    # asked at the case's place: its contacts may live in any county
    may_expose = may(ctx, frame["_case_path"], Permission.EVIDENCE_RECORD)
    findings.where(frame["_person_id"].is_not_null() & ~may_expose, "to_person_id", NOT_YOURS)
    findings.where(
        frame["_person_id"] == frame["_case_person"], "from_case_id", "A case is not a contact of itself."
    )
    findings.where(
        frame["_person_id"] == frame["_via"], "via_person_id", "A contact is not a contact of himself."
    )
    today = local_date(ctx.at, ctx.time_zone)
    for column in ("first_exposure", "last_exposure"):
        findings.where(frame[column] > today, column, FUTURE)
    findings.where(
        frame["last_exposure"] < frame["first_exposure"],
        "last_exposure",
        "The last exposure is before the first.",
    )
    return findings.result(frame.drop("_case_path", "_to_case_person", "_to_person"))


_CONTACT_COLUMNS = [
    "source",
    "from_case_id",
    "person_id",
    "to_case_id",
    "via_person_id",
    "contact_class",
    "first_exposure",
    "last_exposure",
    "setting",
    "minutes",
    "distance_m",
    "recorded_at",
    "batch_id",
    "evidence_key",
]


def commit_contacts(ctx: IntakeContext, frame: pl.DataFrame) -> dict[str, Any]:
    """Write the contacts of a chunk, and an exposure into the ledger for each with a known day."""
    disease = str(ctx.options.get("disease", "covid19"))
    contacts: list[tuple[Any, ...]] = []
    facts: list[NewEvidence] = []
    for row in frame.iter_rows(named=True):
        contact_class = ContactClass(row["class"] or ContactClass.CLOSE)
        window = exposure_window(row["first_exposure"], row["last_exposure"])
        key = row["_key"] if window else None
        contacts.append(
            (
                ctx.source,
                row["_case"],
                row["_person_id"],
                row["_to_case"],
                row["_via"],
                contact_class.value,
                row["first_exposure"],
                row["last_exposure"],
                row["setting"] or "",
                row["minutes"],
                row["distance_m"],
                ctx.at,
                ctx.batch_id,
                key,
            )
        )
        if window and key:
            facts.append(
                NewEvidence(
                    key=key,
                    person_id=row["_person_id"],
                    kind=EvidenceKind.EXPOSURE,
                    at=instant(ctx, window[1]),
                    value=exposure_value(
                        window=window,
                        contact_class=contact_class,
                        setting=row["setting"] or "",
                        minutes=row["minutes"],
                        distance_m=row["distance_m"],
                    ),
                    linked_person_id=linked_person(
                        contact_class, case_person=row["_case_person"], via_person=row["_via"]
                    ),
                )
            )
    bulk_insert(Contact, _CONTACT_COLUMNS, contacts)
    return add_facts(ctx, facts, disease)


def finish_contacts(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Decide the contacts. `without_evidence`: contacts of whom no day of exposure is known."""
    contacts = Contact.objects.filter(batch_id=batch_id, voided_at=None)
    exposed = contacts.exclude(evidence_key=None).values_list("person_id", flat=True).distinct()
    return decide(ctx, exposed) | {"without_evidence": contacts.filter(evidence_key=None).count()}


def void_contacts(ctx: IntakeContext, batch_id: int) -> dict[str, Any]:
    """Take the contacts of a batch and their exposures back."""
    contacts = Contact.objects.filter(batch_id=batch_id, voided_at=None)
    return {"contacts": contacts.update(voided_at=ctx.at)} | void_evidence(ctx, batch_id)


CONTACTS = FileKind(
    name="contacts",
    title="Contact list",
    columns=(
        Column("from_case_id", max_length=80, exact=True, aliases=("病例编号",)),
        Column(
            "to_person_id", _T.PERSON, required=False, max_length=120, exact=True, aliases=("接触者编号",)
        ),
        Column("to_case_id", required=False, max_length=80, exact=True, aliases=("接触者病例编号",)),
        Column("first_exposure", _T.DATE, required=False, future=True, aliases=("首次接触日期",)),
        Column("last_exposure", _T.DATE, required=False, future=True, aliases=("末次接触日期",)),
        Column("setting", required=False, max_length=60, aliases=("接触场所",)),
        Column("minutes", _T.INT, required=False, minimum=0, maximum=1_000_000, aliases=("接触分钟",)),
        Column("distance_m", _T.FLOAT, required=False, minimum=0, maximum=10_000, aliases=("接触距离",)),
        Column(
            "class",
            _T.CHOICE,
            required=False,
            choices=tuple(ContactClass),
            values=_CLASSES,
            aliases=("接触类别",),
        ),
        Column(
            "via_person_id",
            _T.PERSON,
            required=False,
            max_length=120,
            exact=True,
            aliases=("经由接触者编号",),
        ),
    ),
    check=check_contacts,
    commit=commit_contacts,
    finish=finish_contacts,
    void=void_contacts,
    void_permission=Permission.EVIDENCE_VOID,
)
