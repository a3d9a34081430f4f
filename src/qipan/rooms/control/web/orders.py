"""Orders: who is bound by what, until when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, Event, Panel, State
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave, gravity, word
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.rules import OrderState, order_state
from qipan.rooms.control.selectors import (
    access_order,
    appeal_place,
    asked_for,
    awaited,
    grounds_for,
    is_genuine,
    list_appeals,
    list_orders,
    order_history,
    order_key,
)
from qipan.rooms.control.web.saying import Names, fact_words, rule_words, step_words, why_words
from qipan.rooms.diseases.selectors import published_books
from qipan.terms.errors import BadInput
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChoice(Choice):
    """One of the published rulebooks."""

    def choices(self) -> Sequence[tuple[str, Words]]:
        """Their ids."""
        return [(book.rulebook, book.rulebook) for book in published_books()]

    def chip(self, value: str) -> Words:
        """The id itself."""
        return value


def of_person(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
    """The rows about one person. Raises BadInput for what is no code."""
    try:
        return rows.filter(person_id=parse_person_code(code))
    except ValueError:
        raise BadInput("“%(code)s” is no person code: P, nine digits and a check character.", code=code[:30]) from None


def state_of(order: Order, at: Any) -> OrderState:
    """What an order is at a moment, by what is stored of it."""
    return order_state(
        closed_as=order.closed_as, closed_at=order.closed_at, starts_at=order.starts_at, ends_at=order.ends_at,
        awaiting=order.awaiting, at=at,
    )  # fmt: skip


STATE = Column(key="now", title=_("State"), kind=Kind.WORD, words=OrderState)
KIND = Column(key="kind", title=_("Order"), kind=Kind.WORD, words=OrderKind, sort="kind")
ACTIVE, AWAITING, COMING, CLOSED = "active", "awaiting", "coming", "closed"


class Orders(ListPage):
    """The orders that bind, or bound."""

    title = _("Orders")
    section = "orders"
    permission = Permission.ORDER_VIEW
    columns = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON, sort="person_id"),
        KIND,
        STATE,
        Column(key="person__area_path", title=_("Area"), kind=Kind.AREA, wide=True),
        Column(key="starts_on", title=_("Begins"), kind=Kind.DATE, sort="starts_on", wide=True),
        Column(key="ends_at", title=_("Ends"), kind=Kind.INSTANT, sort="ends_at"),
        Column(key="fulfil_by", title=_("To be carried out by"), kind=Kind.INSTANT, sort="fulfil_by", wide=True),
        Column(key="rulebook", title=_("Rulebook"), sort="rulebook", wide=True),
    )
    filters = (
        Choice(
            name="state", title=_("State"), default=ACTIVE, keep=lambda rows, value: rows,
            options=((ACTIVE, _("in force")), (AWAITING, _("awaiting result")), (COMING, _("not begun yet")),
                     (CLOSED, _("ended"))),
        ),
        Choice(name="kind", title=_("Order"), words=OrderKind),
        BookChoice(name="rulebook", title=_("Rulebook")),
        Days(name="starts", title=_("Begins"), field="starts_on"),
        Text(name="person", title=_("Person code"), keep=of_person),
    )  # fmt: skip
    sort = ("ends_at", False)
    opens = "order"
    person_key = "person_id"
    export = "orders"
    help = _("Who is bound by what, until when. An order is made by the rulebook and lapses by itself at its end.")
    empty = _("Nobody here is bound by an order. Choose another area, or another state in the filter.")

    def rows(self) -> QuerySet[Order]:
        """By the state that the filter asks for."""
        state = self.values().get("state")
        rows = list_orders(self.actor, at=self.at, below=self.area.path, active=state == ACTIVE)
        if state == AWAITING:
            rows = rows.filter(awaited(self.at))
        elif state == COMING:
            rows = rows.filter(closed_at=None, starts_at__gt=self.at)
        elif state == CLOSED:
            rows = rows.filter(closed_at__isnull=False)
        return rows.select_related("person")

    def kept(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows that the decision machinery wrote, each with its state."""
        genuine = [order for order in rows if is_genuine(order)]
        for order in genuine:
            order.now = state_of(order, self.at).value
        return genuine


class OrderPage(DetailPage):
    """One order: what it asks, by which rule, on which facts, and how it came to be."""

    title = _("Order")
    assets = ("control/control.css",)
    section = "orders"
    permission = Permission.ORDER_VIEW
    body = "control/order.html"
    facts = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON),
        Column(key="person__area_path", title=_("Area"), kind=Kind.AREA),
        Column(key="starts_on", title=_("Begins"), kind=Kind.DATE),
        Column(key="until", title=_("Last day"), kind=Kind.DATE),
        Column(key="latest", title=_("Last day at the latest"), kind=Kind.DATE),
        Column(key="rulebook", title=_("Rulebook"), link="rulebook", link_key="rulebook"),
        Column(key="authority", title=_("Authority"), quoted=True),
        Column(key="appeal_to", title=_("Appeals go to"), kind=Kind.AREA, value=appeal_place),
    )
    help = _(
        "The rulebook made this order from facts. Nobody can lengthen it; new facts can replace it. Whoever is bound "
        "may appeal: unanswered for 24 hours, the order is released."
    )

    def fetch(self, **kwargs: Any) -> Order:
        """Absent where it is not the reader's, or not the machinery's."""
        return access_order(self.actor, kwargs["order_id"])

    def heading(self, thing: Order) -> Words:
        """The kind and the person."""
        return f"{capfirst(str(word(OrderKind, thing.kind)))} · {person_code(thing.person_id)}"

    def state(self, thing: Order) -> Sequence[State]:
        """Its kind, its state, and whether the person's decision asks for it."""
        now = state_of(thing, self.at)
        states = [State(word(OrderKind, thing.kind), gravity(OrderKind, thing.kind))]
        asked = asked_for([thing], self.at).get(order_key(thing))
        if now in (OrderState.BINDING, OrderState.AWAITING, OrderState.ENDED) and asked is None:
            return (*states, State(_("No decision asks for it: it binds nobody"), Grave.QUIET))
        if now is OrderState.ENDED and asked:
            now = OrderState.AWAITING
        states.append(State(word(OrderState, now.value), gravity(OrderState, now.value)))
        if now is OrderState.AWAITING:
            states.append(State(_("Overdue against the authority, not the person"), Grave.ALARM))
        return states

    def clocks(self, thing: Order) -> Sequence[Clock]:
        """By when it must be carried out, be looked at again, and end."""
        if thing.closed_at is not None:
            return (Clock(_("Ended"), thing.closed_at, neutral=True),)
        clocks = [Clock(_("Ends"), thing.ends_at, neutral=True)]
        if thing.fulfil_by is not None:
            clocks.insert(0, Clock(_("To be carried out by"), thing.fulfil_by, neutral=True))
        return clocks

    def besides(self, thing: Order) -> dict[str, Any]:
        """The rule in words, its facts, the test days."""
        ground = grounds_for(self.actor, thing.rulebook, [(thing.rule, thing.authority, thing.grounds["evidence"])])[0]
        today = formats.local(self.at).date().isoformat()
        return {
            "ground": ground,
            "rule": rule_words(ground),
            "evidence": [(row, fact_words(row)) for row in ground.evidence],
            "review": thing.review_on if thing.closed_at is None else None,
            "tests": [(day, "past" if day < today else "today" if day == today else "") for day in thing.test_days],
        }

    def timeline(self, thing: Order) -> Sequence[Event]:
        """From the log: who made it, why, what became of it."""
        steps = order_history(self.actor, thing)
        names = Names.of([step.entry for step in steps])
        log = bool(self.actor.may(Permission.AUDIT_VIEW, thing.person.area_path))
        events = []
        for step in steps:
            why = str(why_words(step))
            if step.what == "opened" and step.other:
                why = gettext("in place of order %(id)s; %(why)s") % {"id": step.other, "why": why}
            href = address("order", step.other) if step.other else ""
            if log and step.entry is not None and not href:
                href = address("log-entry", step.entry.seq)
            events.append(Event(step.at, step_words(step.what), names.who(step.entry), why, href))
        return events

    def panels(self, thing: Order) -> Sequence[Panel]:
        """Appeals against it."""
        if not self.actor.may(Permission.APPEAL_VIEW, thing.person.area_path):
            return ()
        rows = list(list_appeals(self.actor).filter(order=thing))
        columns = (
            Column(key="opened_at", title=_("Opened"), kind=Kind.INSTANT, link="appeal"),
            Column(key="state", title=_("State"), kind=Kind.WORD, words=Appeal.State),
        )
        return (Panel(_("Appeals"), columns, rows, _("Nobody has appealed against this order.")),)

    def actions(self, thing: Order) -> Sequence[Action]:
        """Appeal, and why."""
        place, code = thing.person.area_path, person_code(thing.person_id)
        offered = []
        if thing.closed_at is None and self.actor.may(Permission.APPEAL_OPEN, place):
            offered.append(Action(_("Appeal against it"), address("appeal-open", thing.pk), primary=True))
        if self.actor.may(Permission.DECISION_VIEW, place):
            offered.append(Action(_("Why, and what would change it"), address("decision", code)))
        return offered
