"""The global search. What could be a person's number, phone or name is never put into an address."""

import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import names, searching
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.foundation.pages.searching import Group
from qipan.terms.errors import BadInput
from qipan.terms.identity import parse_person_code
from qipan.terms.roles import Permission
from qipan.web.frame import sections_of

_LONGEST = 60
_GAPS = re.compile(r"[\s()（）-]")
_CITIZEN = re.compile(r"\d{15}|\d{17}[\dXx]")
_PASSPORT = re.compile(r"[A-Za-z]{1,2}\d{7,9}|SYN-.+", re.IGNORECASE)
#: an area's code has 6, 9 or 12 digits and begins with its province; a longer run of digits is a phone
_AREA = re.compile(r"[1-9]\d{5}(\d{3}){0,2}(-\d+)?")
_PHONE = re.compile(r"\+?\d{7,15}")
#: ids of our own, which may stand in an address
_CODE = re.compile(r"#?[\w.\-]{1,60}", re.ASCII)


def personal_kind(text: str) -> str:
    """`document` or `phone` where the text looks like one, "" otherwise. A person's code is no personal data."""
    try:
        parse_person_code(text)
    except ValueError:
        pass
    else:
        return ""
    bare = _GAPS.sub("", text)
    if _CITIZEN.fullmatch(bare) or _PASSPORT.fullmatch(text.strip()):
        return "document"
    if _PHONE.fullmatch(bare) and not _AREA.fullmatch(text.strip()):
        return "phone"
    return ""


class Search(Page):
    """Things by id or name, and the way to a person by exact name, number or phone."""

    title = _("Search")
    template = "web/search.html"
    help = _(
        "Ids of cases, people’s codes (P…), areas, units, sites, accounts and orders (#123). A person is found by "
        "exact name, number or phone, for a purpose; the search is in the log."
    )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """What goes by the text in the address; one that looks personal is taken out of it."""
        text = self._text(self.request.GET.get("q", ""))
        if personal_kind(text):
            return redirect(f"{reverse('search')}?{urlencode({'person': personal_kind(text)})}")
        by = self.request.GET.get("person", "")
        return self._answer(text, by=by if by in ("document", "phone") else "")

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """From the search box: ids go into the address, everything else stays out of it."""
        text = self._text(self.request.POST.get("q", ""))
        if kind := personal_kind(text):
            return self._answer("", by=kind, typed=text)
        if not _CODE.fullmatch(text):
            return self._answer(text)
        exact = [found for group in self._groups(text) for found in group.found if found.exact]
        if len(exact) == 1:
            return redirect(with_area(exact[0].url, self.area.code))
        return redirect(with_area(f"{reverse('search')}?{urlencode({'q': text})}", self.area.code))

    def _text(self, typed: str) -> str:
        text = " ".join(typed.split())
        if len(text) > _LONGEST or "\0" in text:
            raise BadInput("This text cannot be searched for: it is too long or holds signs that no text has.")
        return text

    def _groups(self, text: str) -> list[Group]:
        return searching.search(self.actor, text) if text else []

    def _found(self, text: str) -> list[tuple[Words, list[tuple[Words, str, Words]]]]:
        """(sort, [(title, address, note)]), the pages of the navigation last."""
        area = self.area.code
        shown: list[tuple[Words, list[tuple[Words, str, Words]]]] = [
            (group.title, [(each.title, with_area(each.url, area), each.note) for each in group.found])
            for group in self._groups(text)
        ]
        pages: list[tuple[Words, str, Words]] = [
            (each.title, with_area(each.url, area), "")
            for each in sections_of(self.request)
            if text and text.lower() in str(each.title).lower()
        ]
        return [*shown, (_("Pages"), pages)] if pages else shown

    def _answer(self, text: str, *, by: str = "", typed: str = "") -> HttpResponse:
        target = address("person-search")
        may = bool(target and self.actor.areas_for(Permission.IDENTITY_SEARCH))
        return self.show(
            text=text, groups=self._found(text), by=by or ("name" if text else ""), typed=typed or text,
            person_search=target if may else "", purposes=names.purposes() if may else (), personal=bool(by),
            kinds=(("name", _("name")), ("document", _("document number")), ("phone", _("phone"))),
        )  # fmt: skip
