"""The reader's language: chosen here before, else the account's, else what the browser asks for."""

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import translation


class LanguageMiddleware:
    """Speaks it for the length of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate the language, answer, and say which it was."""
        language = language_of(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", "zh-Hans" if language == "zh-hans" else language)
        return response


def language_of(request: HttpRequest) -> str:
    """zh-hans or en."""
    known = dict(settings.LANGUAGES)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in known:
        return chosen
    try:
        if request.user.is_authenticated and getattr(request.user, "language", "") in known:
            return str(request.user.language)
    except (OperationalError, InterfaceError):
        pass  # web.acting says so, in the browser's language
    # what browsers call zh-CN is our zh-hans
    return translation.get_language_from_request(request)
