"""What the frame around every page shows: navigation by role, area, reader, language, clock."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from qipan.foundation.pages.page import AreaChoice, Words
from qipan.foundation.pages.words import word
from qipan.terms.roles import Actor, Role
from qipan.web.acting import NOBODY
from qipan.web.guide import FIRST, contents
from qipan.web.navigation import SECTIONS

_NOWHERE = AreaChoice(code="", path="/", name="")


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the navigation as it is shown."""

    title: Words
    url: str
    current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    actor = getattr(request, "actor", NOBODY)
    user = getattr(request, "user", None)
    signed_in = bool(user is not None and user.is_authenticated)
    return {
        "frame": {
            "sections": sections_of(request) if signed_in else (),
            "area": getattr(request, "area", _NOWHERE),
            "user": user if signed_in else None,
            "roles": [word(Role, role) for role in dict.fromkeys(grant.role.value for grant in actor.grants)],
            "language": getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE),
            "now": getattr(request, "at", None),
            "demo": settings.DEMO,
            "wall": signed_in and request.GET.get("wall") == "1" and getattr(_view_class(request), "wall", False),
            "chapters": _chapters(actor) if signed_in else (),
        }
    }


def _view_class(request: HttpRequest) -> Any:
    view = request.resolver_match.func if request.resolver_match else None
    return getattr(view, "view_class", None)


def sections_of(request: HttpRequest) -> list[Section]:
    """The entries that the reader may open, the present one marked."""
    actor = getattr(request, "actor", NOBODY)
    present = getattr(_view_class(request), "section", "")
    shown = []
    for entry in SECTIONS:
        if entry.permissions and not any(actor.areas_for(permission) for permission in entry.permissions):
            continue
        try:
            shown.append(Section(entry.title, reverse(entry.url), entry.name == present))
        except NoReverseMatch:
            continue
    return shown


def _chapters(actor: Actor) -> list[dict[str, str]]:
    """The chapters that help here: those of the reader's roles, the first hour, then the whole guide."""
    whole = {"title": gettext("User guide"), "url": reverse("guide")}
    chapters = contents(actor)
    near = [each for each in chapters if each.mine or each.name == FIRST]
    return [*({"title": each.title, "url": each.url} for each in near), whole]
