"""Orders and appeals. An order binds by its interval: a lapsed one needs nobody to close it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from qipan.foundation import clock, crypto
from qipan.foundation.access.scoping import scope, within
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import entries_about, entries_at, entries_of_writes
from qipan.foundation.pages.searching import Found
from qipan.foundation.pages.words import word
from qipan.rooms.control.models import Appeal, Evidence, Order
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


def appeal_place(order: Order) -> str:
    """The path of the area whose headquarters hears appeals against it."""
    before, code, _after = order.person.area_path.partition(f"/{order.appeal_to}/")
    return f"{before}{code}" if code else order.appeal_to


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


def orders_of(actor: Actor, person_id: int) -> list[Order]:
    """Every genuine order of one person, the newest first; none where the actor may not see them."""
    orders = scope(Order.objects.all(), actor, Permission.ORDER_VIEW, "person__area_path")
    rows = orders.filter(person_id=person_id).select_related("person").order_by("-opened_at", "-pk")
    return [order for order in rows if is_genuine(order)]


def awaited(at: datetime) -> Q:
    """The condition "runs on because its release lacks a result", also where nobody has decided again since."""
    today = clock.local_date(at, clock.civil_zone())
    return Q(closed_at=None, latest__gte=today) & (Q(awaiting=True) | Q(ends_at__lte=at, latest__gt=F("until")))


def orders_on(evidence_id: int) -> QuerySet[Order]:
    """The orders that the database holds to rest on this fact first of all. Not scoped: the fact's page scopes it."""
    return Order.objects.filter(evidence_id=evidence_id).order_by("-opened_at", "-pk")


@dataclass(frozen=True, slots=True)
class Happened:
    """A step in the life of an order: what, when, the entry of the log that covers it, the other order it names."""

    what: str
    at: datetime
    entry: AuditEntry | None = None
    other: int | None = None
    rule: str = ""


def order_history(actor: Actor, order: Order) -> list[Happened]:
    """How an order came to be and what became of it, newest first: opened, in whose place, appeals, closed by whom.

    Who wrote it belongs to the order: whoever may see it may know that. Four queries.
    """
    after = Order.objects.filter(replaces_id=order.pk).order_by("pk").first()
    appeals = list(Appeal.objects.filter(order=order).order_by("pk"))
    entries = entries_of_writes([order.write_id, *([after.write_id] if after else [])])
    steps = [Happened("opened", order.opened_at, entries.get(order.write_id), order.replaces_id, order.rulebook)]
    on_appeals: dict[str, dict[str, AuditEntry]] = {}
    for entry in entries_about("appeal", [appeal.pk for appeal in appeals]):
        on_appeals.setdefault(entry.subject_id, {})[entry.action] = entry
    for appeal in appeals:
        mine = on_appeals.get(str(appeal.pk), {})
        steps.append(Happened("appealed", appeal.opened_at, mine.get("appeal.open")))
        if appeal.decided_at is not None:
            entry_of = mine.get("appeal.decide") or mine.get("appeal.release")
            steps.append(Happened(f"appeal_{appeal.state}", appeal.decided_at, entry_of))
    if order.closed_at is not None:
        cause = entries.get(after.write_id) if after else None
        if cause is None and order.closed_as != Order.Closed.LAPSED:
            opened = entries.get(order.write_id)
            cause = _cause(order, [appeal.pk for appeal in appeals], after=opened.seq if opened else 0)
        steps.append(Happened(order.closed_as, order.closed_at, cause, after.pk if after else None))
    return sorted(steps, key=lambda step: step.at)[::-1]


def _cause(order: Order, appeal_ids: Sequence[int], *, after: int) -> AuditEntry | None:
    """The entry under which an order was released: of that moment, later in the log than the one under which it was
    made, about its person, its appeal or its disease.
    """
    about = {("person", str(order.person_id)), ("disease", order.disease), *(("appeal", str(pk)) for pk in appeal_ids)}
    for entry in entries_at(order.closed_at) if order.closed_at is not None else ():
        if entry.seq <= after:
            continue
        if (entry.subject_kind, entry.subject_id) in about:
            return entry
        if entry.subject_kind == "evidence" and _is_of(entry.subject_id, order.person_id):
            return entry
    return None


def _is_of(evidence_id: str, person_id: int) -> bool:
    return evidence_id.isdigit() and Evidence.objects.filter(pk=int(evidence_id), person_id=person_id).exists()


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


def order_key(order: Order) -> _Key:
    """By what a stored order and a decided one are the same."""
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
    actor: Actor,
    *,
    at: datetime,
    below: str | None = None,
    kinds: Collection[OrderKind] | None = None,
    person_ids: Collection[int] | None = None,
    apart_from: QuerySet[Any, Any] | None = None,
) -> list[OrderFact]:
    """The orders that bind at a moment, ordered by area, household, person. A constant number of queries.

    `person_ids`: of these people only (a page of a list; at most some thousands). `apart_from`: not of these people (a
    query for their ids, as it stands in the database). Each order costs: its seal and its person's decision are looked
    at; narrow what is asked to the area and the people whom a page is about.

    An order binds if the machinery wrote it and the person's decision of that moment asks for it: a closed
    order put back by SQL binds nobody, and one whose release waits for a result goes on after its last day
    although nobody has decided it again yet.
    """
    orders = list_orders(actor, at=at, below=below, kinds=kinds, active=False).select_related("person")
    if person_ids is not None:
        orders = orders.filter(person_id__in=list(person_ids))
    if apart_from is not None:
        orders = orders.exclude(person_id__in=apart_from)
    still_open = Q(closed_at=None) | Q(closed_at__gt=at)
    orders = orders.filter(
        still_open, opened_at__lte=at, starts_at__lte=at, latest__gte=clock.local_date(at, clock.civil_zone())
    )
    genuine = [order for order in orders if is_genuine(order)]
    asked = asked_for(genuine, at)
    binding = [o for o in genuine if order_key(o) in asked and (o.ends_at > at or asked[order_key(o)])]
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


def list_appeals(actor: Actor, *, state: str | None = None, below: str | None = None) -> QuerySet[Appeal]:
    """Appeals where the actor may see them, the most urgent first. `below`: an area path."""
    appeals = scope(Appeal.objects.all(), actor, Permission.APPEAL_VIEW, "person__area_path")
    if state is not None:
        appeals = appeals.filter(state=state)
    if below is not None:
        appeals = appeals.filter(within(below, "person__area_path"))
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
