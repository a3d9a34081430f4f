"""What every operation of the API has in common: who acts, pages of rows, answers given once, errors as JSON."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Schema

from qipan.foundation.audit.services import record_denial
from qipan.foundation.http.idempotency import once, request_digest
from qipan.foundation.http.paging import Sort, page_of, page_of_sequence
from qipan.terms.errors import Absent, BadInput, Denied
from qipan.terms.identity import parse_person_code
from qipan.terms.roles import Actor

T = TypeVar("T")

#: rows of one page
MOST, USUAL = 200, 50


class ApiRequest(HttpRequest):
    """A request as the shell hands it to operations: the token's actor, the moment, the chosen area."""

    actor: Actor
    at: datetime
    area_path: str
    token_user_id: int


class Problem(Schema):
    """An error in words; `detail` says which fields."""

    error: str
    detail: list[str] = Field(default_factory=list)


#: what every operation may answer beside its result
PROBLEMS: dict[int, Any] = {400: Problem, 401: Problem, 404: Problem, 409: Problem, 422: Problem, 429: Problem}

#: common query parameters
Cursor = Annotated[str, Field(max_length=2000, description="marker of a page: `next` of the page before")]
Limit = Annotated[int, Field(ge=1, le=MOST, description="rows of a page")]


#: ids beyond this are none of the database's
_LARGEST = 2**63 - 1


def row_id(number: int) -> int:
    """An id from a path. Raises Absent for what no row can have."""
    if not 0 < number <= _LARGEST:
        raise Absent("row")
    return number


def person_in_path(code: str) -> int:
    """The id behind a person code in a path. Raises Absent for what is none: it looks like an unknown person."""
    try:
        return row_id(parse_person_code(code))
    except ValueError:
        raise Absent("person") from None


def person_in_body(code: str) -> int:
    """The id behind a person code in a body. Raises BadInput for what is none."""
    try:
        return row_id(parse_person_code(code))
    except ValueError:
        raise BadInput("“%(code)s” is no code of a person.", code=code[:30]) from None


def code_of(path: str) -> str:
    """The code of the area at the end of a path."""
    return path.rstrip("/").rpartition("/")[2]


def rows_page(
    rows: QuerySet[Any] | Sequence[Any], shape: Callable[[Any], T], *, cursor: str, limit: int
) -> dict[str, Any]:
    """One page: ``{"items": [...], "next": marker or ""}``. Raises BadInput for a marker that is none."""
    if isinstance(rows, QuerySet):
        part = page_of(rows, sort=Sort("pk"), size=limit, cursor=cursor)
    else:
        part = page_of_sequence(rows, size=limit, cursor=cursor)
    return {"items": [shape(row) for row in part.rows], "next": part.next}


def act_once(request: ApiRequest, action: str, act: Callable[[], Any], *, status: int = 201) -> tuple[int, Any]:
    """Run a mutation for this request: once for its ``Idempotency-Key`` header, where it has one.

    `act` calls one service and answers with JSON values. A denial is logged here once more where the transaction
    around it took the service's own entry back.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return status, act()
    digest = request_digest(request.method or "", request.get_full_path(), request.body)
    try:
        return once(
            user_id=request.token_user_id, key=key, request=digest, at=request.at,
            act=lambda: (status, json.loads(json.dumps(act(), default=str))),
        )  # fmt: skip
    except Denied as denied:
        record_denial(actor=request.actor, action=action, at=request.at, denied=denied)
        raise
