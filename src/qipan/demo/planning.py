"""One day of the demonstration on paper: what happens to its people, as the files that its institutions send."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qipan.demo.calendar import ZONE, day_of, moment
from qipan.demo.outbreak import Crowd, Infection
from qipan.demo.state import State
from qipan.foundation.clock import local_date
from qipan.rooms.control.selectors import OrderFact
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code

#: Places of origin of the arrivals and what the demonstration's table says of them.
ORIGINS = (("620100", "high"), ("450500", "medium"), ("610100", "low"))
_ORIGIN_SHARES = (0.15, 0.35, 0.5)
_SHUT = (OrderKind.ISOLATE, OrderKind.QUARANTINE_CENTRAL)
_HOME = (OrderKind.QUARANTINE_HOME, OrderKind.MONITOR_HOME)
_POOL = 10
#: swabs that are due and not taken
_MISSED = 0.03
#: so many days before they are over it, the isolated are sampled daily until two results are negative
_RETEST_BEFORE = 1
_WRONG_EVERY, _WRONG_FIRST = 7, 2
_SYMPTOMS = (["fever"], ["fever", "cough"], ["sore_throat"], ["cough", "fatigue"])
#: half a percent a day are already more than all that are sought out; the rest is the weekly round of key posts
ROUTINE_SHARE = 0.022

TESTS = ("specimen_id", "person_id", "pool_id", "sampled_at", "site", "lab", "resulted_at", "method", "result", "ct")
CASES = (
    "case_id", "person_id", "onset_date", "report_date", "classification", "sex", "age", "source_case_id",
)  # fmt: skip
CONTACTS = (
    "from_case_id", "to_person_id", "first_exposure", "last_exposure", "setting", "minutes", "class", "via_person_id",
)  # fmt: skip
EVIDENCE = ("evidence_id", "person_id", "kind", "at", "value")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class People:
    """The crowd, and under which ids and with which sex the register knows it."""

    crowd: Crowd
    ids: NDArray[np.int64]
    female: NDArray[np.int8]

    def code(self, number: int) -> str:
        """The person code of a person's number."""
        return person_code(int(self.ids[number]))

    def numbers(self, person_ids: Iterable[int]) -> dict[int, int]:
        """id -> number of registered people (others are missing)."""
        wanted = np.array(sorted(person_ids), dtype=np.int64)
        # ids are given out in ascending order
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return {int(pk): int(i) for pk, i, hit in zip(wanted, at, self.ids[at] == wanted, strict=True) if hit}


@dataclass(slots=True)
class _Day:
    number: int
    people: People
    state: State
    rng: np.random.Generator


def plan_day(number: int, people: People, state: State, facts: Sequence[OrderFact], folder: Path) -> None:
    """Let a day happen and write its files: tests, cases, contacts, arrivals, clinic. Changes `state`.

    `facts`: the orders in force in the morning; they bind the people of the demonstration as they should.
    """
    day = _Day(number, people, state, state.outbreak.rng(number, 9))
    known = people.numbers({fact.person_id for fact in facts})
    bound = [(known[fact.person_id], fact) for fact in facts if fact.person_id in known]
    shut = {person for person, fact in bound if fact.kind in _SHUT}
    home = {person for person, fact in bound if fact.kind in _HOME}
    arrived = state.outbreak.arrive(people.crowd, number, shut=shut | home)
    state.outbreak.spread(people.crowd, number, shut=shut, home=home)
    ill = state.outbreak.seek_care(number)
    tests, found = _tests(day, bound, shut, ill, arrived)
    cases = [_case(day, infection) for infection in found]
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "tests.csv", TESTS, tests)
    _write(folder / "cases.csv", CASES, cases)
    _write(folder / "contacts.csv", CONTACTS, _contacts(day, found))
    _write(folder / "arrivals.csv", EVIDENCE, _arrivals(day, arrived))
    _write(folder / "clinic.csv", EVIDENCE, [*_symptoms(day, ill), *_recoveries(day)])


def _write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _due(day: _Day, bound: Sequence[tuple[int, OrderFact]]) -> set[int]:
    """Who is to be sampled today: a test day has come since the order was opened, or its release waits for it."""
    today = day_of(day.number)
    due: set[int] = set()
    for person, fact in bound:
        new = local_date(fact.opened_at, ZONE) >= today - timedelta(days=1)
        if fact.awaiting or today in fact.test_days or (new and any(on < today for on in fact.test_days)):
            due.add(person)
    return due


def _tests(
    day: _Day, bound: Sequence[tuple[int, OrderFact]], shut: set[int], ill: Sequence[Infection], arrived: list[int]
) -> tuple[list[Row], list[Infection]]:
    """The laboratory's file, and the infections that it found."""
    state, size = day.state, day.people.crowd.size
    ill_now = {i.person for i in state.outbreak.infections.values() if i.detected is not None and i.recovered is None}
    # a diagnosed case is sampled again when he is nearly over it, not on the test days of an older order
    due = _due(day, bound) - ill_now
    missed = {person for person in sorted(due) if day.rng.random() < _MISSED}
    ready = {
        i.person
        for i in state.outbreak.infections.values()
        if i.person in ill_now and day.number >= max(i.over - _RETEST_BEFORE, (i.detected or 0) + 2)
    }
    single = sorted((due - missed) | set(state.again) | {i.person for i in ill} | set(arrived) | ready)
    routine = np.unique(day.rng.integers(0, size, max(1, round(size * ROUTINE_SHARE))))
    pooled = [int(p) for p in np.setdiff1d(routine, np.array([*single, *shut], dtype=np.int64))]
    results = state.outbreak.swab(day.number, [*single, *pooled])
    wrong = None
    if day.number % _WRONG_EVERY == _WRONG_FIRST:
        # a mix-up in the laboratory: somebody healthy is reported positive, and cleared the day after
        wrong = next((p for p in pooled if p not in state.outbreak.infections), None)
    rows: list[Row] = []
    again = set(missed)
    sampled, resulted = moment(day_of(day.number), 7), moment(day_of(day.number), 13)
    places = ("演示·集中采样点", "演示·市核酸检测中心")
    state.wrong = {specimen: what for specimen, what in state.wrong.items() if what[0] == day.number - 1}

    def add(person: int, pool: str, positive: bool) -> str:
        specimen = f"D{day.number:02d}-{len(rows) + 1:06d}"
        at = sampled + timedelta(seconds=len(rows) % 7_000)
        ct = round(float(18 + 15 * np.random.default_rng([state.seed, 106, day.number, person]).random()), 1)
        rows.append((
            specimen, day.people.code(person), pool, at.isoformat(), places[0], places[1], resulted.isoformat(), "pcr",
            "positive" if positive else "negative", ct if positive else "",
        ))  # fmt: skip
        return specimen

    found: list[Infection] = []
    for person in single:
        add(person, "", results[person])
        infection = state.outbreak.infections.get(person)
        if infection is None or infection.recovered is not None:
            continue
        if results[person]:
            state.negatives.pop(person, None)
            if infection.detected is None:
                infection.detected = day.number
                found.append(infection)
        elif infection.detected is not None:
            state.negatives.setdefault(person, []).append(day.number)
    if wrong is not None:
        state.wrong[add(wrong, "", True)] = (day.number, wrong)
        again.add(wrong)
        pooled.remove(wrong)
    for start in range(0, len(pooled), _POOL):
        tube = pooled[start : start + _POOL]
        positive = any(results[person] for person in tube)
        again.update(tube if positive else ())
        for person in tube:
            add(person, f"T{day.number:02d}-{start // _POOL + 1:05d}", positive)
    state.again = sorted(again)
    return rows, found


def _case(day: _Day, infection: Infection) -> Row:
    state, people, person = day.state, day.people, infection.person
    state.cases[person] = f"SMX-{len(state.cases) + 1:05d}"
    ill = infection.onset is not None and infection.onset <= day.number
    onset = day_of(infection.onset).isoformat() if ill and infection.onset is not None else ""
    source = state.cases.get(infection.by, "") if infection.by is not None else ""
    return (
        state.cases[person], people.code(person), onset, day_of(day.number).isoformat(),
        "confirmed" if ill else "asymptomatic", "female" if people.female[person] else "male",
        int(people.crowd.age[person]), source,
    )  # fmt: skip


def _contacts(day: _Day, found: Sequence[Infection]) -> list[Row]:
    rows: list[Row] = []
    for infection in found:
        for traced in day.state.outbreak.trace(day.people.crowd, infection.person, day.number):
            if traced.person in day.state.cases:
                continue
            rows.append((
                day.state.cases[infection.person], day.people.code(traced.person), day_of(traced.first).isoformat(),
                day_of(traced.last).isoformat(), traced.setting, traced.minutes,
                "close" if traced.via is None else "secondary",
                "" if traced.via is None else day.people.code(traced.via),
            ))  # fmt: skip
    return rows


def _fact(day: _Day, kind: str, person: int, hour: int, value: dict[str, Any]) -> Row:
    name = f"{kind}-{day.number:02d}-{person + 1}"
    text = json.dumps(value, ensure_ascii=False)
    return name, day.people.code(person), kind, moment(day_of(day.number), hour).isoformat(), text


def _arrivals(day: _Day, arrived: Sequence[int]) -> list[Row]:
    rows = []
    for person in arrived:
        rng = np.random.default_rng([day.state.seed, 107, day.number, person])
        origin = ORIGINS[int(rng.choice(len(ORIGINS), p=_ORIGIN_SHARES))][0]
        rows.append(_fact(day, "arrival", person, 6, {"origin_area": origin}))
    return rows


def _symptoms(day: _Day, ill: Sequence[Infection]) -> list[Row]:
    return [
        _fact(day, "symptom", i.person, 9, {"symptoms": _SYMPTOMS[i.person % len(_SYMPTOMS)], "temperature": 38.1})
        for i in ill
    ]


def _recoveries(day: _Day) -> list[Row]:
    """Who was isolated, is over it and had two negative results on different days, is discharged."""
    rows = []
    for infection in day.state.outbreak.infections.values():
        if infection.detected is None or infection.recovered is not None or day.number < infection.over:
            continue
        if len(set(day.state.negatives.get(infection.person, ()))) >= 2:
            infection.recovered = day.number
            rows.append(_fact(day, "recovery", infection.person, 14, {}))
    return rows
