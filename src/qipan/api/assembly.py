"""`/api/v1`: the rooms' routers under one schema, errors as JSON, nothing served without a token."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from qipan.api.tokens import TokenAuth
from qipan.foundation.http.batches_api import router as batches
from qipan.foundation.http.statuses import status_of
from qipan.foundation.pages.speech import say
from qipan.rooms.command.api import router as indicators
from qipan.rooms.control.api import router as control
from qipan.rooms.investigation.api import router as investigation
from qipan.rooms.persons.api import router as persons
from qipan.rooms.quarantine.api import router as quarantine
from qipan.terms.errors import QipanError

api = NinjaAPI(
    title="qipan",
    version="1",
    description="Facts in, decisions and work out: the same services and selectors as the pages, the same rights. "
    "A token is made on the account page; it never does more than its owner may, within its permissions and its area. "
    "Lists page by cursor (`next`). A request with an `Idempotency-Key` header is done once. `If-Match` with an "
    "object's `version` refuses to change what was changed meanwhile (409).",
    auth=[TokenAuth()],
    urls_namespace="api-1",
    docs_url=None,  # a page of our own: api.reference
)
for _router in (persons, investigation, control, quarantine, indicators, batches):
    api.add_router("", _router)


@api.exception_handler(QipanError)
def _answer(request: HttpRequest, error: QipanError) -> HttpResponse:
    """An error that is an answer, in the reader's language."""
    return api.create_response(request, {"error": say(error), "detail": []}, status=status_of(error))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Which fields are wrong, and why."""
    lines = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors]
    told = {"error": gettext("The request does not fit the schema."), "detail": lines}
    return api.create_response(request, told, status=422)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """No token, or one that does not hold."""
    return api.create_response(request, {"error": gettext("A valid token is needed."), "detail": []}, status=401)


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What ninja itself refuses (a body that is no JSON)."""
    told: dict[str, Any] = {"error": str(error), "detail": []}
    return api.create_response(request, told, status=error.status_code)
