"""Line list and contacts over the API."""

from typing import Any

from ninja import Header, Router

from qipan.foundation.http.api import (
    PROBLEMS,
    USUAL,
    ApiRequest,
    Cursor,
    Limit,
    act_once,
    person_in_body,
    row_id,
    rows_page,
)
from qipan.foundation.http.versions import require_version
from qipan.rooms.investigation.schemas import (
    CaseIn,
    CaseOut,
    CasesPage,
    ConfirmIn,
    ContactIn,
    ContactOut,
    ContactsPage,
    ReasonIn,
    case_out,
    case_state,
    contact_out,
)
from qipan.rooms.investigation.selectors import access_case, contacts_of, line_list, list_contacts
from qipan.rooms.investigation.services import case_add, case_confirm, case_discard, contact_add

router = Router(tags=["cases"])


@router.get("/cases", response={200: CasesPage, **PROBLEMS}, summary="The line list")
def cases(request: ApiRequest, area: str = "", cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of cases of the area, in the order of their entry."""
    return rows_page(line_list(request.actor, below=request.area_path), case_out, cursor=cursor, limit=limit)


@router.get("/cases/{case}", response={200: CaseOut, **PROBLEMS}, summary="One case")
def case(request: ApiRequest, case: int) -> Any:
    """One case with its version."""
    return case_out(access_case(request.actor, row_id(case)))


@router.post("/cases", response={201: CaseOut, **PROBLEMS}, summary="Enter a case")
def add(request: ApiRequest, body: CaseIn) -> Any:
    """Enter a case, and decide at once."""

    def act() -> Any:
        made, _ = case_add(
            actor=request.actor, at=request.at, area=body.area, case_id=body.case_id,
            person_id=person_in_body(body.person) if body.person else None, classification=body.classification,
            onset_date=body.onset_date, report_date=body.report_date, source_case_id=body.source_case_id,
        )  # fmt: skip
        return case_out(made).model_dump(mode="json")

    return act_once(request, "case.add", act)


@router.post("/cases/{case}/confirm", response={200: CaseOut, **PROBLEMS}, summary="Confirm a case")
def confirm(request: ApiRequest, case: int, body: ConfirmIn, if_match: Header[str] = "") -> Any:
    """Confirm a suspected or probable case."""

    def act() -> Any:
        require_version(case_state(access_case(request.actor, row_id(case))), if_match)
        case_confirm(
            actor=request.actor, case_id=case, at=request.at, classification=body.classification,
            onset_date=body.onset_date,
        )  # fmt: skip
        return case_out(access_case(request.actor, case)).model_dump(mode="json")

    return act_once(request, "case.confirm", act, status=200)


@router.post("/cases/{case}/discard", response={200: CaseOut, **PROBLEMS}, summary="Discard a case that was none")
def discard(request: ApiRequest, case: int, body: ReasonIn, if_match: Header[str] = "") -> Any:
    """Take the diagnosis and the exposures to it back; everybody touched is decided again."""

    def act() -> Any:
        require_version(case_state(access_case(request.actor, row_id(case))), if_match)
        case_discard(actor=request.actor, case_id=case, reason=body.reason, at=request.at)
        return case_out(access_case(request.actor, case)).model_dump(mode="json")

    return act_once(request, "case.discard", act, status=200)


@router.get("/contacts", response={200: ContactsPage, **PROBLEMS}, summary="Contacts who live in the area")
def contacts(request: ApiRequest, area: str = "", cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of contacts."""
    return rows_page(list_contacts(request.actor, below=request.area_path), contact_out, cursor=cursor, limit=limit)


@router.get("/cases/{case}/contacts", response={200: ContactsPage, **PROBLEMS}, summary="The contacts of a case")
def case_contacts(request: ApiRequest, case: int, cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of the contacts of one case, wherever they live."""
    return rows_page(contacts_of(request.actor, row_id(case)), contact_out, cursor=cursor, limit=limit)


@router.post("/cases/{case}/contacts", response={201: ContactOut, **PROBLEMS}, summary="Add a contact")
def add_contact(request: ApiRequest, case: int, body: ContactIn) -> Any:
    """Add a contact of a case, and decide at once."""

    def act() -> Any:
        made, _ = contact_add(
            actor=request.actor, case_id=row_id(case), person_id=person_in_body(body.person), at=request.at,
            contact_class=body.contact_class, first_exposure=body.first_exposure, last_exposure=body.last_exposure,
            setting=body.setting, minutes=body.minutes, distance_m=body.distance_m,
        )  # fmt: skip
        return contact_out(made).model_dump(mode="json")

    return act_once(request, "contact.add", act)
