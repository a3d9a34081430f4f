"""What the authority owes: orders that wait for it beyond their end, appeals that nobody answered."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from qipan.foundation.access.scoping import within
from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.tally import measured_counts
from qipan.rooms.control.selectors import OrderFact, appeals_overdue, list_appeals, order_facts
from qipan.terms.roles import SYSTEM_ACTOR, Actor


def _awaiting(actor: Actor, area_path: str | None, moment: datetime) -> list[OrderFact]:
    return [fact for fact in order_facts(actor, at=moment, below=area_path) if fact.awaiting]


def _orders_overdue(areas: Sequence[AreaRow], moment: datetime) -> Iterator[Measured]:
    return measured_counts(areas, (fact.area_path for fact in _awaiting(SYSTEM_ACTOR, None, moment)))


def _appeals_overdue(areas: Sequence[AreaRow], moment: datetime) -> Iterator[Measured]:
    overdue = appeals_overdue(moment).order_by().values_list("person__area_path", flat=True)
    return measured_counts(areas, overdue)


INDICATORS: Iterable[Indicator] = (
    Indicator(
        id="command.orders_overdue",
        title=_("Orders that run on because a result is missing"),
        unit=gettext_noop("orders"),
        better="down",
        standard=_("0: the delay is the authority's, not the person's (rulebooks: until, latest)"),
        compute=_orders_overdue,
        listing=lambda actor, path, at: _awaiting(actor, path, at),
    ),
    Indicator(
        id="command.appeals_overdue",
        title=_("Appeals that nobody answered in time"),
        unit=gettext_noop("appeals"),
        better="down",
        standard=_("0: an appeal is answered within 24 hours or releases"),
        compute=_appeals_overdue,
        listing=lambda actor, path, at: list_appeals(actor, state="open").filter(
            within(path, "person__area_path"), due_at__lte=at
        ),
    ),
)
