"""Whether the doors are visited, who is not found or refuses, and whether samples are taken when due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.rollup import rolled_up
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.selectors import TEST, VISIT, WorkItem, local, passed_on, work_of_day
from qipan.terms.roles import SYSTEM_ACTOR, Actor

#: from this many visits in a row to a closed door it is counted (one before the tracer takes over)
_NOT_FOUND = 2


@dataclass(slots=True)
class _Pass:
    """The work of the pass under way. Every indicator of a pass is handed the same sequence of areas; holding it
    keeps another sequence from being taken for it.
    """

    areas: Sequence[AreaRow]
    moment: datetime
    items: list[WorkItem]


_last: list[_Pass] = []


def _of_pass(areas: Sequence[AreaRow], moment: datetime) -> list[WorkItem]:
    """All work of the day, computed once for the indicators that are computed of it in one pass."""
    for found in tuple(_last):
        if found.areas is areas and found.moment == moment:
            return found.items
    items = work_of_day(SYSTEM_ACTOR, local(moment).date(), at=moment)
    _last[:] = [_Pass(areas, moment, items)]
    return items


def _items(actor: Actor, area_path: str | None, moment: datetime, task: str) -> list[WorkItem]:
    return [item for item in work_of_day(actor, local(moment).date(), area_path, at=moment) if item.task == task]


def _shares(areas: Sequence[AreaRow], items: list[WorkItem]) -> Iterable[Measured]:
    return rolled_up(areas, ((item.area_path, int(item.done), 1) for item in items), share=True)


def _visits_done(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return _shares(areas, [item for item in _of_pass(areas, moment) if item.task == VISIT])


def _tests_done(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return _shares(areas, [item for item in _of_pass(areas, moment) if item.task == TEST])


def _is_missed(item: WorkItem) -> bool:
    return item.task == VISIT and item.missed_since is not None and not item.done


def _visits_overdue(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(
        areas, ((item.area_path, 1, 0) for item in _of_pass(areas, moment) if _is_missed(item)), share=False
    )


def _is_closed_door(item: WorkItem) -> bool:
    return item.task == VISIT and item.not_found_in_row >= _NOT_FOUND


def _not_found(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(
        areas, ((item.area_path, 1, 0) for item in _of_pass(areas, moment) if _is_closed_door(item)), share=False
    )


def _refusals(actor: Actor, area_path: str | None, moment: datetime) -> list[Visit]:
    return passed_on(actor, local(moment).date(), "supervisor", area_path)


def _refused(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    return rolled_up(areas, ((visit.area_path, 1, 0) for visit in _refusals(SYSTEM_ACTOR, None, moment)), share=False)


INDICATORS: Iterable[Indicator] = (
    Indicator(
        id="fieldwork.follow_ups_done",
        title=_("Follow-up visits done today"),
        unit="%",
        better="up",
        standard=_(
            "All of them, every day until the order ends (WHO, contact tracing guidance, 2021-02: daily follow-up)"
        ),
        compute=_visits_done,
        listing=lambda actor, path, at: _items(actor, path, at, VISIT),
    ),
    Indicator(
        id="fieldwork.visits_overdue",
        title=_("People not seen since yesterday or longer"),
        unit=gettext_noop("people"),
        better="down",
        standard=_("0: daily follow-up leaves no day out (WHO, contact tracing guidance, 2021-02)"),
        compute=_visits_overdue,
        listing=lambda actor, path, at: [i for i in _items(actor, path, at, VISIT) if _is_missed(i)],
    ),
    Indicator(
        id="fieldwork.not_found_twice",
        title=_("People not found twice in a row or more"),
        unit=gettext_noop("people"),
        better="down",
        standard=_("0; at three in a row the tracer takes over (the product's own rule)"),
        compute=_not_found,
        listing=lambda actor, path, at: [i for i in _items(actor, path, at, VISIT) if _is_closed_door(i)],
    ),
    Indicator(
        id="fieldwork.refused",
        title=_("People who refuse to be visited"),
        unit=gettext_noop("people"),
        better="down",
        standard=_("No published norm; each is a matter for the supervisor on the same day"),
        compute=_refused,
        listing=lambda actor, path, at: _refusals(actor, path, at),
    ),
    Indicator(
        id="fieldwork.tests_done",
        title=_("Tests due at home that are done"),
        unit="%",
        better="up",
        standard=_(
            "All of them, on the days that the rulebook's plan names (9th edition: contacts on days 1, 2, 3, 5, 7)"
        ),
        compute=_tests_done,
        listing=lambda actor, path, at: _items(actor, path, at, TEST),
    ),
)
