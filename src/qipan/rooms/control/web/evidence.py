"""Facts: one of them with what stands on it, stating a new one, taking one back."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import Grave, word
from qipan.rooms.control.forms import FACT_FORMS, FactForm, VoidForm
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.rules import OrderState
from qipan.rooms.control.selectors import Line, access_evidence, foresight_of, is_genuine, ledger_line, orders_on
from qipan.rooms.control.services import evidence_record, evidence_void
from qipan.rooms.control.web.deciding import id_of, kinds_for
from qipan.rooms.control.web.orders import state_of
from qipan.rooms.control.web.saying import fact_words, value_words, void_words
from qipan.terms.decisions import Decision
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind, HealthCode, OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

_APPEAL = _("Whoever is bound by an order may appeal: on the personal page, or through anybody who works here.")


class EvidencePage(DetailPage):
    """One fact of the ledger."""

    title = _("Fact")
    section = "people"
    permission = Permission.EVIDENCE_VIEW
    facts = (
        Column(key="evidence__person_id", title=_("Person"), kind=Kind.PERSON),
        Column(key="evidence__kind", title=_("Fact"), kind=Kind.WORD, words=EvidenceKind),
        Column(key="says", title=_("What it says"),
               value=lambda line: value_words(line.evidence.kind, line.evidence.value)),
        Column(key="evidence__at", title=_("When it was so"), kind=Kind.INSTANT),
        Column(key="evidence__recorded_at", title=_("Learnt"), kind=Kind.INSTANT),
        Column(key="evidence__source", title=_("Source")),
        Column(key="evidence__batch_id", title=_("Batch"), link="import", link_key="evidence__batch_id"),
        Column(key="evidence__recorded_by", title=_("Recorded by"), kind=Kind.USER),
        Column(key="evidence__recorded_unit", title=_("Unit"), kind=Kind.UNIT),
        Column(key="evidence__voids_id", title=_("Takes back fact"), link="evidence", link_key="evidence__voids_id"),
        Column(key="void", title=_("Why it was taken back"), value=void_words),
    )  # fmt: skip
    help = _("A fact is never edited: one that is wrong is taken back by a new fact, and the rulebook decides again.")

    def fetch(self, **kwargs: Any) -> Line:
        """Absent where it is not the reader's."""
        return ledger_line(self.actor, access_evidence(self.actor, kwargs["evidence_id"]))

    def heading(self, thing: Line) -> Words:
        """What and of whom."""
        return f"{word(EvidenceKind, thing.evidence.kind)} · {person_code(thing.evidence.person_id)}"

    def state(self, thing: Line) -> Sequence[State]:
        """Whether it counts."""
        if thing.void is not None:
            return (State(_("taken back: counts as never had"), Grave.WARN),)
        return (State(_("counts"), Grave.INFO),)

    def panels(self, thing: Line) -> Sequence[Panel]:
        """The orders that rest on it."""
        columns = (
            Column(key="kind", title=_("Order"), kind=Kind.WORD, words=OrderKind, link="order"),
            Column(key="now", title=_("State"), kind=Kind.WORD, words=OrderState),
            Column(key="until", title=_("Last day"), kind=Kind.DATE),
        )
        if not self.actor.areas_for(Permission.ORDER_VIEW):
            return ()
        rows = [order for order in orders_on(thing.evidence.pk).select_related("person") if is_genuine(order)]
        rows = [row for row in rows if self.actor.may(Permission.ORDER_VIEW, row.person.area_path)]
        for row in rows:
            row.now = state_of(row, self.at).value  # type: ignore[attr-defined]
        return (Panel(_("Orders that rest on it"), columns, rows, _("No order rests on it.")),)

    def actions(self, thing: Line) -> Sequence[Action]:
        """Take it back."""
        row, offered = thing.evidence, []
        place = row.person.area_path
        if self.actor.may(Permission.DECISION_VIEW, place):
            offered.append(Action(_("Why, and what would change it"), address("decision", person_code(row.person_id))))
        wanted = row.kind not in (EvidenceKind.EXEMPTION.value, EvidenceKind.CORRECTION.value)
        if thing.void is None and wanted and self.actor.may(Permission.EVIDENCE_VOID, place):
            offered.append(Action(_("Take it back"), address("evidence-void", row.pk), grave=True))
        return offered


def _decided(decision: Decision) -> str:
    """A decision in one line."""
    orders = ", ".join(
        gettext("%(order)s until 24:00 on %(day)s") % {
            "order": word(OrderKind, order.kind.value), "day": formats.day_text(order.ends)}
        for order in decision.orders
    )  # fmt: skip
    code = str(word(HealthCode, decision.code.value))
    return f"{code}; {orders}" if orders else gettext("%(code)s; nothing binds") % {"code": code}


def consequences_of(page: Any, person_id: int, item: dict[str, Any]) -> Sequence[Consequence]:
    """What the rulebook decides now, and what it would decide with one fact more, if the reader may see that."""
    try:
        sight = foresight_of(page.actor, person_id, at=page.at)
    except Absent:
        return (
            Consequence(_("Effect"), _("The rulebook decides about this person again at once.")),
            Consequence(_("The person's way"), _APPEAL),
        )
    after = sight.decide([sight.item(**item)])
    before = sight.decide()
    same = (before.code, before.orders) == (after.code, after.orders)
    said: Words = _("Nothing changes for this person by this fact alone.") if same else _decided(after)
    ends = [order.ends for order in after.orders]
    end: Words = gettext("24:00 on %(day)s at the latest, by itself.") % {
        "day": formats.day_text(max(ends))} if ends else _("Nothing binds.")  # fmt: skip
    return (
        Consequence(_("Now"), _decided(before)),
        Consequence(_("Then"), said),
        Consequence(_("End"), end),
        Consequence(_("People linked to this one"), _("They are decided again as well.")),
        Consequence(_("The person's way"), _APPEAL),
    )


class EvidenceRecord(FormPage):
    """Stating a fact: first of which kind, then what it says. The rulebook decides, nobody here."""

    title = _("Record a fact")
    assets = ("control/control.css",)
    section = "people"
    template = "control/evidence_record.html"
    button = _("Record the fact")
    grave = confirm = True
    help = _(
        "Write down what is so, when, and where that is written. It is never edited; a wrong one is taken back. The "
        "rulebook decides at once. There is no way to set a code or an order."
    )

    def fetch(self, **kwargs: Any) -> tuple[int, EvidenceKind | None]:
        """Absent where the reader may state nothing about this person."""
        person_id = id_of(kwargs["code"])
        offered = kinds_for(self.actor, person_id)
        if not offered:
            raise Absent("person")
        kind = kwargs.get("kind")
        if kind is None:
            return person_id, None
        if kind not in {each.value for each in offered}:
            raise Absent("kind")
        return person_id, EvidenceKind(kind)

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """The form of the kind."""
        _, kind = thing
        return FACT_FORMS[kind](data, initial={"at": self.at}) if kind is not None else forms.Form()

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> Any:
        """With the kinds to choose from."""
        person_id, kind = context["thing"]
        code = person_code(person_id)
        kinds = [
            (word(EvidenceKind, each.value), address("evidence-record-kind", code, each.value), each is kind)
            for each in kinds_for(self.actor, person_id)
        ]
        return super().show(template, status=status, kinds=kinds, chosen=kind, **context)

    def heading(self, thing: Any) -> Words:
        """Of which kind, about whom."""
        person_id, kind = thing
        code = person_code(person_id)
        if kind is None:
            return gettext("Record a fact about %(person)s") % {"person": code}
        return gettext("Record: %(kind)s · %(person)s") % {"kind": word(EvidenceKind, kind.value), "person": code}

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """What the rulebook would decide then."""
        person_id, kind = thing
        form = self._filled
        item = {"kind": kind, "value": form.value(), "at": data["at"], "linked": data.get("linked"),
                "learnt": self.at}  # fmt: skip
        return consequences_of(self, person_id, item)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        """Only a kind's form can be sent."""
        if kwargs.get("kind") is None:
            raise Absent("kind")
        return super().post(*args, **kwargs)

    @property
    def _filled(self) -> FactForm:
        """The form once more, as it was sent and found right."""
        _, kind = self.fetch(**self.kwargs)
        assert kind is not None
        form = FACT_FORMS[kind](self.request.POST)
        form.is_valid()
        return form

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """One service. The same form sent twice records one fact."""
        person_id, kind = thing
        recorded = evidence_record(
            actor=self.actor, person_id=person_id, kind=kind, at=data["at"], value=self._filled.value(),
            source=data["source"], now=self.at, linked_person_id=data.get("linked"), identity=data["once"],
        )  # fmt: skip
        opened = sum(recorded.refreshed.opened.values())
        told = gettext("The fact is recorded. Orders made: %(opened)s, closed: %(closed)s.") % {
            "opened": opened, "closed": sum(recorded.refreshed.closed.values())}  # fmt: skip
        code = person_code(person_id)
        seen = self.actor.areas_for(Permission.DECISION_VIEW)
        url = address("decision", code) if seen else address("evidence-record", code)
        return Done(told, with_area(url, self.area.code))

    def back(self, thing: Any) -> str:
        """To the decision, where the reader may see it."""
        code = person_code(thing[0])
        if thing[1] is not None or not self.actor.areas_for(Permission.DECISION_VIEW):
            return address("evidence-record", code)
        return address("decision", code)


class EvidenceVoid(FormPage):
    """Taking a fact back, with a reason."""

    title = _("Take a fact back")
    assets = ("control/control.css",)
    section = "people"
    permission = Permission.EVIDENCE_VOID
    form = VoidForm
    button = _("Take the fact back")
    grave = confirm = True
    help = EvidencePage.help

    def fetch(self, **kwargs: Any) -> Evidence:
        """Absent where the reader may not."""
        row = access_evidence(self.actor, kwargs["evidence_id"])
        if not self.actor.may(Permission.EVIDENCE_VOID, row.person.area_path):
            raise Absent("evidence")
        return row

    def heading(self, thing: Evidence) -> Words:
        """Which fact, of whom."""
        return gettext("Take back: %(fact)s · %(person)s") % {
            "fact": fact_words(thing), "person": person_code(thing.person_id),
        }  # fmt: skip

    def consequences(self, thing: Evidence, data: dict[str, Any]) -> Sequence[Consequence]:
        """What the rulebook decides without it."""
        item = {"kind": EvidenceKind.CORRECTION, "value": {}, "voids": thing.pk}
        return consequences_of(self, thing.person_id, item)

    def submit(self, thing: Evidence, data: dict[str, Any]) -> Done:
        """One service."""
        evidence_void(actor=self.actor, evidence_id=thing.pk, reason=data["reason"], now=self.at)
        return Done(_("The fact is taken back; the rulebook has decided again."),
                    with_area(address("evidence", thing.pk), self.area.code))  # fmt: skip

    def back(self, thing: Evidence) -> str:
        """To the fact."""
        return address("evidence", thing.pk)
