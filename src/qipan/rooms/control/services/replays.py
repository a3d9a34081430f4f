"""The ledger under another rulebook: what would it change, in people, rooms and tests?"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from qipan.foundation import clock
from qipan.foundation.access.scoping import require, require_recorded
from qipan.foundation.audit.services import audited
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobContext, JobKind
from qipan.foundation.jobs.services import job_add
from qipan.rooms.control.selectors.ledger import ledger_frame, persons_count, persons_with_grounds
from qipan.rooms.control.selectors.replays import REPLAY
from qipan.rooms.diseases.selectors import published_book, tables_in_force
from qipan.rooms.persons.selectors import person_refs
from qipan.rulebooks.decided import decisions_from
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.population import decide_population
from qipan.terms.decisions import Decision
from qipan.terms.errors import BadInput
from qipan.terms.evidence import HealthCode
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Permission

#: persons evaluated at a time; bounds memory for a whole city
_PART = 200_000


@dataclass(slots=True)
class BookReplay:
    """One book over the ledger: restricted person-days and test days over the period, the state at its end."""

    id: str
    persons: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    person_days: Counter[str] = field(default_factory=Counter)
    tests: int = 0
    #: the decisions at the end, of those that are not plainly green
    final: dict[str, Decision] = field(default_factory=dict)


@dataclass(slots=True)
class Replay:
    """Several books over the same ledger."""

    start: date
    end: date
    books: list[BookReplay]
    changed_persons: int

    def as_json(self) -> dict[str, object]:
        """The document of INTERFACES (`replay`)."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "rulebooks": [
                {
                    "id": book.id,
                    "persons": book.persons,
                    "codes": dict(book.codes),
                    "orders": dict(book.orders),
                    "person_days": dict(book.person_days),
                    "tests": book.tests,
                }
                for book in self.books
            ],
            "changed_persons": self.changed_persons,
        }


def _signature(decision: Decision | None) -> object:
    if decision is None:
        return None
    return (decision.code, tuple((o.kind, o.starts, o.until, o.test_days) for o in decision.orders))


def _day_of(book: Rulebook, day: date) -> datetime:
    # the last instant of the local day: everything learnt that day counts, nothing of the next
    return clock.day_end(day, book.time_zone) - timedelta(microseconds=1)


def replay(
    *,
    actor: Actor,
    books: list[Rulebook],
    start: date,
    end: date,
    at: datetime,
    disease: str = "covid19",
    below: str = "/",
    progress: Callable[[int, int | None], None] | None = None,
) -> Replay:
    """Decide the ledger of the people at or below `below` (an area path) under each book on every local day from
    `start` to `end`. Writes nothing but its entry in the log. `progress(done, total)`: days decided.
    Raises Denied, BadInput (no books, a period that ends before it starts).
    """
    require_recorded(actor, Permission.REPLAY_RUN, action="replay.run", at=at)
    if not books or end < start:
        raise BadInput("A replay needs at least one rulebook and a period that ends after it starts.")
    tables = tables_in_force(disease)
    wanted, total = persons_with_grounds(disease), persons_count(disease, below=below)
    if below != "/":
        wanted = [i for i, ref in person_refs(wanted).items() if ref.area_path.startswith(below)]
    parts = -(-len(wanted) // _PART)
    days, done = (end - start).days + 1, 0
    results = [BookReplay(id=book.id) for book in books]
    for offset in range(0, len(wanted), _PART):
        part = wanted[offset : offset + _PART]
        frame = ledger_frame(part, disease=disease)
        names = pl.Series([str(person) for person in part])
        for book, result in zip(books, results, strict=True):
            for step in range(days):
                if progress is not None:
                    progress(done, parts * len(books) * days)
                done += 1
                day = start + timedelta(days=step)
                moment = _day_of(book, day)
                decided = list(decisions_from(decide_population(book, tables, frame, moment, persons=names)))
                for decision in decided:
                    # a person is counted once a day however many orders say the same
                    kinds = {order.kind.value for order in decision.orders if order.starts <= day <= order.ends}
                    result.person_days.update(kinds)
                    result.tests += any(day in order.test_days for order in decision.orders)
                if day == end:
                    for decision in decided:
                        if decision.orders or decision.code is not HealthCode.GREEN:
                            result.final[decision.person_id] = decision
    for result in results:
        result.persons = total
        for decision in result.final.values():
            result.codes[decision.code.value] += 1
            result.orders.update(order.kind.value for order in decision.orders)
        result.codes[HealthCode.GREEN.value] += total - sum(result.codes.values())
    first, *others = results
    people = set().union(*(set(result.final) for result in results))
    changed = sum(
        any(_signature(first.final.get(p)) != _signature(other.final.get(p)) for other in others) for p in people
    )
    with audited(actor=actor, action="replay.run", at=at) as entry:
        detail = {"books": [book.id for book in books], "from": start.isoformat(), "to": end.isoformat()}
        entry.about("disease", disease, area_path=below, detail=detail)
    return Replay(start, end, results, changed)


#: the longest period that is replayed at once, in days
LONGEST = 120


def replay_request(
    *, actor: Actor, books: Sequence[str], start: date, end: date, below: str, at: datetime, disease: str = "covid19"
) -> Job:
    """Have the ledger of an area replayed under several published books in the background; the same request again
    answers with the same job. Raises Denied, BadInput.
    """
    with audited(actor=actor, action="replay.request", at=at) as entry:
        require(actor, Permission.REPLAY_RUN, below)
        if len(set(books)) < 2:
            raise BadInput("Choose two rulebooks to compare.")
        if end < start or (end - start).days >= LONGEST:
            raise BadInput("The period ends before it starts, or is longer than %(most)s days.", most=LONGEST)
        for book in books:
            if published_book(book) is None:
                raise BadInput("There is no published rulebook %(id)s.", id=book)
        arguments = {"books": list(books), "from": start.isoformat(), "to": end.isoformat(), "below": below,
                     "disease": disease, "by": actor.user_id}  # fmt: skip
        # asked for by whoever may replay, put into the queue by the machinery
        key = "|".join([*books, start.isoformat(), end.isoformat(), below, str(actor.user_id)])[:120]
        job = job_add(actor=SYSTEM_ACTOR, kind=REPLAY, arguments=arguments, at=at, key=key)
        entry.about("job", job.pk, area_path=below, detail={"books": list(books)})
    return job


def _run(context: JobContext) -> Mapping[str, Any]:
    given = context.arguments
    books = [book for each in given["books"] if (book := published_book(each)) is not None]
    done = replay(
        actor=SYSTEM_ACTOR, books=books, start=date.fromisoformat(given["from"]), end=date.fromisoformat(given["to"]),
        at=context.now(), disease=given["disease"], below=given["below"], progress=context.progress,
    )  # fmt: skip
    return done.as_json()


REPLAY_JOB = JobKind(REPLAY, _run)
