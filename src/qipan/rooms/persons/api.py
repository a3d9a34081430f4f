"""People by pseudonym. Identities do not leave by the API."""

from typing import Any

from ninja import Router

from qipan.foundation.http.api import PROBLEMS, USUAL, ApiRequest, Cursor, Limit, person_in_path, rows_page
from qipan.rooms.persons.schemas import PeoplePage, PersonOut, person_out
from qipan.rooms.persons.selectors import access_person, list_persons

router = Router(tags=["people"])


@router.get("/people", response={200: PeoplePage, **PROBLEMS}, summary="People whom the token may see")
def people(request: ApiRequest, area: str = "", cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of pseudonymous people of the area."""
    return rows_page(list_persons(request.actor, request.area_path), person_out, cursor=cursor, limit=limit)


@router.get("/people/{person}", response={200: PersonOut, **PROBLEMS}, summary="One person")
def person(request: ApiRequest, person: str) -> Any:
    """A pseudonymous person by code."""
    return person_out(access_person(request.actor, person_in_path(person)))
