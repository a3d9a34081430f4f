"""The detail: state and clocks, facts in two columns, a timeline of what happened with who and why, actions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Cell, Column, cell, names_for
from qipan.foundation.pages.list_page import Link
from qipan.foundation.pages.page import Page, Words
from qipan.foundation.pages.words import Grave


@dataclass(frozen=True, slots=True)
class State:
    """What something is now: a word and how grave it is. `code`: it is a health code, shown with its shape."""

    text: Words
    grave: Grave = Grave.QUIET
    code: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment by which something must happen, or until which something holds."""

    title: Words
    at: datetime
    #: passing it is nobody's failure (the end of an order)
    neutral: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: when, what, by whom, why."""

    at: datetime
    what: Words
    who: Words = ""
    why: Words = ""
    href: str = ""
    grave: Grave = Grave.QUIET


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do here: a link to its form. `grave`: it restricts or takes back, and says so."""

    title: Words
    url: str
    primary: bool = False
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Related things: a small table (`columns` and `rows`), or words. `more`: the whole list."""

    title: Words
    columns: Sequence[Column] = ()
    rows: Sequence[Any] = ()
    empty: Words = ""
    more: str = ""
    #: in the middle, above the timeline, where a table needs the room
    main: bool = False
    #: a template of its own, which finds `context` in `panel.context`
    template: str = ""
    context: dict[str, Any] = field(default_factory=dict)


class DetailPage(Page):
    """One thing. A room says what it is; fetching it is authorising."""

    template = "pages/detail.html"
    facts: ClassVar[Sequence[Column]] = ()
    #: template of the middle, above the timeline (a board of rooms, a picture)
    body: ClassVar[str] = ""

    def fetch(self, **kwargs: Any) -> Any:
        """The thing, by a selector `access_…`, which raises Absent where it is not the reader's."""
        raise NotImplementedError

    def state(self, thing: Any) -> Sequence[State]:
        """What it is now."""
        return ()

    def clocks(self, thing: Any) -> Sequence[Clock]:
        """Which moments count."""
        return ()

    def timeline(self, thing: Any) -> Sequence[Event]:
        """What happened, newest first."""
        return ()

    def panels(self, thing: Any) -> Sequence[Panel]:
        """Related things, at the right."""
        return ()

    def actions(self, thing: Any) -> Sequence[Action]:
        """What the reader may do here."""
        return ()

    def besides(self, thing: Any) -> dict[str, Any]:
        """What `body` needs."""
        return {}

    def heading(self, thing: Any) -> Words:
        """The name of the thing."""
        return str(thing)

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page."""
        return self.answer(self.fetch(**kwargs))

    def answer(self, thing: Any, *, status: int = 200, **more: Any) -> HttpResponse:
        """The page of a thing that was fetched."""
        said = names_for(self.facts, [thing])
        clocks = [
            {
                "title": clock.title,
                "at": clock.at,
                "said": formats.until(clock.at, self.at) if not clock.neutral or clock.at >= self.at else "",
                "late": clock.at < self.at and not clock.neutral,
            }
            for clock in self.clocks(thing)
        ]
        panels = [self._panel(panel) for panel in self.panels(thing)]
        return self.show(
            thing=thing,
            heading=self.heading(thing),
            states=self.state(thing),
            clocks=clocks,
            facts=[cell(column, thing, said, now=self.at, area=self.area.code) for column in self.facts],
            events=self.timeline(thing),
            main_panels=[each for each in panels if each["panel"].main],
            panels=[each for each in panels if not each["panel"].main],
            actions=self.actions(thing),
            head=(),
            status=status,
            **{**self.besides(thing), **more},
        )

    def _panel(self, panel: Panel) -> dict[str, Any]:
        said = names_for(panel.columns, panel.rows)
        rows: list[list[Cell]] = [
            [cell(column, row, said, now=self.at, area=self.area.code) for column in panel.columns]
            for row in panel.rows
        ]
        return {"panel": panel, "headings": [column.title for column in panel.columns], "rows": rows}


__all__ = ["Action", "Clock", "DetailPage", "Event", "Link", "Panel", "State"]
