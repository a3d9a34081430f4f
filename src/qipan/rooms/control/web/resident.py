"""The resident's own page, by a personal link and nothing else.

His code and why, until when, what to do, how to appeal, what is held about him and who looked. Large, calm, for a
phone; prints on A4 for those without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.holdings import held_about
from qipan.foundation.pages import formats
from qipan.foundation.pages.page import Page, Words
from qipan.foundation.pages.speech import say
from qipan.foundation.pages.words import word
from qipan.rooms.control.forms import OwnAppealForm
from qipan.rooms.control.models import Appeal
from qipan.rooms.control.selectors import Ground, OwnOrder, OwnPage, own_page, who_looked
from qipan.rooms.control.services import appeal_open_by_person, unsealed_answer, unsealed_grounds
from qipan.rooms.control.web.saying import Names, action_words, rule_words
from qipan.rooms.persons.selectors import person_of_link
from qipan.terms.errors import Absent, BadInput, QipanError, Refused
from qipan.terms.evidence import EvidenceKind, HealthCode, OrderKind
from qipan.terms.identity import person_code

#: unknown links from one address in ten minutes before it is asked to wait; a link that is right is always answered
MISSES, MINUTES = 30, 10

_MEANS: dict[str, Words] = {
    "green": _("You are free to go where you like."),
    "yellow": _("You have something to do, or stay at home for a while. Read below what, and until when."),
    "red": _("You are in isolation or quarantine. Read below why, and until when."),
}
_DUTIES: dict[OrderKind, Words] = {
    OrderKind.ISOLATE: _("You are treated or looked after in isolation until you are released. You are told where."),
    OrderKind.QUARANTINE_CENTRAL: _("You stay in a room of a quarantine site. You are told where, and taken there."),
    OrderKind.QUARANTINE_HOME: _("You stay at home, apart from those you live with, and do not go out."),
    OrderKind.MONITOR_HOME: _("You stay at home beyond what is needed, and watch your health."),
    OrderKind.TEST: _("You get tested on the days below. You are not kept at home for it."),
}
_PURPOSES: dict[str, Words] = {
    "case_investigation": _("investigation of a case"),
    "contact_tracing": _("finding contacts"),
    "order_service": _("telling you of an order"),
    "follow_up": _("looking after you"),
    "testing": _("testing"),
    "medical_care": _("medical care"),
    "appeal": _("an appeal"),
    "subject_request": _("your own request"),
}


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order in the person's words."""

    kind: str
    title: Words
    duty: Words
    order: OwnOrder
    later: bool
    rule: str
    facts: Sequence[tuple[Words, Any]]
    others: int
    #: (day, "past", "today" or "")
    tests: Sequence[tuple[date, str]]
    form: OwnAppealForm | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ShownAppeal:
    """An appeal with both sides' words."""

    appeal: Appeal
    title: Words
    state: Words
    words: str
    answer: str


class Resident(Page):
    """The page behind a personal link. An unknown, expired or revoked link looks absent."""

    title = _("My health code")
    public = True
    template = "control/resident.html"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Stays out of search engines, and tells no other site where the reader came from. (Ours must hear it: of a
        page that says nothing at all, browsers send forms with the origin "null", which are taken for forged.)
        """
        try:
            answer = super().dispatch(request, *args, **kwargs)
        except Absent:
            if _missed(request.META.get("REMOTE_ADDR", "")):
                answer = HttpResponse(
                    gettext("Too many tries. Wait a few minutes, then open your link again."), status=429,
                    content_type="text/plain; charset=utf-8",
                )  # fmt: skip
                answer["Retry-After"] = str(MINUTES * 60)
            else:
                raise
        answer["Referrer-Policy"] = "same-origin"
        answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return answer

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Everything about the person of the link."""
        return self._page(own_page(person_of_link(kwargs["token"], self.at), at=self.at))

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """An appeal by the person himself."""
        token = kwargs["token"]
        person_id = person_of_link(token, self.at)
        form = OwnAppealForm(self.request.POST)
        error: QipanError | None = None
        if form.is_valid():
            try:
                appeal_open_by_person(
                    token=token, kind=form.cleaned_data["kind"], grounds=form.cleaned_data["grounds"], at=self.at
                )
                return redirect(f"{self.request.path}#appeals")
            except (BadInput, Refused) as refused:
                error = refused
        return self._page(own_page(person_id, at=self.at), form, say(error) if error else "", status=400)

    def _page(
        self, own: OwnPage, form: OwnAppealForm | None = None, error: str = "", status: int = 200
    ) -> HttpResponse:
        code = own.decision.code.value
        looked = who_looked(own.person_id, at=self.at)
        names = Names.of(looked)
        asked = form.data.get("kind", "") if form is not None else ""
        orders = [self._order(order, own.today, form, asked, error) for order in own.orders]
        return self.show(
            status=status, code=code, code_word=word(HealthCode, code), means=_MEANS[code],
            person=person_code(own.person_id), orders=orders, next=own.decision.next_change_at,
            others=[(ground, rule_words(ground)) for ground in own.others],
            appeals=[_appeal(appeal) for appeal in own.appeals],
            # the form of an order that binds no longer: what was typed is not lost
            lost=form if error and asked not in {order.kind for order in orders} else None, lost_error=error,
            held=held_about(own.person_id),
            looked=[(entry.at, action_words(entry.action), names.office(entry), _purpose(entry.purpose))
                    for entry in looked],
            rulebook=own.decision.rulebook, at=self.at,
        )  # fmt: skip

    def _order(
        self, order: OwnOrder, today: date, form: OwnAppealForm | None, asked: str, error: str
    ) -> ShownOrder:
        kind = order.kind.value
        here = form is not None and asked == kind
        later = order.begins_later(today)
        own_form = form if here else OwnAppealForm(initial={"kind": kind}, auto_id=f"{kind}_%s")
        return ShownOrder(
            kind=kind, title=word(OrderKind, kind), duty=_DUTIES[order.kind], order=order, later=later,
            rule=rule_words(order.ground), facts=_facts(order.ground), others=order.ground.hidden,
            tests=[(day, "past" if day < today else "today" if day == today else "") for day in order.test_days],
            form=None if order.appeal is not None else own_form, error=error if here else "",
        )  # fmt: skip


def _facts(ground: Ground) -> list[tuple[Words, Any]]:
    """The kinds of facts behind an order, with their moments: nothing that points to anybody else."""
    return [(word(EvidenceKind, row.kind), row.at) for row in ground.evidence]


def _appeal(appeal: Appeal) -> ShownAppeal:
    state: dict[str, Words] = {
        "open": gettext("open: the answer is due by %(moment)s") % {"moment": formats.moment_text(appeal.due_at)},
        "upheld": _("answered: the order stands"),
        "granted": _("granted: you are free of this order"),
        "released": _("nobody answered in time: you are free of this order"),
        "moot": _("the order ended before an answer"),
    }
    return ShownAppeal(
        appeal, word(OrderKind, appeal.order.kind), state[appeal.state], unsealed_grounds(appeal),
        unsealed_answer(appeal),
    )  # fmt: skip


def _purpose(purpose: str) -> Words:
    return _PURPOSES.get(purpose, purpose)


def _missed(address: str) -> bool:
    """Count an unknown link from this address; whether it is asked to wait."""
    key = f"qipan.resident.{address}"
    cache.add(key, 0, MINUTES * 60)
    try:
        return bool(cache.incr(key) > MISSES)
    except ValueError:  # it ran out in between
        return False
