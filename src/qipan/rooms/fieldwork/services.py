"""Recording what happened at the door: once, with its evidence, and with what follows from it.

One path for one visit and for a phone that sends a whole day's list: the visits, their evidence, the decisions
that follow and the entries in the log are one transaction.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_noop

from qipan.foundation.audit.services import Entry, audited
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.control.selectors.orders import is_genuine
from qipan.rooms.control.services import NewEvidence, decisions_refresh, evidence_add, evidence_key
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.rules import HOME_KINDS, LOOK_BACK, Attempt, consequence
from qipan.rooms.fieldwork.selectors import attempt_of, local
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, QipanError, Refused
from qipan.terms.evidence import EvidenceKind, FollowUpOutcome, OrderKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

#: the name under which visits stand in the ledger
SOURCE = "fieldwork"
#: body temperatures (degrees Celsius) that a thermometer can have shown
TEMPERATURES = (30.0, 45.0)
#: ids in one statement
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class NewVisit:
    """A visit as the phone sends it. `due_on` is the local day whose visit it is; `symptoms` are words of the
    rulebook's vocabulary; `client_key` is made on the phone, once a visit.
    """

    client_key: str
    order_id: int
    due_on: date
    outcome: FollowUpOutcome
    visited_at: datetime
    temperature: float | None = None
    symptoms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VisitsRecorded:
    """What became of the visits that were sent: new ones, those known before, and those refused with the reason."""

    recorded: tuple[Visit, ...]
    known: tuple[Visit, ...]
    refused: tuple[tuple[str, QipanError], ...]
    orders_opened: dict[str, int]
    orders_closed: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Bound:
    order_id: int
    person_id: int
    kind: OrderKind
    opened_at: datetime
    starts_at: datetime
    ends_at: datetime
    area_path: str

    def binds(self, at: datetime) -> bool:
        """Whether it was in force at that moment."""
        return self.starts_at <= at < self.ends_at


def visit_record(
    *,
    actor: Actor,
    order_id: int,
    due_on: date,
    outcome: FollowUpOutcome,
    client_key: str,
    visited_at: datetime,
    now: datetime,
    temperature: float | None = None,
    symptoms: Sequence[str] | None = None,
) -> Visit:
    """Record one follow-up visit, its evidence and what follows, and decide at once. Sent twice it is one visit.

    Well: evidence. Symptomatic: evidence of the follow-up and of the symptoms, so that the rulebook may order a
    test. Not found: again the same day or tomorrow, and to the tracer after `rules.NOT_FOUND_LIMIT` in a row.
    Refused: to the supervisor. A phone may not know yet that its order was replaced: the visit then counts for
    the order at home that bound the person at that moment. Raises Absent (no such order for this actor), Denied,
    Refused (an order that is not followed up at the door, or none was in force then), BadInput, Conflict (the key
    was used for another visit).
    """
    visit = NewVisit(client_key, order_id, due_on, outcome, visited_at, temperature, tuple(symptoms or ()))
    with audited(actor=actor, action="visit.record", at=now) as entry:
        result = _record(actor, [visit], now, entry)
        for _, error in result.refused:
            raise error
        (stored,) = (*result.recorded, *result.known)
        entry.about(
            "visit",
            stored.pk,
            area_path=stored.area_path,
            detail={"order": stored.order_id, "outcome": stored.outcome, "passed_to": stored.passed_to},
        )
        entry.silent = not result.recorded
    return stored


def visits_record_bulk(*, actor: Actor, visits: Sequence[NewVisit], now: datetime) -> VisitsRecorded:
    """Record a phone's visits in one transaction; each exactly once, however often the list is sent.

    A visit that cannot be taken is answered with its reason, and does not hold up the others. The number of
    queries does not grow with the number of visits (but by one for every 5,000). Raises Denied where the actor
    records no visits anywhere.
    """
    with audited(actor=actor, action="visit.record_bulk", at=now) as entry:
        if not actor.areas_for(Permission.VISIT_RECORD):
            raise Denied(Permission.VISIT_RECORD)
        result = _record(actor, visits, now, entry)
        paths = sorted({visit.area_path for visit in result.recorded})
        entry.about(
            "visit",
            "",
            area_path=paths[0] if paths else "",
            detail={
                "recorded": len(result.recorded),
                "known": len(result.known),
                "refused": len(result.refused),
            },
        )
        entry.silent = not result.recorded
    return result


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _orders(actor: Actor, order_ids: set[int], now: datetime) -> dict[int, _Bound]:
    found: dict[int, _Bound] = {}
    for part in _parts(sorted(order_ids)):
        for order in list_orders(actor, at=now, active=False).filter(pk__in=part).select_related("person"):
            if is_genuine(order):
                found[order.pk] = _bound(order)
    return found


def _bound(order: Any) -> _Bound:
    return _Bound(
        order.pk,
        order.person_id,
        OrderKind(order.kind),
        order.opened_at,
        order.starts_at,
        order.ends_at if order.closed_at is None else min(order.ends_at, order.closed_at),
        order.person.area_path,
    )


def _orders_at_home(actor: Actor, person_ids: set[int], now: datetime) -> dict[int, list[_Bound]]:
    """person -> his orders that are followed up at the door, of all times, the stricter kind first."""
    found: dict[int, list[_Bound]] = defaultdict(list)
    for part in _parts(sorted(person_ids)):
        orders = list_orders(actor, at=now, active=False, kinds=HOME_KINDS).filter(person_id__in=part)
        for order in orders.select_related("person"):
            if is_genuine(order):
                found[order.person_id].append(_bound(order))
    for mine in found.values():
        mine.sort(key=lambda order: (HOME_KINDS.index(order.kind), order.order_id))
    return found


def _in_force(named: _Bound, at: datetime, at_home: Mapping[int, Sequence[_Bound]]) -> _Bound:
    """The order that bound the person at that moment: the named one, else one of its kind, else another one at
    home (while the phone was out of reach the named one was replaced); the named one where there is none.
    """
    if named.kind not in HOME_KINDS or named.binds(at):
        return named
    others = at_home.get(named.person_id, ())
    then = [order for order in others if order.opened_at <= at and order.binds(at)]
    return min(then, key=lambda order: order.kind is not named.kind, default=named)


def _orders_of(actor: Actor, visits: Sequence[NewVisit], now: datetime) -> dict[tuple[int, datetime], _Bound]:
    """(named order, moment of the visit) -> the order that the visit counts for. At most two queries for every
    5,000: the second only where a named order was not in force any more.
    """
    named = _orders(actor, {visit.order_id for visit in visits}, now)
    pairs = {(visit.order_id, visit.visited_at) for visit in visits if visit.order_id in named}
    lapsed = {
        named[order_id].person_id
        for order_id, at in pairs
        if named[order_id].kind in HOME_KINDS and not named[order_id].binds(at)
    }
    others = _orders_at_home(actor, lapsed, now)
    return {(order_id, at): _in_force(named[order_id], at, others) for order_id, at in pairs}


def _known(visits: Sequence[NewVisit]) -> dict[str, Visit]:
    found: dict[str, Visit] = {}
    for part in _parts([visit.client_key for visit in visits]):
        found |= {visit.client_key: visit for visit in Visit.objects.filter(client_key__in=part)}
    return found


def _earlier(person_ids: set[int], since: date) -> dict[int, list[tuple[datetime, Attempt]]]:
    found: dict[int, list[tuple[datetime, Attempt]]] = defaultdict(list)
    for part in _parts(sorted(person_ids)):
        rows = Visit.objects.filter(person_id__in=part, due_on__gte=since).order_by("visited_at", "pk")
        for person_id, visited_at, outcome in rows.values_list("person_id", "visited_at", "outcome"):
            found[person_id].append((visited_at, attempt_of(visited_at, outcome)))
    return found


def _check(actor: Actor, visit: NewVisit, order: _Bound | None, now: datetime) -> _Bound:
    """The order that the visit is for. Raises the reason why it cannot be taken."""
    if order is None:
        raise Absent("order")
    if not actor.may(Permission.VISIT_RECORD, order.area_path):
        raise Denied(Permission.VISIT_RECORD, order.area_path)
    if not 0 < len(visit.client_key) <= 64:
        raise BadInput(gettext_noop("A visit needs a key of 1 to 64 characters."))
    if visit.visited_at > now:
        raise BadInput(gettext_noop("A visit cannot lie in the future: %(at)s."), at=visit.visited_at.isoformat())
    if visit.due_on != local(visit.visited_at).date():
        raise BadInput(
            gettext_noop("A visit counts for the day on which it was made, not for %(day)s."),
            day=visit.due_on.isoformat(),
        )
    if order.kind not in HOME_KINDS:
        raise Refused(gettext_noop("Only orders of quarantine or monitoring at home are followed up at the door."))
    if not order.binds(visit.visited_at):
        raise Refused(gettext_noop("The order was not in force when the visit was made."))
    low, high = TEMPERATURES
    if visit.temperature is not None and not low <= visit.temperature <= high:
        raise BadInput(
            gettext_noop("A body temperature lies between %(low)s and %(high)s degrees."), low=low, high=high
        )
    symptomatic = visit.outcome is FollowUpOutcome.SYMPTOMATIC
    if symptomatic and not visit.symptoms:
        raise BadInput(gettext_noop("Say which symptoms."))
    if visit.symptoms and not symptomatic:
        raise BadInput(gettext_noop("Who has symptoms is symptomatic: correct the outcome."))
    return order


def _same(stored: Visit, visit: NewVisit, order: _Bound) -> bool:
    # by the person: the order that it was counted for may be another than the one that the phone names
    return (stored.person_id, stored.due_on, stored.outcome, stored.visited_at) == (
        order.person_id,
        visit.due_on,
        visit.outcome.value,
        visit.visited_at,
    )


def _facts(visit: NewVisit, person_id: int) -> list[NewEvidence]:
    value: dict[str, Any] = {"outcome": visit.outcome.value}
    if visit.temperature is not None:
        value["temperature"] = visit.temperature
    if visit.symptoms:
        value["symptoms"] = list(visit.symptoms)
    key = evidence_key(EvidenceKind.FOLLOW_UP.value, SOURCE, visit.client_key)
    facts = [NewEvidence(key, person_id, EvidenceKind.FOLLOW_UP, visit.visited_at, value)]
    if visit.outcome is FollowUpOutcome.SYMPTOMATIC:
        symptom = {name: item for name, item in value.items() if name != "outcome"}
        key = evidence_key(EvidenceKind.SYMPTOM.value, SOURCE, visit.client_key)
        facts.append(NewEvidence(key, person_id, EvidenceKind.SYMPTOM, visit.visited_at, symptom))
    return facts


def _record(actor: Actor, visits: Sequence[NewVisit], now: datetime, entry: Entry) -> VisitsRecorded:
    # first of all, so that the same visit sent by two connections is looked up by one after the other
    lock_ledger()
    orders = _orders_of(actor, visits, now)
    stored = _known(visits)
    good: dict[str, tuple[NewVisit, _Bound]] = {}
    known: dict[str, Visit] = {}
    refused: list[tuple[str, QipanError]] = []
    for visit in sorted(visits, key=lambda visit: (visit.visited_at, visit.client_key)):
        try:
            order = _check(actor, visit, orders.get((visit.order_id, visit.visited_at)), now)
            before = stored.get(visit.client_key)
            sent = good.get(visit.client_key)
            if (before is not None and not _same(before, visit, order)) or (sent is not None and sent[0] != visit):
                raise Conflict(gettext_noop("This key was used for another visit."))
        except QipanError as error:
            refused.append((visit.client_key, error))
            continue
        if before is not None:
            known[visit.client_key] = before
        else:
            good[visit.client_key] = (visit, order)
    if not good:
        return VisitsRecorded((), tuple(known.values()), tuple(refused), {}, {})
    rows, facts = _rows(actor, list(good.values()), now)
    logged = evidence_add(
        actor=actor,
        source=SOURCE,
        batch_id=None,
        write_id=entry.write_id,
        recorded_at=now,
        rows=facts,
    )
    entry.detail.update(logged)
    Visit.objects.bulk_create(rows, batch_size=_BATCH)
    # the machinery decides; that the actor may state the facts was asked above, person by person
    refreshed = decisions_refresh(actor=SYSTEM_ACTOR, at=now, person_ids={row.person_id for row in rows})
    return VisitsRecorded(
        tuple(rows), tuple(known.values()), tuple(refused), dict(refreshed.opened), dict(refreshed.closed)
    )


def _rows(
    actor: Actor, good: Sequence[tuple[NewVisit, _Bound]], now: datetime
) -> tuple[list[Visit], list[NewEvidence]]:
    """The visits to store, each with what follows from it, and their evidence."""
    since = min(visit.due_on for visit, _ in good) - LOOK_BACK
    history = _earlier({order.person_id for _, order in good}, since)
    rows: list[Visit] = []
    facts: list[NewEvidence] = []
    for visit, order in good:
        past = history[order.person_id]
        past.append((visit.visited_at, attempt_of(visit.visited_at, visit.outcome)))
        # a phone that syncs late may bring a visit from before one that is known
        until = [
            attempt
            for visited_at, attempt in sorted(past, key=lambda item: item[0])
            if visited_at <= visit.visited_at and attempt.on >= visit.due_on - LOOK_BACK
        ]
        follows = consequence(until)
        new = _facts(visit, order.person_id)
        facts += new
        rows.append(
            Visit(
                person_id=order.person_id,
                area_path=order.area_path,
                order_id=order.order_id,
                due_on=visit.due_on,
                client_key=visit.client_key,
                outcome=visit.outcome.value,
                visited_at=visit.visited_at,
                recorded_at=now,
                recorded_by=actor.user_id,
                evidence_key=new[0].key,
                again_on=follows.again_on,
                passed_to=follows.passed_to,
            )
        )
    return rows, facts
