"""Contacts: the list of all, and what a row says."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import address
from qipan.rooms.control.selectors import OrderFact, order_facts
from qipan.rooms.investigation.models import Contact
from qipan.rooms.investigation.selectors import KEPT_APART, kept_apart, list_contacts
from qipan.rooms.investigation.web.words import setting_words
from qipan.terms.evidence import ContactClass, OrderKind
from qipan.terms.roles import Actor, Permission

CASE = Column(key="from_case__case_id", title=_("Case"), link="case", link_key="from_case_id")
PERSON = Column(key="person_id", title=_("Person"), kind=Kind.PERSON)
CLASS = Column(key="contact_class", title=_("Class"), kind=Kind.WORD, words=ContactClass)
FIRST = Column(key="first_exposure", title=_("First exposure"), kind=Kind.DATE, wide=True)
LAST = Column(key="last_exposure", title=_("Last exposure"), kind=Kind.DATE, sort="last_exposure")
SETTING = Column(key="setting", title=_("Setting"), value=lambda contact: setting_words(contact.setting), wide=True)
MINUTES = Column(key="minutes", title=_("Minutes"), kind=Kind.NUMBER, wide=True)
VIA = Column(key="via_person_id", title=_("Through"), kind=Kind.PERSON, wide=True)
AREA = Column(key="person__area_path", title=_("Area"), kind=Kind.AREA, wide=True)
RECORDED = Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT, sort="recorded_at", wide=True)
ORDER = Column(
    key="order_kind", title=_("Order now"), kind=Kind.WORD, words=OrderKind, link="order", link_key="order_id"
)
UNTIL = Column(key="order_until", title=_("Until"), kind=Kind.DATE)


def with_orders(contacts: Iterable[Any], actor: Actor, at: datetime) -> None:
    """Put onto contacts the order that keeps each apart now, as far as the actor may see orders: `order_kind`,
    `order_id`, `order_until`. A constant number of queries.
    """
    people = {contact.person_id for contact in contacts}
    found: dict[int, OrderFact] = {}
    if people:
        strictest = {kind: rank for rank, kind in enumerate(OrderKind)}
        for fact in order_facts(actor, at=at, kinds=(*KEPT_APART, OrderKind.MONITOR_HOME), person_ids=people):
            known = found.get(fact.person_id)
            if known is None or strictest[fact.kind] < strictest[known.kind]:
                found[fact.person_id] = fact
    for contact in contacts:
        order = found.get(contact.person_id)
        contact.order_kind = order.kind.value if order else None
        contact.order_id = order.order_id if order else None
        contact.order_until = order.until if order else None


class Contacts(ListPage):
    """Contacts who live in the chosen area."""

    title = _("Contacts")
    section = "cases"
    permission = Permission.CASE_VIEW
    columns = (PERSON, CLASS, CASE, LAST, SETTING, VIA, AREA, ORDER, UNTIL, RECORDED)
    filters = (
        Choice(name="class", title=_("Class"), words=ContactClass, field="contact_class"),
        Choice(name="placed", title=_("Kept apart"), options=(("no", _("not yet")), ("yes", _("under an order")))),
        Days(name="last", title=_("Last exposure"), field="last_exposure"),
        Text(name="case", title=_("Case"), field="from_case__case_id"),
    )
    sort = ("recorded_at", True)
    person_key = "person_id"
    export = "contacts"
    help = _(
        "Everybody who was exposed to a case and lives in the chosen area. “Kept apart: not yet” shows those whom no "
        "order to isolate or quarantine binds now."
    )
    empty = _("Nobody who lives here is known to have been exposed. Contacts are added on the page of a case.")

    def rows(self) -> QuerySet[Contact]:
        """Who lives at and below the chosen area."""
        return list_contacts(self.actor, below=self.area.path).select_related("person", "from_case")

    def filtered(self) -> Any:
        """Whether somebody is kept apart depends on the moment, so the page asks itself."""
        rows, values = self.rows(), self.values()
        for each in self.filters:
            if each.name in values and each.name != "placed":
                rows = each.apply(rows, values[each.name])
        if "placed" in values:
            bound = Exists(kept_apart(self.actor, at=self.at).filter(person_id=OuterRef("person_id")).order_by())
            rows = rows.filter(bound if values["placed"] == "yes" else ~bound)
        return rows

    def kept(self, rows: Sequence[Any]) -> Sequence[Any]:
        """With the order that binds each now."""
        with_orders(rows, self.actor, self.at)
        return rows

    def head(self) -> Sequence[Link]:
        """The cases and their chains."""
        return (Link(_("Cases"), address("cases")), Link(_("Chains"), address("chains")))
