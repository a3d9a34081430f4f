"""The user guide inside the application: chapters in Markdown beside this module (docs/guide points here)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from markdown_it import MarkdownIt

from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.page import Page, Words, address
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Role

FOLDER = Path(__file__).parent / "guide"
FIRST = "first-hour"
#: the chapters in the order of the contents: the first hour, then a chapter a role
CHAPTERS = (FIRST, *(role.value.replace("_", "-") for role in Role if role is not Role.SYSTEM))
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the contents."""

    name: str
    title: str
    url: str
    mine: bool = False


@lru_cache(maxsize=64)
def chapter_text(language: str, name: str) -> str:
    """A chapter as it is written."""
    return (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def _rendered(language: str, name: str) -> tuple[str, SafeString]:
    text = chapter_text(language, name)
    title = _TITLE.search(text)
    body = _TITLE.sub("", text, count=1)
    # raw HTML stays text; links between chapters become addresses
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    html = re.sub(r'href="([a-z-]+)\.md"', lambda m: f'href="{address("guide-chapter", m[1])}"', html)
    html = html.replace("<pre>", '<pre tabindex="0">').replace("<table>", '<table class="table">')
    return (title[1] if title else name), mark_safe(html)  # noqa: S308 - our own files, raw HTML switched off


def _language() -> str:
    return "zh" if is_chinese() else "en"


def contents(actor: Actor) -> list[Chapter]:
    """The chapters: the first hour, those of the reader's roles, the others."""
    held = {grant.role.value.replace("_", "-") for grant in actor.grants}
    order = sorted(CHAPTERS, key=lambda name: (name not in held, name != FIRST))
    return [
        Chapter(name, _rendered(_language(), name)[0], address("guide-chapter", name), name in held) for name in order
    ]


class Guide(Page):
    """A chapter, and the contents beside it."""

    title = _("User guide")
    template = "web/guide.html"
    before_password = True

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The chapter asked for; without one, that of the reader's role."""
        chapters = contents(self.actor)
        self.name = kwargs.get("chapter") or chapters[0].name
        if self.name not in CHAPTERS:
            raise Absent("chapter")
        title, body = _rendered(_language(), self.name)
        return self.show(heading=title, body=body, chapters=chapters, name=self.name)

    def page_title(self) -> Words:
        """The guide's."""
        return self.title
