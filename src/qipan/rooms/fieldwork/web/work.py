"""The grid worker's list of today, one visit recorded, and what a phone sends that was out of reach."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages.form_page import Done, FormPage
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.foundation.pages.speech import say
from qipan.foundation.pages.words import gravity, word
from qipan.rooms.control.selectors import access_order
from qipan.rooms.fieldwork import services
from qipan.rooms.fieldwork.forms import SYMPTOMS, VisitForm
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.rules import HOME_KINDS, would_follow
from qipan.rooms.fieldwork.selectors import VISIT, WorkItem, local, work_of_day
from qipan.rooms.fieldwork.services import NewVisit
from qipan.rooms.fieldwork.web.shown import Task, follows, will_follow
from qipan.rooms.persons.services import Identity, Purpose, identity_open
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.evidence import FollowUpOutcome, OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

#: visits that a phone sends at once
MOST_SENT = 200
#: what a phone makes as the key of a visit
_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
#: what names are opened for on this list
_PURPOSES = (
    (Purpose.FOLLOW_UP.value, _("Names and doors for the visits")),
    (Purpose.ORDER_SERVICE.value, _("Names and doors to hand over orders")),
)


#: what the phone's script says
_PHONE_WORDS = {
    "none": _("Everything is sent."),
    "waiting": _("Waiting to be sent: {n}"),
    "refused": _("Not taken: {n}. Look at them and enter them again."),
    "sending": _("Sending…"),
    "offline": _("No network. Go on: your visits wait on this phone and are sent by themselves."),
    "signedOut": _("This page is signed out. Sign in again; your visits are still on this phone."),
    "card": _("Waiting to be sent"),
    "saved": _("Saved"),
    "notTaken": _("Not taken"),
    "dismiss": _("Seen, take it away"),
    "symptoms": _("Say which symptoms."),
    "when": _("Say when you were there."),
}


@dataclass(frozen=True, slots=True)
class ToDo:
    """A line of a card."""

    task: str
    title: Words
    missed_since: date | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the large buttons of a card."""

    value: str
    title: Words
    grave: str
    href: str
    leads: str


@dataclass(slots=True)
class Door:
    """A card: one person, with everything to do there today."""

    person_id: int
    code: str
    kind: Words
    todo: list[ToDo] = field(default_factory=list)
    order_id: int | None = None
    last: Words = ""
    last_grave: str = ""
    outcomes: Sequence[Outcome] = ()
    identity: Identity | None = None


class FieldWork(Page):
    """What is to be done at the doors today, in walking order."""

    title = _("Today’s doors")
    section = "field"
    permission = Permission.VISIT_VIEW
    template = "fieldwork/work.html"
    help = _(
        "Your doors of today in walking order. Open the names once, in the morning; they go with the page. Record what "
        "happened with one of the four buttons. Without a network, visits wait on this phone (without names) and are "
        "sent when it is back."
    )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The cards; whoever records no visits sees the area's work."""
        if not self.actor.areas_for(Permission.VISIT_RECORD):
            return redirect(with_area(address("field-cells"), self.area.code))
        return self.cards()

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Names and doors, opened for the whole list in one entry of the log."""
        if not self.actor.areas_for(Permission.VISIT_RECORD):
            raise Absent("page")
        purpose = self.request.POST.get("purpose", "")
        if purpose not in dict(_PURPOSES):
            raise BadInput("Choose what the names are opened for.")
        people = {item.person_id for item in self.items() if item.due}
        return self.cards(identity_open(actor=self.actor, person_ids=people, purpose=purpose, at=self.at))

    def items(self) -> list[WorkItem]:
        """The work of today that is the reader's own."""
        items = work_of_day(self.actor, local(self.at).date(), self.area.path)
        return [item for item in items if self.actor.may(Permission.VISIT_RECORD, item.area_path)]

    def cards(self, opened: dict[int, Identity] | None = None) -> HttpResponse:
        """The page. `opened`: the identities of the people on it."""
        items = self.items()
        due = [item for item in items if item.due]
        said = names_of("area", {item.area_path for item in due})
        areas = []
        for path, mine in groupby(due, key=lambda item: item.area_path):
            homes = [
                self._doors(list(home), opened or {})
                for _key, home in groupby(mine, key=_home)
            ]
            areas.append({"name": said.get(path, path.rstrip("/").rpartition("/")[2]), "homes": homes})
        return self.show(
            areas=areas,
            due=len(due),
            overdue=sum(item.missed_since is not None for item in due),
            done=sum(item.done for item in items),
            tried=sum(not item.due and not item.done for item in items),
            names_opened=opened is not None,
            purposes=_PURPOSES if self.actor.areas_for(Permission.IDENTITY_OPEN) else (),
            symptoms=SYMPTOMS,
            local_now=f"{local(self.at):%Y-%m-%dT%H:%M}",
            words={name: str(text) for name, text in _PHONE_WORDS.items()},
            cells=with_area(address("field-cells"), self.area.code),
        )

    def _doors(self, items: list[WorkItem], opened: dict[int, Identity]) -> list[Door]:
        doors: dict[int, Door] = {}
        for item in items:
            door = doors.setdefault(
                item.person_id,
                Door(item.person_id, item.person_code, word(OrderKind, item.order_kind.value),
                     identity=opened.get(item.person_id)),
            )  # fmt: skip
            door.todo.append(ToDo(item.task, word(Task, item.task), item.missed_since))
            if item.task == VISIT:
                door.order_id = item.order_id
                door.kind = word(OrderKind, item.order_kind.value)
                door.outcomes = self._outcomes(item)
                if item.last_outcome is not None:
                    door.last = word(FollowUpOutcome, item.last_outcome.value)
                    door.last_grave = gravity(FollowUpOutcome, item.last_outcome.value).value
        return list(doors.values())

    def _outcomes(self, item: WorkItem) -> list[Outcome]:
        made = []
        for outcome in FollowUpOutcome:
            again, passed_to = would_follow(
                outcome, tried_today=item.last_outcome is not None, not_found_in_row=item.not_found_in_row,
                at=local(self.at).time(),
            )  # fmt: skip
            href = with_area(f"{address('visit-record', item.order_id)}?outcome={outcome.value}", self.area.code)
            made.append(
                Outcome(
                    outcome.value, word(FollowUpOutcome, outcome.value), gravity(FollowUpOutcome, outcome.value).value,
                    href, will_follow(outcome, again, passed_to),
                )
            )  # fmt: skip
        return made


class VisitRecord(FormPage):
    """One visit, where the page of cards could not take it (no script)."""

    title = _("Record a visit")
    section = "field"
    permission = Permission.VISIT_RECORD
    template = "fieldwork/visit_form.html"
    form = VisitForm
    button = _("Save the visit")
    help = _("Say what happened at the door and when. Sent twice, it is one visit.")

    def fetch(self, **kwargs: Any) -> Any:
        """The order that is followed up. Absent where the reader records no visits there."""
        order = access_order(self.actor, kwargs["order_id"])
        if not self.actor.may(Permission.VISIT_RECORD, order.person.area_path):
            raise Absent("order")
        if OrderKind(order.kind) not in HOME_KINDS:
            raise Refused("Only orders of quarantine or monitoring at home are followed up at the door.")
        return order

    def heading(self, thing: Any) -> Words:
        """Whose door."""
        outcome = self._outcome()
        said = word(FollowUpOutcome, outcome) if outcome else self.page_title()
        return f"{said} · {person_code(thing.person_id)}"

    def initial(self, thing: Any) -> dict[str, Any]:
        """Now, and a key that makes this form one visit however often it is sent."""
        return {"client_key": uuid4().hex, "visited_at": self.at, "outcome": self._outcome()}

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """Only the fields that this outcome needs."""
        return VisitForm(data, initial=self.initial(thing), outcome=self._outcome())

    def _outcome(self) -> str:
        asked = self.request.GET.get("outcome", "")
        if asked and asked not in {outcome.value for outcome in FollowUpOutcome}:
            raise BadInput("“%(value)s” cannot be chosen as %(filter)s.", value=asked[:60], filter=_("What happened"))
        return asked

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Once, with its evidence."""
        visit = services.visit_record(
            actor=self.actor, order_id=thing.pk, due_on=local(data["visited_at"]).date(),
            outcome=FollowUpOutcome(data["outcome"]), client_key=data["client_key"], visited_at=data["visited_at"],
            now=self.at, temperature=data.get("temperature"), symptoms=data.get("symptoms") or (),
        )  # fmt: skip
        return Done(_said(visit, self.at), with_area(address("field-work"), self.area.code))

    def back(self, thing: Any) -> str:
        """The cards."""
        return address("field-work")


def _home(item: WorkItem) -> tuple[bool, int]:
    """Who shares a door: the household, or the person alone."""
    if item.household_id is None:
        return False, item.person_id
    return True, item.household_id


def _said(visit: Visit, at: datetime) -> str:
    outcome = word(FollowUpOutcome, visit.outcome)
    return f"{person_code(visit.person_id)}: {outcome}. {follows(visit, local(at).date())}".strip()


class VisitsSend(Page):
    """What a phone kept while it was out of reach: a list of visits, each answered for itself (JSON)."""

    permission = Permission.VISIT_RECORD

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Recorded, known before, or refused with the reason in words: by the key of each visit."""
        try:
            sent = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise BadInput("This is no list of visits.") from None
        if not isinstance(sent, list) or len(sent) > MOST_SENT:
            raise BadInput("This is no list of visits, or one of more than %(most)s.", most=MOST_SENT)
        answers: dict[str, dict[str, str]] = {}
        visits: list[NewVisit] = []
        for each in sent:
            try:
                visits.append(_visit(each))
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                key = str(each.get("key", ""))[:64] if isinstance(each, dict) else ""
                answers[key] = {"state": "refused", "text": say(BadInput("This visit cannot be read: enter it again."))}
        result = services.visits_record_bulk(actor=self.actor, visits=visits, now=self.at)
        today = local(self.at).date()
        for state, rows in (("recorded", result.recorded), ("known", result.known)):
            for visit in rows:
                again = "today" if visit.again_on == today else ""
                answers[visit.client_key] = {"state": state, "text": follows(visit, today), "again": again}
        for key, error in result.refused:
            answers[key] = {"state": "refused", "text": say(error)}
        return JsonResponse({"visits": answers, "now": f"{local(self.at):%Y-%m-%dT%H:%M}"})


def _visit(sent: dict[str, Any]) -> NewVisit:
    """A visit as the phone keeps it. Raises KeyError, TypeError, ValueError, AttributeError for what is none."""
    moment = datetime.fromisoformat(sent["visited_at"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(clock.civil_zone()))
    temperature = sent.get("temperature")
    symptoms = sent.get("symptoms") or []
    known = dict(SYMPTOMS)
    if not isinstance(symptoms, list) or any(symptom not in known for symptom in symptoms):
        raise ValueError("symptoms")
    order, key = sent["order"], sent["key"]
    if not isinstance(order, int) or isinstance(order, bool) or not 0 < order < 2**63:
        raise ValueError("order")
    if not _KEY.fullmatch(key):
        raise ValueError("key")
    return NewVisit(
        client_key=key, order_id=order, due_on=local(moment).date(), outcome=FollowUpOutcome(sent["outcome"]),
        visited_at=moment, temperature=None if temperature in (None, "") else float(temperature),
        symptoms=tuple(symptoms),
    )  # fmt: skip


