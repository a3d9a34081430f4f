"""The appeals desk: the most urgent first, each answered with reasons by somebody of another unit, or released."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Clock, DetailPage, Event, Panel, State
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import gravity, word
from qipan.rooms.control.forms import AnswerForm, AppealForm
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.rules import may_answer
from qipan.rooms.control.selectors import (
    access_appeal,
    access_order,
    appeal_place,
    grounds_for,
    grounds_for_person,
    list_appeals,
    order_history,
)
from qipan.rooms.control.services import appeal_decide, appeal_grounds, appeal_open, unsealed_answer
from qipan.rooms.control.web.orders import of_person
from qipan.rooms.control.web.saying import Names, fact_words, rule_words, step_words, why_words
from qipan.terms.errors import Absent
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission


def _due(appeal: Appeal) -> Any:
    return appeal.due_at if appeal.state == Appeal.State.OPEN else None


class Appeals(ListPage):
    """Appeals where the reader may see them."""

    title = _("Appeals")
    section = "appeals"
    permission = Permission.APPEAL_VIEW
    columns = (
        Column(key="state", title=_("State"), kind=Kind.WORD, words=Appeal.State, sort="state"),
        Column(key="due_at", title=_("Answer due"), kind=Kind.CLOCK, sort="due_at", value=_due),
        Column(key="order__kind", title=_("Order"), kind=Kind.WORD, words=OrderKind),
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON, sort="person_id"),
        Column(key="person__area_path", title=_("Area"), kind=Kind.AREA, wide=True),
        Column(key="opened_at", title=_("Opened"), kind=Kind.INSTANT, sort="opened_at", wide=True),
        Column(key="decided_at", title=_("Answered"), kind=Kind.INSTANT, sort="decided_at", wide=True),
    )
    filters = (
        Choice(name="state", title=_("State"), words=Appeal.State, default="open"),
        Choice(name="kind", title=_("Order"), words=OrderKind, field="order__kind"),
        Days(name="opened", title=_("Opened"), field="opened_at__date"),
        Text(name="person", title=_("Person code"), keep=of_person),
    )
    sort = ("due_at", False)
    opens = "appeal"
    person_key = "person_id"
    export = "appeals"
    help = _(
        "Every appeal has a clock of 24 hours. Somebody of another unit than the one that recorded the grounds answers "
        "it, with reasons; unanswered, the person is released."
    )
    empty = _("No appeal waits for an answer here. Choose another state in the filter to see those of the past.")

    def rows(self) -> QuerySet[Appeal]:
        """The most urgent first."""
        return list_appeals(self.actor, below=self.area.path).select_related("order", "person")


def _hindrance(page: Any, appeal: Appeal) -> Words:
    """Why this reader cannot answer, in words; "" where he can."""
    if appeal.state != Appeal.State.OPEN:
        return _("This appeal was answered before.")
    if not page.actor.may(Permission.APPEAL_DECIDE, appeal.person.area_path):
        return _("Your role does not answer appeals here.")
    if appeal.due_at <= page.at:
        return _("The clock has run out: the order is released, not answered.")
    if appeal.opened_by is not None and appeal.opened_by == page.actor.user_id:
        return _("You opened this appeal: another person must answer it.")
    unit = appeal.order.evidence.recorded_unit
    if not may_answer(
        opened_by=appeal.opened_by, grounds_unit=unit, user_id=page.actor.user_id, unit_id=page.actor.unit_id
    ):
        return _("Your unit recorded the grounds of this order: somebody of another unit must answer.")
    return ""


def _fetch(page: Any, appeal_id: int) -> Appeal:
    appeal = access_appeal(page.actor, appeal_id)
    # the order is read by its own door, so that a forged one looks absent here as well
    if page.actor.may(Permission.ORDER_VIEW, appeal.person.area_path):
        access_order(page.actor, appeal.order_id)
    return appeal


def case_of(page: Any, appeal: Appeal) -> dict[str, Any]:
    """What somebody needs who decides: the words on both sides, the rule, the facts about the person.

    Whoever may decide an appeal may read the facts that it is about, although not the whole ledger.
    """
    order, place = appeal.order, appeal.person.area_path
    reasons = [(order.rule, order.authority, order.grounds["evidence"])]
    decides = page.actor.may(Permission.APPEAL_DECIDE, place)
    linked = page.actor.may(Permission.EVIDENCE_VIEW, place)
    if decides and not linked:
        ground = grounds_for_person(appeal.person_id, order.rulebook, reasons)[0]
    else:
        ground = grounds_for(page.actor, order.rulebook, reasons)[0]
    return {
        "words": appeal_grounds(page.actor, appeal.pk) if decides else "",
        "reply": unsealed_answer(appeal) if decides else "",
        "ground": ground,
        "rule": rule_words(ground),
        "order": order,
        "evidence": [(row, fact_words(row)) for row in ground.evidence],
        "plain": not linked,
    }


class AppealPage(DetailPage):
    """One appeal: what the person says, the order, the facts it stands on."""

    title = _("Appeal")
    assets = ("control/control.css",)
    section = "appeals"
    permission = Permission.APPEAL_VIEW
    body = "control/appeal.html"
    facts = (
        Column(key="person_id", title=_("Person"), kind=Kind.PERSON),
        Column(key="person__area_path", title=_("Area"), kind=Kind.AREA),
        Column(key="order_id", title=_("Order"), link="order", link_key="order_id",
               value=lambda appeal: f"{word(OrderKind, appeal.order.kind)} · {appeal.order_id}"),
        Column(key="order__until", title=_("Last day of the order"), kind=Kind.DATE),
        Column(key="opened_at", title=_("Opened"), kind=Kind.INSTANT),
        Column(key="opened_by", title=_("Opened by"), kind=Kind.USER),
        Column(key="own", title=_("On the personal page"), kind=Kind.YES_NO, value=lambda a: a.opened_by is None),
        Column(key="decided_unit", title=_("Answered by"), kind=Kind.UNIT),
        Column(key="order__appeal_to", title=_("Appeals go to"), kind=Kind.AREA, value=lambda a: appeal_place(a.order)),
    )  # fmt: skip
    help = Appeals.help

    def fetch(self, **kwargs: Any) -> Appeal:
        """Absent where it is not the reader's."""
        return _fetch(self, kwargs["appeal_id"])

    def heading(self, thing: Appeal) -> Words:
        """Against what, of whom."""
        order = word(OrderKind, thing.order.kind)
        return gettext("Appeal against %(order)s · %(person)s") % {
            "order": order, "person": person_code(thing.person_id),
        }  # fmt: skip

    def state(self, thing: Appeal) -> Sequence[State]:
        """Open, or how it ended."""
        return (State(word(Appeal.State, thing.state), gravity(Appeal.State, thing.state)),)

    def clocks(self, thing: Appeal) -> Sequence[Clock]:
        """By when it must be answered."""
        if thing.state == Appeal.State.OPEN:
            return (Clock(_("Answer due"), thing.due_at),)
        return (Clock(_("Ended"), thing.decided_at, neutral=True),) if thing.decided_at else ()

    def besides(self, thing: Appeal) -> dict[str, Any]:
        """The words on both sides, the rule, the facts."""
        hindrance = _hindrance(self, thing) if thing.state == Appeal.State.OPEN else ""
        return {**case_of(self, thing), "hindrance": hindrance}

    def timeline(self, thing: Appeal) -> Sequence[Event]:
        """What happened to its order."""
        steps = order_history(self.actor, thing.order)
        names = Names.of([step.entry for step in steps])
        return [
            Event(step.at, step_words(step.what), names.who(step.entry), why_words(step),
                  address("order", step.other) if step.other else "")
            for step in steps
        ]  # fmt: skip

    def panels(self, thing: Appeal) -> Sequence[Panel]:
        """Earlier appeals of the same person."""
        rows = list(list_appeals(self.actor).filter(person_id=thing.person_id).exclude(pk=thing.pk)[:10])
        columns = (
            Column(key="opened_at", title=_("Opened"), kind=Kind.INSTANT, link="appeal"),
            Column(key="state", title=_("State"), kind=Kind.WORD, words=Appeal.State),
        )
        return (Panel(_("Other appeals of this person"), columns, rows, _("None.")),)

    def actions(self, thing: Appeal) -> Sequence[Action]:
        """Answer, where the reader may."""
        offered = []
        if not _hindrance(self, thing):
            offered.append(Action(_("Answer"), address("appeal-decide", thing.pk), primary=True))
        if self.actor.may(Permission.DECISION_VIEW, thing.person.area_path):
            url = address("decision", person_code(thing.person_id))
            offered.append(Action(_("Why, and what would change it"), url))
        return offered


class AppealAnswer(FormPage):
    """The answer to an appeal: granted or upheld, with reasons that the person can read."""

    title = _("Answer an appeal")
    assets = ("control/control.css",)
    section = "appeals"
    permission = Permission.APPEAL_DECIDE
    second_factor = True
    template = "control/appeal_form.html"
    form = AnswerForm
    button = _("Answer")
    grave = confirm = True
    help = Appeals.help

    def fetch(self, **kwargs: Any) -> Appeal:
        """Absent where the reader may not answer in this area."""
        appeal = _fetch(self, kwargs["appeal_id"])
        if not self.actor.may(Permission.APPEAL_DECIDE, appeal.person.area_path):
            raise Absent("appeal")
        return appeal

    def heading(self, thing: Appeal) -> Words:
        """Whose appeal."""
        return gettext("Answer the appeal of %(person)s") % {"person": person_code(thing.person_id)}

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> Any:
        """With the person's words above the form."""
        appeal = context["thing"]
        return super().show(
            template, status=status, hindrance=_hindrance(self, appeal), **case_of(self, appeal), **context
        )

    def consequences(self, thing: Appeal, data: dict[str, Any]) -> Sequence[Consequence]:
        """What either answer means for the person."""
        order = thing.order
        kind, last = word(OrderKind, order.kind), formats.day_text(order.until)
        if data["answer"] == AnswerForm.GRANT:
            return (
                Consequence(_("Effect"), gettext(
                    "An exemption goes to the ledger: on the grounds known today, %(order)s binds this person no more. "
                    "The rulebook decides again at once.") % {"order": kind}),
                Consequence(_("End"), gettext("The exemption holds until %(day)s.") % {
                    "day": formats.day_text(order.latest)}),
                Consequence(_("What it does not cover"), _("New grounds, such as a positive test, make a new order.")),
                Consequence(_("Can it be taken back?"), _("No. An exemption answers an appeal and stands.")),
            )  # fmt: skip
        return (
            Consequence(_("Grounds"), gettext("%(n)s facts, rule %(rule)s, %(authority)s") % {
                "n": len(order.grounds["evidence"]), "rule": order.rule, "authority": order.authority}),
            Consequence(_("Effect"), gettext("%(order)s goes on unchanged. An answer never lengthens it.") % {
                "order": kind}),
            Consequence(_("End"), gettext("24:00 on %(day)s, as before.") % {"day": last}),
            Consequence(_("The person's way"), _("The person reads your reasons and may appeal again.")),
        )  # fmt: skip

    def submit(self, thing: Appeal, data: dict[str, Any]) -> Done:
        """One service; the rule of two persons of two units is the service's."""
        appeal = appeal_decide(
            actor=self.actor, appeal_id=thing.pk, granted=data["answer"] == AnswerForm.GRANT, answer=data["reason"],
            at=self.at,
        )  # fmt: skip
        told = gettext("The appeal is answered: %(state)s.") % {"state": word(Appeal.State, appeal.state)}
        return Done(told, with_area(address("appeal", thing.pk), self.area.code))

    def back(self, thing: Appeal) -> str:
        """To the appeal."""
        return address("appeal", thing.pk)


class AppealOpen(FormPage):
    """An appeal that somebody who works here opens for the person whom the order binds."""

    title = _("Appeal against an order")
    assets = ("control/control.css",)
    section = "orders"
    permission = Permission.APPEAL_OPEN
    template = "control/appeal_form.html"
    form = AppealForm
    button = _("Open the appeal")
    help = _(
        "Write down what the person says. The order runs on until the answer; without an answer in 24 hours the "
        "person is released."
    )

    def fetch(self, **kwargs: Any) -> Order:
        """Absent where the reader may not appeal for this person."""
        order = access_order(self.actor, kwargs["order_id"])
        if not self.actor.may(Permission.APPEAL_OPEN, order.person.area_path):
            raise Absent("order")
        return order

    def heading(self, thing: Order) -> Words:
        """Against which order."""
        return gettext("Appeal against %(order)s · %(person)s") % {
            "order": word(OrderKind, thing.kind), "person": person_code(thing.person_id),
        }  # fmt: skip

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> Any:
        """With the order above the form."""
        return super().show(template, status=status, order=context["thing"], words="", **context)

    def submit(self, thing: Order, data: dict[str, Any]) -> Done:
        """One service; the clock starts."""
        appeal = appeal_open(actor=self.actor, order_id=thing.pk, grounds=data["grounds"], at=self.at)
        told = gettext("The appeal is open. It must be answered by %(moment)s.") % {
            "moment": formats.moment_text(appeal.due_at)
        }
        seen = self.actor.may(Permission.APPEAL_VIEW, thing.person.area_path)
        url = address("appeal", appeal.pk) if seen else address("order", appeal.order_id)
        return Done(told, with_area(url, self.area.code))

    def back(self, thing: Order) -> str:
        """To the order."""
        return address("order", thing.pk)
