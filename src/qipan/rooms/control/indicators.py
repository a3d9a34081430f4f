"""Numbers of the ledger: people restricted, orders waiting for a result, appeals past their clock."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.rollup import rolled_up
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.selectors.orders import list_orders
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

RESTRICTING = (OrderKind.ISOLATE, OrderKind.QUARANTINE_CENTRAL, OrderKind.QUARANTINE_HOME)
_TRUST = _("24 hours to an answer; unanswered, released (docs/decisions/0011)")


def _active(moment: datetime) -> QuerySet[Order]:
    return list_orders(SYSTEM_ACTOR, at=moment)


def _restricted(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    rows = _active(moment).filter(kind__in=[kind.value for kind in RESTRICTING])
    people = dict(rows.values_list("person_id", "person__area_path"))
    return rolled_up(areas, ((path, 1, 0) for path in people.values()), share=False)


def _restricted_list(actor: Actor, area_path: str, moment: datetime) -> Any:
    return list_orders(actor, at=moment, below=area_path, kinds=RESTRICTING)


def _awaiting(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    paths = _active(moment).filter(awaiting=True).values_list("person__area_path", flat=True)
    return rolled_up(areas, ((path, 1, 0) for path in paths), share=False)


def _awaiting_list(actor: Actor, area_path: str, moment: datetime) -> Any:
    return list_orders(actor, at=moment, below=area_path).filter(awaiting=True)


def _unanswered(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    late = Appeal.objects.filter(state=Appeal.State.OPEN, due_at__lte=moment)
    paths = late.values_list("person__area_path", flat=True)
    return rolled_up(areas, ((path, 1, 0) for path in paths), share=False)


def _unanswered_list(actor: Actor, area_path: str, moment: datetime) -> Any:
    rows = scope(Appeal.objects.all(), actor, Permission.APPEAL_VIEW, "person__area_path")
    late = rows.filter(within(area_path, "person__area_path"), state=Appeal.State.OPEN, due_at__lte=moment)
    return late.order_by("due_at", "pk")


INDICATORS = (
    Indicator(
        id="persons-restricted",
        title=_("People isolated or quarantined"),
        unit="people",
        better="down",
        standard=_("as few as the rulebook asks for; no fixed norm"),
        compute=_restricted,
        listing=_restricted_list,
    ),
    Indicator(
        id="orders-awaiting-result",
        title=_("Orders kept open by a missing result"),
        unit="orders",
        better="down",
        standard=_("0: the authority owes the test, not the person (rulebook, latest day)"),
        compute=_awaiting,
        listing=_awaiting_list,
    ),
    Indicator(
        id="appeals-overdue",
        title=_("Appeals past their clock"),
        unit="appeals",
        better="down",
        standard=_TRUST,
        compute=_unanswered,
        listing=_unanswered_list,
    ),
)
