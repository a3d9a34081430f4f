"""Errors as pages: what happened, why, and what to do now. Forbidden looks exactly like absent."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext

from qipan.foundation.http.statuses import status_of
from qipan.foundation.pages.speech import say
from qipan.terms.errors import QipanError

logger = logging.getLogger("qipan.web")


class ErrorsMiddleware:
    """Turns the errors that are answers into pages; the others into one that says nothing of the inside."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, but for what holds a zero character: no text has one, and PostgreSQL keeps none."""
        if "\0" in request.path:
            return error_page(request, 404)
        if holds_zero(request):
            return error_page(request, 400, gettext("This request holds signs that no text has."))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page of an error."""
        if isinstance(error, QipanError):
            status = status_of(error)
            return error_page(request, status, say(error) if status != 404 else "")
        if isinstance(error, Http404):
            return error_page(request, 404)
        if isinstance(error, OperationalError | InterfaceError):
            logger.error("the database cannot be used: %s", type(error).__name__)
            return error_page(request, 503)
        return None


def holds_zero(request: HttpRequest) -> bool:
    """Whether a zero character is in the query or in a body of the API (fields of forms are looked at by the forms)."""
    if "%00" in request.META.get("QUERY_STRING", ""):
        return True
    if not request.path.startswith("/api/") or request.content_type != "application/json":
        return False
    return b"\\u0000" in request.body


def error_page(request: HttpRequest, status: int, text: str = "") -> HttpResponse:
    """A page that says what happened and what to do now."""
    title, said, todo = {
        400: (gettext("This cannot be done so"), "", gettext("Go back, mend it and try again.")),
        404: (
            gettext("Not found"),
            gettext("There is no such page, or it is not yours to see."),
            gettext("Check the address and the area, or search."),
        ),
        409: (gettext("Somebody else was first"), "", gettext("Open the page again and look at what changed.")),
        422: (gettext("A rule of the house forbids this"), "", ""),
        503: (
            gettext("The database cannot be reached"),
            gettext("What was acknowledged is kept."),
            gettext("Try again in a minute; if it lasts, call whoever runs this machine."),
        ),
        429: (gettext("Too many tries"), "", gettext("Wait, then try again.")),
    }.get(status, (gettext("Something went wrong"), "", gettext("Try again; if it lasts, say when.")))
    if request.path.startswith("/api/"):
        return JsonResponse({"error": text or said or title, "detail": []}, status=status)
    try:
        return render(
            request, "pages/message.html", {"title": title, "text": text or said, "todo": todo}, status=status
        )
    except (DatabaseError, InterfaceError):
        return HttpResponse(f"{title}. {text or said} {todo}", status=status, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What Django itself cannot read."""
    return error_page(request, 400)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """An address that is none of ours."""
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A defect of ours: nothing of it is shown."""
    title = gettext("Something went wrong")
    if request.path.startswith("/api/"):
        return JsonResponse({"error": title}, status=500)
    return HttpResponse(title, status=500, content_type="text/plain; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our own page, or came too late."""
    return error_page(
        request, 400, gettext("This form was open too long, or came from somewhere else: load the page anew.")
    )
