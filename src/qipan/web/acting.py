"""Every request: who acts, at which moment, in which area."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from qipan.foundation import clock
from qipan.foundation.http.statuses import status_of
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.page import AreaChoice, PageRequest
from qipan.rooms.geography.selectors import area_line
from qipan.rooms.organizations.selectors import actor_for
from qipan.terms.errors import QipanError
from qipan.terms.roles import Actor, Permission
from qipan.web.errors import error_page

HEALTH = "/health"
NOBODY = Actor(user_id=None, unit_id=None, grants=(), label="nobody")
#: how often an open session's end is moved on (seconds): not at every request, which would write each time
_TOUCH = 120


class ActingMiddleware:
    """Sets `actor`, `at` and `area`, which services and selectors are handed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Build the actor once; the area is looked up when a page asks for it."""
        here = cast(PageRequest, request)
        here.at = clock.now()
        try:
            here.actor = actor_for(here.user, here.at) if request.user.is_authenticated else NOBODY
            if here.actor is not NOBODY:
                _touch(request)
        except (OperationalError, InterfaceError):
            # the page that says which part is broken is still shown to whoever is signed in
            here.actor = NOBODY
            if request.path != HEALTH:
                return error_page(request, 503)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """The chosen area, once the address is known to be one of ours; one that is not the reader's looks absent."""
        here = cast(PageRequest, request)
        if request.path.startswith("/api/") and not hasattr(view, "view_class"):
            return None  # a token acts there (api.tokens), not a session; the page about it is a page
        try:
            here.area = area_of(here.actor, request.GET.get("area", ""))
        except QipanError as error:
            return error_page(request, status_of(error))
        return None


def _touch(request: HttpRequest) -> None:
    seen = request.session.get("seen")
    now = timezone.now()
    if seen is None or (now - datetime.fromisoformat(seen)).total_seconds() > _TOUCH:
        request.session["seen"] = now.isoformat()


def area_of(actor: Actor, code: str) -> AreaChoice:
    """The area of this code; without one, the widest that the actor holds ("/" where that is no single one)."""
    if code:
        return _choice(actor, code)
    prefixes = actor.areas_for(Permission.AREA_VIEW)
    widest = [path for path in prefixes if not any(path != other and path.startswith(other) for other in prefixes)]
    if len(widest) == 1 and widest[0] != "/":
        return _choice(actor, widest[0].rstrip("/").rpartition("/")[2], widest[0])
    return AreaChoice(code="", path="/", name=gettext("all areas") if actor.grants else "")


def _choice(actor: Actor, code: str, path: str = "") -> AreaChoice:
    *above, area = area_line(actor, code, path)
    chinese = is_chinese()

    def name(each: Any) -> str:
        return str(each.name_zh if chinese else each.name_en or each.name_zh)

    return AreaChoice(area.code, area.path, name(area), area.level, tuple((each.code, name(each)) for each in above))
