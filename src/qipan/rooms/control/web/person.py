"""What this room shows on a person's page: the code, orders, facts, appeals."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Panel
from qipan.foundation.pages.page import address
from qipan.rooms.control.models import Appeal
from qipan.rooms.control.rules import OrderState
from qipan.rooms.control.selectors import decision_of, list_appeals, list_evidence, orders_of
from qipan.rooms.control.web.deciding import kinds_at
from qipan.rooms.control.web.orders import KIND, STATE, state_of
from qipan.rooms.control.web.saying import value_words
from qipan.terms.evidence import EvidenceKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

_MOST = 10
_OPEN = (OrderState.BINDING, OrderState.AWAITING, OrderState.COMING, OrderState.ENDED)


def code_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The health code, with its shape and word. Raises Absent where the reader may not see it."""
    decision = decision_of(actor, person_id, at=at)
    return Panel(
        _("Health code"), template="control/code_panel.html", more=address("decision", person_code(person_id)),
        context={"code": decision.code.value, "next": decision.next_change_at, "rulebook": decision.rulebook},
    )  # fmt: skip


def orders_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The orders, those in force first."""
    if not actor.areas_for(Permission.ORDER_VIEW):
        return None
    orders = orders_of(actor, person_id)
    for order in orders:
        order.now = state_of(order, at).value  # type: ignore[attr-defined]
    orders.sort(key=lambda order: OrderState(order.now) not in _OPEN)  # type: ignore[attr-defined]
    kind = Column(key=KIND.key, title=KIND.title, kind=KIND.kind, words=KIND.words, link="order")
    columns = (kind, STATE, Column(key="until", title=_("Last day"), kind=Kind.DATE))
    more = address("orders")
    more = f"{more}?state=&person={person_code(person_id)}" if more else ""
    return Panel(_("Orders"), columns, orders[:_MOST], _("No order was ever made about this person."), more)


def evidence_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The newest facts."""
    if not actor.areas_for(Permission.EVIDENCE_VIEW):
        return None
    rows = list(list_evidence(actor, person_id).order_by("-recorded_at", "-pk")[:_MOST])
    columns = (
        Column(key="kind", title=_("Fact"), kind=Kind.WORD, words=EvidenceKind, link="evidence"),
        Column(key="says", title=_("What it says"), value=lambda row: value_words(row.kind, row.value)),
        Column(key="at", title=_("When it was so"), kind=Kind.INSTANT),
    )
    more = address("decision", person_code(person_id))
    return Panel(_("Facts"), columns, rows, _("The ledger says nothing about this person."), more)


def appeals_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """Appeals."""
    if not actor.areas_for(Permission.APPEAL_VIEW):
        return None
    rows = list(list_appeals(actor).filter(person_id=person_id).order_by("-pk")[:_MOST])
    columns = (
        Column(key="opened_at", title=_("Opened"), kind=Kind.INSTANT, link="appeal"),
        Column(key="state", title=_("State"), kind=Kind.WORD, words=Appeal.State),
    )
    return Panel(_("Appeals"), columns, rows, _("This person has not appealed."))


def actions(actor: Actor, person_id: int, area_path: str, at: datetime) -> Sequence[Action]:
    """The decision explorer, and stating a fact."""
    code = person_code(person_id)
    offered = [Action(_("Why, and what would change it"), address("decision", code))]
    if not actor.areas_for(Permission.DECISION_VIEW):
        offered = []
    if kinds_at(actor, area_path):
        offered.append(Action(_("Record a fact"), address("evidence-record", code)))
    return offered
