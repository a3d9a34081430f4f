"""Decisions are stored, orders opened and closed: only here, and only as the rulebook's evaluators say."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from qipan.foundation import clock, crypto
from qipan.foundation.access.scoping import require_recorded
from qipan.foundation.audit.selectors import not_before_log
from qipan.foundation.audit.services import audited
from qipan.rooms.control.models import CompletePass, Order, StoredDecision
from qipan.rooms.control.rules import Opening, OpenOrder, decision_json, diff_orders
from qipan.rooms.control.selectors.deciding import Subject, evaluate, subjects
from qipan.rooms.control.selectors.decisions import is_sealed, seal_payload
from qipan.rooms.control.selectors.ledger import ledger_versions, linked_to, persons_with_grounds
from qipan.rooms.control.selectors.orders import order_seal
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.diseases.selectors import BooksInForce, tables_in_force
from qipan.rulebooks.model import Rulebook
from qipan.terms.decisions import Decision
from qipan.terms.roles import Actor, Permission

#: persons a transaction: some seconds of work, so that nobody waits long for the ledger
_CHUNK = 5_000


@dataclass(slots=True)
class Refreshed:
    """How many persons were decided, and the orders that this opened and closed, by kind."""

    persons: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Refreshed") -> None:
        self.persons += other.persons
        self.opened.update(other.opened)
        self.closed.update(other.closed)

    @property
    def changed(self) -> int:
        return sum(self.opened.values()) + sum(self.closed.values())

    def detail(self) -> dict[str, Any]:
        """For the log: counts only."""
        return {"decided": self.persons, "opened": dict(self.opened), "closed": dict(self.closed)}


def _appeal_to(area_path: str) -> str:
    # the headquarters of the person's county hears appeals; of what there is of the path where it is shorter
    codes = [code for code in area_path.split("/") if code]
    return codes[min(2, len(codes) - 1)] if codes else "/"


def _open_orders(person_ids: Collection[int], disease: str) -> dict[int, list[OpenOrder]]:
    found: dict[int, list[OpenOrder]] = {}
    rows = Order.objects.filter(person_id__in=person_ids, disease=disease, closed_at=None).order_by("pk")
    for row in rows:
        found.setdefault(row.person_id, []).append(
            OpenOrder(
                order_id=row.pk,
                kind=row.kind,
                rule=row.rule,
                rulebook=row.rulebook,
                starts=row.starts_on,
                until=row.until,
                latest=row.latest,
                awaiting=row.awaiting,
                test_days=tuple(date.fromisoformat(day) for day in row.test_days),
                evidence=tuple(row.grounds["evidence"]),
                ends_at=row.ends_at,
            )
        )
    return found


def _new_order(
    person: Subject, book: Rulebook, opening: Opening, *, at: datetime, disease: str, write_id: str
) -> Order:
    spec = opening.spec
    order = Order(
        person_id=person.person_id,
        disease=disease,
        kind=spec.kind.value,
        rulebook=book.id,
        rule=spec.rule,
        authority=spec.authority,
        evidence_id=int(spec.evidence[0]),
        grounds={"evidence": list(spec.evidence)},
        starts_on=spec.starts,
        until=spec.until,
        latest=spec.latest,
        starts_at=clock.day_start(spec.starts, book.time_zone),
        ends_at=clock.day_end(spec.ends, book.time_zone),
        awaiting=spec.awaiting,
        fulfil_by=spec.fulfil_by,
        test_days=[day.isoformat() for day in spec.test_days],
        review_on=spec.review,
        appeal_to=_appeal_to(person.area_path),
        opened_at=at,
        replaces_id=opening.replaces,
        write_id=write_id,
    )
    order.seal = order_seal(order)
    return order


def _close_orders(closings: dict[int, str], at: datetime, counts: Counter[str]) -> None:
    rows = list(Order.objects.filter(pk__in=closings, closed_at=None))
    for row in rows:
        how = closings[row.pk]
        row.closed_as = how
        # a lapsed order ended by itself at its end, not when somebody looked
        row.closed_at = row.ends_at if how == Order.Closed.LAPSED else at
        row.seal = order_seal(row)
        counts[row.kind] += 1
    Order.objects.bulk_update(rows, ["closed_as", "closed_at", "seal"], batch_size=500)


def _store(decided: Iterable[tuple[Subject, Decision]], *, at: datetime, disease: str, write_id: str) -> Refreshed:
    """Make the stored decisions and orders of these persons what was decided."""
    decided = list(decided)
    ids = [person.person_id for person, _ in decided]
    before = {row.person_id: row for row in StoredDecision.objects.filter(person_id__in=ids, disease=disease)}
    open_orders = _open_orders(ids, disease)
    versions = ledger_versions(ids, disease=disease)
    refreshed = Refreshed(persons=len(decided))
    decisions: list[StoredDecision] = []
    openings: list[Order] = []
    closings: dict[int, str] = {}
    for person, decision in decided:
        row = before.get(person.person_id)
        stored = open_orders.get(person.person_id, [])
        if row is None and not stored and not decision.orders and decision.next_change_at is None:
            continue  # green, nothing pending: reading it decides the same, so nothing need be stored
        changes = diff_orders(stored, decision.orders, rulebook=decision.rulebook, moment=at)
        closings.update(changes.closings)
        if person.book is not None:
            openings += [
                _new_order(person, person.book, opening, at=at, disease=disease, write_id=write_id)
                for opening in changes.openings
            ]
        content = decision_json(decision)
        values = {
            "rulebook": decision.rulebook,
            "tables": decision.tables,
            "moment": at,
            "content": content,
            "next_change_at": decision.next_change_at,
            "ledger": versions[person.person_id],
        }
        if row is not None and not row.stale and is_sealed(row) and row.moment <= at:
            same = all(getattr(row, name) == value for name, value in values.items() if name != "moment")
            if same:
                continue
        payload = seal_payload(person_id=person.person_id, disease=disease, **values)  # type: ignore[arg-type]
        seal = crypto.digest("decision", payload, size=32)
        decisions.append(StoredDecision(person_id=person.person_id, disease=disease, seal=seal, stale=False, **values))
    # closed first: one order of a (kind, rule) may be open at a time
    _close_orders(closings, at, refreshed.closed)
    Order.objects.bulk_create(openings, batch_size=500)
    refreshed.opened.update(order.kind for order in openings)
    StoredDecision.objects.bulk_create(
        decisions,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["person", "disease"],
        update_fields=["rulebook", "tables", "moment", "content", "next_change_at", "stale", "ledger", "seal"],
    )
    return refreshed


def decide_now(person_ids: Collection[int], *, at: datetime, disease: str, write_id: str) -> Refreshed:
    """Decide these persons and store what follows, inside the caller's transaction (ledger locked)."""
    decided = evaluate(subjects(person_ids, at=at, disease=disease), at=at, disease=disease)
    return _store(decided, at=at, disease=disease, write_id=write_id)


def _moved(at: datetime, disease: str) -> set[int]:
    """Persons whose stored decision is of another book than the one that holds where they live now."""
    books = BooksInForce(disease, clock.local_date(at, clock.civil_zone()))
    rows = StoredDecision.objects.filter(disease=disease, person__purged_at=None)
    places = rows.values_list("person_id", "rulebook", "person__area_path").iterator(chunk_size=10_000)
    by_path: dict[str, str] = {}
    moved = set()
    for person_id, rulebook, path in places:
        if path not in by_path:
            book = books.at(path)
            by_path[path] = book.id if book else ""
        if by_path[path] != rulebook:
            moved.add(person_id)
    return moved


def _waiting(at: datetime, disease: str, rules: dict[str, Any]) -> list[int]:
    """Persons whose stored decision is stale or due; everybody with grounds if other books or tables are in
    force than at the last pass (a green decision is not stored, and may be another one now).
    """
    purged = Q(person__purged_at__isnull=False) & ~Q(rulebook="")
    waiting = Q(stale=True) | Q(next_change_at__lte=at) | purged
    if not CompletePass.objects.filter(disease=disease, **rules).exists():
        waiting = Q()
    rows = StoredDecision.objects.filter(waiting, disease=disease)
    wanted = set(rows.values_list("person_id", flat=True))
    wanted |= _moved(at, disease)
    if waiting == Q():
        wanted |= set(persons_with_grounds(disease))
    return sorted(wanted)


def decisions_refresh(
    *,
    actor: Actor,
    at: datetime,
    person_ids: Collection[int] | None = None,
    disease: str = "covid19",
) -> Refreshed:
    """Decide persons again and store what changed, 5,000 persons a transaction, each with its log entry.

    `person_ids` None: those whose stored decision is stale, due, or of another book or table. Persons who
    depend on the given ones (linked) are included. Running it again at the same moment changes nothing and
    writes nothing. Raises Denied.
    """
    at = not_before_log(at)
    require_recorded(actor, Permission.DECISION_RUN, action="decision.refresh", at=at)
    total = Refreshed()
    rules: dict[str, Any] = {}
    if person_ids is None:
        day = clock.local_date(at, clock.civil_zone())
        rules = {"books": sorted(BooksInForce(disease, day).ids()), "tables": tables_in_force(disease).revision}
        wanted = _waiting(at, disease, rules)
    else:
        wanted = sorted(set(person_ids) | linked_to(person_ids, disease=disease))
    for start in range(0, len(wanted), _CHUNK):
        with audited(actor=actor, action="decision.refresh", at=at) as entry:
            lock_ledger()
            part = decide_now(wanted[start : start + _CHUNK], at=at, disease=disease, write_id=entry.write_id)
            entry.about("disease", disease, area_path="/", detail=part.detail())
            entry.silent = part.changed == 0
        total.add(part)
    if rules and not CompletePass.objects.filter(disease=disease, **rules).exists():
        CompletePass.objects.update_or_create(disease=disease, defaults={**rules, "at": at})
    return total


def decisions_rebuild(*, actor: Actor, at: datetime, disease: str = "covid19") -> Refreshed:
    """Throw the cache of stored decisions away and decide everybody with evidence again."""
    at = not_before_log(at)
    require_recorded(actor, Permission.DECISION_RUN, action="decision.rebuild", at=at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT person_id FROM control_evidence WHERE disease = %s", [disease])
        everybody = [row[0] for row in cursor.fetchall()]
    with audited(actor=actor, action="decision.rebuild", at=at) as entry:
        lock_ledger()
        StoredDecision.objects.filter(disease=disease).delete()
        entry.about("disease", disease, area_path="/", detail={"persons": len(everybody)})
    return decisions_refresh(actor=actor, at=at, person_ids=everybody, disease=disease)
