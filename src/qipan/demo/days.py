"""One day of the demonstration carried out: every institution sends its file or does its round, as itself.

Nothing is written past the services; what a service refuses, stays refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np

from qipan.demo.calendar import close_of, day_of, moment
from qipan.demo.institutions import Posts, Team
from qipan.demo.layout import CITY
from qipan.demo.planning import People, plan_day
from qipan.demo.state import State
from qipan.foundation.audit.selectors import log_newest_at
from qipan.foundation.intake.services import file_import
from qipan.rooms.command.services import day_run
from qipan.rooms.control.selectors import OrderFact, list_appeals, list_evidence, order_facts
from qipan.rooms.control.services import appeal_decide, appeal_open, evidence_void
from qipan.rooms.fieldwork.selectors import VISIT, WorkItem, work_of_day
from qipan.rooms.fieldwork.services import NewVisit, visits_record_bulk
from qipan.rooms.quarantine.selectors import arrivals_due, still_inside
from qipan.rooms.quarantine.services import placements_propose, stays_arrive_bulk, stays_depart_bulk
from qipan.terms.errors import Refused
from qipan.terms.evidence import EvidenceKind, FollowUpOutcome, OrderKind, TestOutcome
from qipan.terms.roles import SYSTEM_ACTOR, Actor

#: kind of file, its name in the day's folder, who sends it, under which source, at which hour and minute
FILES = (
    ("tests", "tests.csv", "demo-lab", "demo-lab", (14, 0)),
    ("evidence", "arrivals.csv", "demo-tracer", "demo-community", (14, 10)),
    ("evidence", "clinic.csv", "demo-clinic", "demo-clinic", (14, 20)),
    ("cases", "cases.csv", "demo-epi", "demo-cdc", (15, 0)),
    ("contacts", "contacts.csv", "demo-tracer", "demo-cdc", (15, 20)),
)
_APPEALED = (OrderKind.QUARANTINE_HOME, OrderKind.QUARANTINE_CENTRAL)
#: day of an appeal (and every week after it) -> what becomes of it; `silence` is released by default
_APPEALS = {2: "granted", 3: "silence", 5: "upheld"}
#: chances at a door; above the last, somebody healthy coughs
_NOT_FOUND, _REFUSED, _FALSE_ALARM = 0.03, 0.01, 0.995
#: chance that a site forgets to let somebody go in the morning
_FORGOTTEN = 0.02


class DayKeeper:
    """The running city: who lives in it, who works in it, and the folder of its files."""

    def __init__(self, people: People, state: State, folder: Path, paths: Mapping[str, str], teams: Sequence[Team]):
        self._people = people
        self._state = state
        self._folder = folder
        self._city = paths[CITY]
        self._counties = [path for path in sorted(paths.values()) if path.count("/") == 4]
        self._teams = [(team.username, tuple(paths[code] for code in team.villages)) for team in teams]

    def run(self, number: int) -> None:
        """Plan a day (unless a run that was killed has), carry it out, and run its cycle."""
        day = day_of(number)
        folder = self._folder / f"day-{number + 1:02d}"
        if self._state.planned < number:
            morning = moment(day, 6, 30)
            plan_day(number, self._people, self._state, order_facts(SYSTEM_ACTOR, at=morning), folder)
            self._state.planned = number
            self._state.save(self._folder)
        posts = Posts(moment(day, 6, 30))
        self._void_wrong(posts, number)
        self._depart(posts, number)
        for kind, name, username, source, (hour, minute) in FILES:
            path = folder / name
            if _has_rows(path):
                at = _not_back(moment(day, hour, minute))
                result = file_import(actor=posts[username], kind=kind, path=path, source=source, at=at)
                if result.rejected:
                    raise Refused("The demonstration's own file %(file)s was not taken in whole.", file=path)
        self._place(posts, day)
        self._visit(posts, number)
        self._appeals(posts, number)
        day_run(actor=posts["demo-epi"], date=day, at=close_of(day))
        self._state.done = number
        self._state.save(self._folder)

    def _void_wrong(self, posts: Posts, number: int) -> None:
        """Yesterday's mix-up in the laboratory: the epidemiologist takes the wrong result back, with the reason."""
        at = _not_back(moment(day_of(number), 8))
        for specimen, (day, person) in sorted(self._state.wrong.items()):
            if day != number - 1:
                continue
            person_id = int(self._people.ids[person])
            facts = list_evidence(posts["demo-epi"], person_id).filter(
                kind=EvidenceKind.TEST.value, voided_by=None, recorded_at__lt=at
            )
            for fact in facts:
                if fact.value["result"] == TestOutcome.POSITIVE.value:
                    evidence_void(
                        actor=posts["demo-epi"], evidence_id=fact.pk, now=at,
                        reason=f"Mix-up of specimens in the laboratory ({specimen}).",
                    )  # fmt: skip

    def _depart(self, posts: Posts, number: int) -> None:
        """In the morning every site lets go whose orders have ended; now and then somebody is forgotten a day."""
        at = _not_back(moment(day_of(number), 8, 30))
        rng = self._state.outbreak.rng(number, 8)
        out = [guest.stay_id for guest in still_inside(SYSTEM_ACTOR, at) if rng.random() >= _FORGOTTEN]
        if out:
            stays_depart_bulk(actor=posts["demo-sites"], stay_ids=out, at=at)

    def _place(self, posts: Posts, day: date) -> None:
        """Every county places its own; who finds no bed there is placed by the city."""
        at, later = _not_back(moment(day, 16)), _not_back(moment(day, 16, 30))
        expected = {arrival.area_path for arrival in arrivals_due(SYSTEM_ACTOR, at)}
        for county in self._counties:
            if any(path.startswith(county) for path in expected):
                code = county.strip("/").rsplit("/", 1)[-1]
                self._arrive(posts[f"demo-site-{code}"], county, at)
        if expected and arrivals_due(SYSTEM_ACTOR, later):
            self._arrive(posts["demo-sites"], self._city, later)

    def _arrive(self, actor: Actor, area_path: str, at: datetime) -> None:
        proposal = placements_propose(actor=actor, area_path=area_path, at=at)
        if proposal.placements:
            stays_arrive_bulk(actor=actor, placements=proposal.placements, at=at)

    def _visit(self, posts: Posts, number: int) -> None:
        """The grid workers' round before the last call, and again in the evening where nobody was found."""
        day = day_of(number)
        for turn, hour in enumerate((16, 18)):
            at = _not_back(moment(day, hour, 40))
            due = [i for i in work_of_day(SYSTEM_ACTOR, day, at=at) if i.task == VISIT and i.due]
            for username, prefixes in self._teams:
                doors = [item for item in due if item.area_path.startswith(prefixes)]
                if doors:
                    visits = [self._knock(number, turn, item, at) for item in doors]
                    visits_record_bulk(actor=posts[username], visits=visits, now=at)

    def _knock(self, number: int, turn: int, item: WorkItem, at: datetime) -> NewVisit:
        person = self._people.numbers([item.person_id])[item.person_id]
        rng = np.random.default_rng([self._state.seed, 108, number, turn, person])
        infection = self._state.outbreak.infections.get(person)
        onset = infection.onset if infection is not None else None
        ill = infection is not None and onset is not None and onset <= number < infection.over
        chance = rng.random()
        outcome = FollowUpOutcome.WELL
        temperature: float | None = round(36.2 + 0.8 * float(rng.random()), 1)
        symptoms: tuple[str, ...] = ()
        if chance < _NOT_FOUND:
            outcome, temperature = FollowUpOutcome.NOT_FOUND, None
        elif chance < _NOT_FOUND + _REFUSED:
            outcome, temperature = FollowUpOutcome.REFUSED, None
        elif ill or chance > _FALSE_ALARM:
            outcome, temperature, symptoms = FollowUpOutcome.SYMPTOMATIC, 38.2, ("fever", "cough")
        key = f"demo-{number:02d}-{turn}-{item.order_id}"
        return NewVisit(key, item.order_id, day_of(number), outcome, at, temperature, symptoms)

    def _appeals(self, posts: Posts, number: int) -> None:
        """Some appeal: one is granted, one upheld, one left unanswered (and released by the next day's cycle)."""
        wanted = next((what for first, what in _APPEALS.items() if number >= first and (number - first) % 7 == 0), None)
        if wanted is None:
            return
        day = day_of(number)
        opened, answered = _not_back(moment(day, 17, 30)), _not_back(moment(day, 20))
        brought = list_appeals(SYSTEM_ACTOR).filter(opened_at__gte=moment(day, 0)).first()
        if brought is None:
            order = self._appealable(opened)
            if order is None:
                return
            grounds = "演示·末次接触时间有误，申请复核。"
            brought = appeal_open(actor=posts["demo-clinic"], order_id=order.order_id, grounds=grounds, at=opened)
        if wanted != "silence" and brought.state == brought.State.OPEN:
            granted = wanted == "granted"
            answer = "演示·经复核，不构成密切接触。" if granted else "演示·经复核，依据成立，维持原措施。"
            appeal_decide(
                actor=posts["demo-privacy"], appeal_id=brought.pk, granted=granted, answer=answer, at=answered
            )

    def _appealable(self, at: datetime) -> OrderFact | None:
        """The oldest home (or else central) quarantine that runs for two days yet and is under no appeal."""
        before = set(list_appeals(SYSTEM_ACTOR).values_list("order_id", flat=True))
        facts = [
            fact
            for fact in order_facts(SYSTEM_ACTOR, at=at, kinds=_APPEALED)
            if fact.order_id not in before and (fact.ends_at - at).days >= 2
        ]
        return min(facts, key=lambda fact: (_APPEALED.index(fact.kind), fact.order_id), default=None)


def _not_back(at: datetime) -> datetime:
    """The moment, or that of the log's newest entry: a day that is taken up again goes on where it was killed."""
    newest = log_newest_at()
    return at if newest is None else max(at, newest)


def _has_rows(path: Path) -> bool:
    with path.open(encoding="utf-8") as lines:
        return sum(1 for _, _ in zip(range(2), lines, strict=False)) == 2

