"""Orders and appeals. An order binds by its interval: a lapsed one needs nobody to close it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from qipan.foundation import clock, crypto
from qipan.foundation.access.scoping import scope, within
from qipan.foundation.pages.searching import Found
from qipan.foundation.pages.words import word
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.rules import canonical
from qipan.rooms.control.selectors.decisions import current_decisions
from qipan.terms.errors import Absent
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import Actor, Permission

_SEALED_FIELDS = (
    "person_id", "disease", "kind", "rulebook", "rule", "authority", "evidence_id", "grounds", "starts_on", "until",
    "latest", "starts_at", "ends_at", "awaiting", "fulfil_by", "test_days", "review_on", "appeal_to", "opened_at",
    "closed_at", "closed_as", "replaces_id", "write_id",
)  # fmt: skip


def order_payload(order: Order) -> bytes:
    """Everything that an order says, as the bytes under its seal."""
    return canonical({name: getattr(order, name) for name in _SEALED_FIELDS})


def order_seal(order: Order) -> bytes:
    """The seal that only the decision machinery can make."""
    return crypto.digest("decision", order_payload(order), size=32)


def is_genuine(order: Order) -> bool:
    """Whether the order is as the decision machinery wrote it. One that is not binds nobody (R15)."""
    return bytes(order.seal) == order_seal(order)


def list_orders(
    actor: Actor,
    *,
    at: datetime,
    below: str | None = None,
    kinds: Collection[OrderKind] | None = None,
    active: bool = True,
) -> QuerySet[Order]:
    """Orders where the actor may see them; `active`: those that bound at `at`, which may lie in the past
    (closed since or not). `below`: an area path.
    """
    orders = scope(Order.objects.all(), actor, Permission.ORDER_VIEW, "person__area_path")
    if below is not None:
        orders = orders.filter(within(below, "person__area_path"))
    if kinds is not None:
        orders = orders.filter(kind__in=[kind.value for kind in kinds])
    if active:
        still_open = Q(closed_at=None) | Q(closed_at__gt=at)
        orders = orders.filter(still_open, opened_at__lte=at, starts_at__lte=at, ends_at__gt=at)
    return orders.order_by("pk")


def access_order(actor: Actor, order_id: int) -> Order:
    """One order. Raises Absent, also for a row that the decision machinery did not write."""
    order = scope(Order.objects.all(), actor, Permission.ORDER_VIEW, "person__area_path").filter(pk=order_id).first()
    if order is None or not is_genuine(order):
        raise Absent("order")
    return order


@dataclass(frozen=True, slots=True)
class OrderFact:
    """An active order as work lists need it."""

    order_id: int
    person_id: int
    household_id: int | None
    kind: OrderKind
    area_path: str
    starts_at: datetime
    ends_at: datetime
    starts_on: date
    until: date
    test_days: tuple[date, ...]
    fulfil_by: datetime | None
    opened_at: datetime
    awaiting: bool


#: person, kind, rule, until, latest
_Key = tuple[int, str, str, str, str]


def _key(order: Order) -> _Key:
    return (order.person_id, order.kind, order.rule, order.until.isoformat(), order.latest.isoformat())


def asked_for(orders: Sequence[Order], at: datetime) -> dict[_Key, bool]:
    """What the decisions of these orders' persons ask for at a moment -> whether it waits for a result."""
    asked: dict[_Key, bool] = {}
    for disease in sorted({order.disease for order in orders}):
        people = {order.person_id for order in orders if order.disease == disease}
        for person_id, decision in current_decisions(people, at=at, disease=disease).items():
            for spec in decision.content["orders"]:
                key = (person_id, spec["kind"], spec["rule"], spec["until"], spec["latest"])
                asked[key] = spec["awaiting"]
    return asked


def order_facts(
    actor: Actor, *, at: datetime, below: str | None = None, kinds: Collection[OrderKind] | None = None
) -> list[OrderFact]:
    """The orders that bind at a moment, ordered by area, household, person. A constant number of queries.

    An order binds if the machinery wrote it and the person's decision of that moment asks for it: a closed
    order put back by SQL binds nobody, and one whose release waits for a result goes on after its last day
    although nobody has decided it again yet.
    """
    orders = list_orders(actor, at=at, below=below, kinds=kinds, active=False).select_related("person")
    still_open = Q(closed_at=None) | Q(closed_at__gt=at)
    orders = orders.filter(
        still_open, opened_at__lte=at, starts_at__lte=at, latest__gte=clock.local_date(at, clock.civil_zone())
    )
    genuine = [order for order in orders if is_genuine(order)]
    asked = asked_for(genuine, at)
    binding = [o for o in genuine if _key(o) in asked and (o.ends_at > at or asked[_key(o)])]
    facts = [
        OrderFact(
            order_id=order.pk,
            person_id=order.person_id,
            household_id=order.person.household_id,
            kind=OrderKind(order.kind),
            area_path=order.person.area_path,
            starts_at=order.starts_at,
            ends_at=order.ends_at if order.ends_at > at else clock.day_end(order.latest, clock.civil_zone()),
            starts_on=order.starts_on,
            until=order.until,
            test_days=tuple(date.fromisoformat(day) for day in order.test_days),
            fulfil_by=order.fulfil_by,
            opened_at=order.opened_at,
            awaiting=order.awaiting or order.ends_at <= at,
        )
        for order in binding
    ]
    return sorted(facts, key=lambda f: (f.area_path, f.household_id or 0, f.person_id, f.order_id))


def forged_orders() -> list[int]:
    """Ids of the order rows that the decision machinery did not write, for the daily reconciliation (U8)."""
    return [order.pk for order in Order.objects.order_by("pk").iterator(chunk_size=2_000) if not is_genuine(order)]


def list_appeals(actor: Actor, *, state: str | None = None) -> QuerySet[Appeal]:
    """Appeals where the actor may see them, the most urgent first."""
    appeals = scope(Appeal.objects.all(), actor, Permission.APPEAL_VIEW, "person__area_path")
    if state is not None:
        appeals = appeals.filter(state=state)
    return appeals.order_by("due_at", "pk")


def access_appeal(actor: Actor, appeal_id: int) -> Appeal:
    """One appeal. Raises Absent."""
    appeal = list_appeals(actor).filter(pk=appeal_id).first()
    if appeal is None:
        raise Absent("appeal")
    return appeal


def appeals_overdue(at: datetime) -> QuerySet[Appeal]:
    """Open appeals whose clock has run out. Machinery: not scoped."""
    return Appeal.objects.filter(state=Appeal.State.OPEN, due_at__lte=at).order_by("pk")


def find_order(actor: Actor, text: str) -> list[Found]:
    """For the global search: an order by its number, "#123" or "123"."""
    number = text.removeprefix("#")
    if not number.isdecimal() or len(number) > 12:
        return []
    try:
        order = access_order(actor, int(number))
    except Absent:
        return []
    return [Found(f"#{order.pk}", "order", order.pk, word(OrderKind, order.kind), text.startswith("#"))]
