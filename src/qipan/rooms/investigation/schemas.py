"""Cases and contacts as the API takes and shows them."""

from datetime import date
from typing import Annotated

from ninja import Field, Schema

from qipan.foundation.http.api import code_of
from qipan.foundation.http.versions import version_of
from qipan.rooms.investigation.models import Case, Contact
from qipan.terms.evidence import Classification, ContactClass
from qipan.terms.identity import person_code

Text = Annotated[str, Field(max_length=80)]


class CaseOut(Schema):
    """A row of the line list."""

    id: int
    source: str
    case_id: str
    person: str
    classification: Classification
    onset_date: date | None
    report_date: date | None
    area: str
    outcome: str
    source_case_id: str
    version: str


class CasesPage(Schema):
    """A page of cases."""

    items: list[CaseOut]
    next: str


class CaseIn(Schema):
    """A case found by an investigator: of a known person, or of somebody of whom only the area is known."""

    person: Annotated[str, Field(max_length=24)] = ""
    area: Annotated[str, Field(max_length=20)] = ""
    case_id: Text = ""
    classification: Classification = Classification.SUSPECTED
    onset_date: date | None = None
    report_date: date | None = None
    source_case_id: Text = ""


class ConfirmIn(Schema):
    """Confirmed, or asymptomatic; onset where it became known only now."""

    classification: Classification = Classification.CONFIRMED
    onset_date: date | None = None


class ReasonIn(Schema):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=300)]


class ContactOut(Schema):
    """A contact of a case."""

    id: int
    case: int
    person: str
    contact_class: ContactClass
    first_exposure: date | None
    last_exposure: date | None
    setting: str
    minutes: int | None
    distance_m: float | None


class ContactsPage(Schema):
    """A page of contacts."""

    items: list[ContactOut]
    next: str


class ContactIn(Schema):
    """A contact found by an investigator."""

    person: Annotated[str, Field(max_length=24)]
    contact_class: ContactClass = ContactClass.CLOSE
    first_exposure: date | None = None
    last_exposure: date | None = None
    setting: Text = ""
    minutes: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    distance_m: Annotated[float, Field(ge=0, le=10_000)] | None = None


def case_state(case: Case) -> dict[str, object]:
    """What a case's version covers."""
    return {
        "id": case.pk, "source": case.source, "case_id": case.case_id, "person": person_code(case.person_id),
        "classification": str(case.classification), "onset_date": case.onset_date, "report_date": case.report_date,
        "area": code_of(case.area_path), "outcome": str(case.outcome),
        "source_case_id": case.source_case_id,
    }  # fmt: skip


def case_out(case: Case) -> CaseOut:
    """One case."""
    state = case_state(case)
    return CaseOut(**state, version=version_of(state))  # type: ignore[arg-type]


def contact_out(contact: Contact) -> ContactOut:
    """One contact."""
    return ContactOut(
        id=contact.pk, case=contact.from_case_id, person=person_code(contact.person_id),
        contact_class=ContactClass(contact.contact_class), first_exposure=contact.first_exposure,
        last_exposure=contact.last_exposure, setting=contact.setting, minutes=contact.minutes,
        distance_m=contact.distance_m,
    )  # fmt: skip
