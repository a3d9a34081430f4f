"""Choosing language and area."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.page import Page
from qipan.rooms.geography.selectors import list_areas, search_areas
from qipan.terms.roles import Permission
from qipan.web.sign_in import safe_next


def remember_language(answer: HttpResponse, language: str) -> None:
    """Keep the choice in a cookie of this device."""
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax", httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


class Language(Page):
    """The switch between languages."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Only the button switches: whoever came by an address is shown the first page."""
        return redirect(safe_next(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Speak it on this device from now on."""
        answer = redirect(safe_next(request))
        language = request.POST.get("language", "")
        if language in dict(settings.LANGUAGES):
            remember_language(answer, language)
        return answer


class AreaSwitch(Page):
    """Choosing the area that all pages are narrowed to."""

    title = _("Choose an area")
    permission = Permission.AREA_VIEW
    template = "web/area_switch.html"
    help = _(
        "Everything is narrowed to the area that you choose. The choice is in the address: send it, and others see "
        "the same."
    )

    def get(self, request: HttpRequest) -> HttpResponse:
        """The areas above, beside and below, or those that match what was typed."""
        text = request.GET.get("name", "").strip()[:60]
        if text:
            areas: Any = search_areas(self.actor, text)
        else:
            below = list_areas(self.actor, self.area.path)
            depth = self.area.path.count("/") + 1
            areas = [area for area in below[:500] if area.path.count("/") <= depth][:200]
        target, _mark, query = safe_next(request).partition("?")
        kept = "&".join(part for part in query.split("&") if part and not part.startswith(("area=", "page=")))
        rows = [
            (area.name_zh if is_chinese() else area.name_en or area.name_zh, area.code, area.level,
             f"{target}?{kept + '&' if kept else ''}area={area.code}")
            for area in areas
        ]  # fmt: skip
        everything = f"{target}?{kept}" if kept else target
        return self.show(areas=rows, text=text, next=safe_next(request), everything=everything)
