"""Writing cases and contacts one by one; each is evidence and is decided at once. Files come by intake."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from qipan.foundation.access.scoping import require, require_anywhere
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.foundation.clock import civil_zone, day_start, local_date
from qipan.rooms.control.selectors import list_evidence
from qipan.rooms.control.services import Recorded, evidence_key, evidence_record, evidence_void
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.rules import (
    OLDEST,
    ONSET_AFTER_REPORT,
    diagnosis_day,
    diagnosis_value,
    exposure_value,
    exposure_window,
    linked_person,
)
from qipan.rooms.investigation.selectors import access_case
from qipan.rooms.persons.selectors import PersonRef, person_refs
from qipan.rooms.persons.services import persons_for_references
from qipan.terms.errors import Absent, BadInput, Conflict, Refused
from qipan.terms.evidence import Classification, ContactClass, EvidenceKind
from qipan.terms.roles import Actor, Permission

#: a case of the same person within this many days is the same illness (reinfection: 60 days and more, ECDC 2021)
SAME_ILLNESS = timedelta(days=60)


def case_add(
    *,
    actor: Actor,
    at: datetime,
    person_id: int | None = None,
    area: str = "",
    sex: str = "unknown",
    birth_year: int | None = None,
    case_id: str = "",
    classification: Classification = Classification.SUSPECTED,
    onset_date: date | None = None,
    report_date: date | None = None,
    source_case_id: str = "",
    source: str = "investigation",
    disease: str = "covid19",
) -> tuple[Case, Recorded]:
    """Enter one case, found by an investigator, and decide at once.

    Of a person who is known (`person_id`), or of somebody of whom no more is known than the area where he stays, sex
    and year of birth: he becomes a pseudonym without identity. Without `case_id` the case gets a number of its own.
    Raises Absent (person, area), Denied, BadInput (discarded; days in the future or out of order; no area), Conflict
    (the number is taken; this person is a case already).
    """
    if classification is Classification.DISCARDED:
        raise BadInput("A case that is none is not entered.")
    today = local_date(at, civil_zone())
    if birth_year is not None and not today.year - OLDEST <= birth_year <= today.year:
        raise BadInput("Nobody alive was born in that year.")
    if any(day is not None and day > today for day in (onset_date, report_date)):
        raise BadInput("Onset and report cannot lie in the future.")
    report = report_date or today
    if onset_date is not None and onset_date - report > ONSET_AFTER_REPORT:
        raise BadInput("Onset cannot be three weeks and more after the report.")
    with audited(actor=actor, action="case.add", at=at) as entry:
        require_anywhere(actor, Permission.CASE_EDIT)
        name = case_id.strip() or f"{today:%y%m%d}-{entry.write_id[:6].upper()}"
        ref = _person_of_case(
            actor=actor, person_id=person_id, area=area, sex=sex, birth_year=birth_year, reference=name, source=source,
            at=at,
        )  # fmt: skip
        require(actor, Permission.CASE_EDIT, ref.area_path)
        known = Case.objects.filter(person_id=ref.id, disease=disease, voided_at=None)
        known = known.exclude(classification=Classification.DISCARDED.value)
        for before in known.values_list("case_id", "report_date", "onset_date", "recorded_at"):
            day = before[1] or before[2] or local_date(before[3], civil_zone())
            if abs(day - report) < SAME_ILLNESS:
                raise Conflict("This person is a case already: %(case)s.", case=before[0])
        identity = f"{name}\n{entry.write_id}"
        try:
            with transaction.atomic():
                case = Case.objects.create(
                    source=source, case_id=name, disease=disease, person_id=ref.id,
                    classification=classification.value, onset_date=onset_date, report_date=report,
                    area_id=ref.area_id, area_path=ref.area_path, source_case_id=source_case_id.strip(),
                    recorded_at=at, evidence_key=evidence_key(EvidenceKind.DIAGNOSIS.value, source, identity),
                )  # fmt: skip
        except IntegrityError:
            raise Conflict("There is already a case %(case)s of this source.", case=name) from None
        recorded = evidence_record(
            actor=actor, person_id=ref.id, kind=EvidenceKind.DIAGNOSIS,
            at=day_start(diagnosis_day(report, onset_date, today), civil_zone()),
            value=diagnosis_value(classification, onset_date), source=source, now=at, identity=identity,
            disease=disease,
        )  # fmt: skip
        detail = {"classification": classification.value, "evidence": recorded.evidence_id}
        entry.about("case", case.pk, area_path=case.area_path, detail=detail)
    return case, recorded


def _person_of_case(
    *, actor: Actor, person_id: int | None, area: str, sex: str, birth_year: int | None, reference: str, source: str,
    at: datetime,
) -> PersonRef:  # fmt: skip
    """Who a new case is. Somebody who is not known is made, where the actor may edit cases."""
    if person_id is not None:
        ref = person_refs([person_id]).get(person_id)
        if ref is None or not actor.may(Permission.CASE_VIEW, ref.area_path):
            raise Absent("person")
        return ref
    if not area:
        raise BadInput("Say who this is, or in which area this person stays.")
    place = areas_by_code([area]).get(area)
    if place is None or not actor.may(Permission.CASE_VIEW, place.path):
        raise BadInput("There is no such area, or not one in which you may record cases.")
    # keyed under a name that no file can send: a number that comes again is another person
    made = persons_for_references(
        actor=actor, source=f"{source}:case", references=[f"{reference} {at.isoformat()}"], area=place,
        birth_years={} if birth_year is None else {f"{reference} {at.isoformat()}": birth_year},
        sexes={f"{reference} {at.isoformat()}": sex}, at=at,
    )  # fmt: skip
    return next(iter(made.values()))


def _classify(
    case: Case, classification: Classification, *, actor: Actor, at: datetime, write_id: str
) -> Recorded:
    # one of two who classify at the same time finds the old classification gone
    before = case.classification
    changed = Case.objects.filter(pk=case.pk, classification=before, voided_at=None).update(
        classification=classification.value
    )
    if not changed:
        raise Conflict("Somebody else has just changed this case: look at it again.")
    case.classification = classification.value
    return evidence_record(
        actor=actor,
        person_id=case.person_id,
        kind=EvidenceKind.DIAGNOSIS,
        at=at,
        value=diagnosis_value(classification, case.onset_date),
        source=case.source,
        now=at,
        identity=f"{case.case_id}\n{write_id}",
        disease=case.disease,
    )


def case_confirm(
    *,
    actor: Actor,
    case_id: int,
    at: datetime,
    classification: Classification = Classification.CONFIRMED,
    onset_date: date | None = None,
) -> Recorded:
    """Confirm a suspected or probable case (as confirmed or asymptomatic), and decide at once.

    `onset_date` where it became known only now. Raises Absent, Denied, Refused (it is confirmed or discarded
    already), BadInput (not a confirming classification; onset in the future).
    """
    if classification not in (Classification.CONFIRMED, Classification.ASYMPTOMATIC):
        raise BadInput("A case is confirmed as confirmed or as asymptomatic.")
    if onset_date is not None and onset_date > local_date(at, civil_zone()):
        raise BadInput("Onset cannot lie in the future.")
    with audited(actor=actor, action="case.confirm", at=at) as entry:
        case = access_case(actor, case_id)
        require(actor, Permission.CASE_EDIT, case.area_path)
        if case.classification not in (Classification.SUSPECTED, Classification.PROBABLE):
            raise Refused("Only a suspected or probable case can be confirmed.")
        if onset_date is not None and case.onset_date is None:
            case.onset_date = onset_date
            case.save(update_fields=["onset_date"])
        recorded = _classify(case, classification, actor=actor, at=at, write_id=entry.write_id)
        entry.about(
            "case",
            case.pk,
            area_path=case.area_path,
            detail={"classification": classification.value, "evidence": recorded.evidence_id},
        )
    return recorded


def case_discard(*, actor: Actor, case_id: int, reason: str, at: datetime) -> Recorded:
    """Discard a case that was none: its diagnosis and the exposures to it are taken back, and everybody
    touched is decided again. The log keeps the reason sealed. Raises Absent, Denied, Refused (discarded
    already), BadInput (no reason).
    """
    if not reason.strip():
        raise BadInput("Say why this is not a case.")
    with audited(actor=actor, action="case.discard", at=at) as entry:
        case = access_case(actor, case_id)
        require(actor, Permission.CASE_EDIT, case.area_path)
        if case.classification == Classification.DISCARDED:
            raise Refused("This case was discarded before.")
        recorded = _classify(case, Classification.DISCARDED, actor=actor, at=at, write_id=entry.write_id)
        # what this source said of this illness since the case was entered: suspected, then confirmed …
        said = list_evidence(actor, case.person_id).filter(
            kind=EvidenceKind.DIAGNOSIS.value, source=case.source, recorded_at__gte=case.recorded_at
        )
        taken_back = _void_facts(actor, said.exclude(pk=recorded.evidence_id), reason, at)
        exposures = Contact.objects.filter(from_case=case, voided_at=None).exclude(evidence_key=None)
        for person_id, key in exposures.values_list("person_id", "evidence_key"):
            taken_back += _void_facts(actor, list_evidence(actor, person_id).filter(key=key), reason, at)
        entry.about(
            "case",
            case.pk,
            area_path=case.area_path,
            detail={
                "reason": seal_reason(reason[:300], write_id=entry.write_id),
                "evidence": recorded.evidence_id,
                "voided": taken_back,
            },
        )
    return recorded


def _void_facts(actor: Actor, facts: QuerySet[Any], reason: str, at: datetime) -> int:
    """Void those of these facts that still hold; how many."""
    ids = list(facts.filter(voided_by=None).values_list("pk", flat=True))
    for evidence_id in ids:
        evidence_void(actor=actor, evidence_id=evidence_id, reason=reason, now=at)
    return len(ids)


def contact_add(
    *,
    actor: Actor,
    case_id: int,
    person_id: int,
    at: datetime,
    contact_class: ContactClass = ContactClass.CLOSE,
    first_exposure: date | None = None,
    last_exposure: date | None = None,
    setting: str = "",
    minutes: int | None = None,
    distance_m: float | None = None,
    via_person_id: int | None = None,
    source: str = "investigation",
) -> tuple[Contact, Recorded | None]:
    """Add one contact of a case, found by an investigator, and decide at once.

    Without any day of exposure the contact is kept and no evidence is made (None): nothing is invented.
    `via_person_id`: of a contact's contact, the contact between. Raises Absent (case or person), Denied,
    BadInput (days in the future or out of order; the case itself), Refused (a discarded case).
    """
    window = exposure_window(first_exposure, last_exposure)
    today = local_date(at, civil_zone())
    if window and (window[1] < window[0] or window[1] > today):
        raise BadInput("Exposure ends after it begins, and not in the future.")
    with audited(actor=actor, action="contact.add", at=at) as entry:
        case = access_case(actor, case_id)
        require(actor, Permission.CASE_EDIT, case.area_path)
        if case.classification == Classification.DISCARDED:
            raise Refused("This case was discarded: nobody was exposed to it.")
        wanted = {person_id} if via_person_id is None else {person_id, via_person_id}
        refs = person_refs(wanted)
        if wanted - set(refs):
            raise Absent("person")
        # at the case's place: its contacts may live in any county
        require(actor, Permission.EVIDENCE_RECORD, case.area_path)
        if person_id in (case.person_id, via_person_id):
            raise BadInput("Nobody is a contact of himself.")
        identity = f"contact\n{entry.write_id}"
        contact = Contact.objects.create(
            source=source,
            from_case=case,
            person_id=person_id,
            via_person_id=via_person_id,
            contact_class=contact_class.value,
            first_exposure=first_exposure,
            last_exposure=last_exposure,
            setting=setting,
            minutes=minutes,
            distance_m=distance_m,
            recorded_at=at,
            evidence_key=evidence_key(EvidenceKind.EXPOSURE.value, source, identity) if window else None,
        )
        recorded = None
        if window:
            recorded = evidence_record(
                actor=actor,
                person_id=person_id,
                kind=EvidenceKind.EXPOSURE,
                at=day_start(window[1], civil_zone()),
                value=exposure_value(
                    window=window,
                    contact_class=contact_class,
                    setting=setting,
                    minutes=minutes,
                    distance_m=distance_m,
                ),
                source=source,
                now=at,
                linked_person_id=linked_person(
                    contact_class, case_person=case.person_id, via_person=via_person_id
                ),
                identity=identity,
                disease=case.disease,
            )
        entry.about(
            "contact",
            contact.pk,
            area_path=refs[person_id].area_path,
            detail={"case": case.pk, "evidence": recorded.evidence_id if recorded else None},
        )
    return contact, recorded
