"""A small stochastic outbreak, for demonstration only: it makes facts to run the loop on, and forecasts nothing.

Day numbers count from the first day of the demonstration; people are numbers in the order of the register.
People meet in households, at work or school, and in their county; who is in isolation or central quarantine meets
nobody, who is bound to the home only those who live there. The parameters are round numbers of about the size
published for Omicron, without any claim to fit.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: chance that one contact with an infectious person on one day infects, by setting
RISK = {"household": 0.12, "workplace": 0.09, "community": 0.05}
#: contacts a day beside the household
WORK_CONTACTS, COMMUNITY_CONTACTS = 3.0, 2.0
_MINUTES = {"household": (120, 600), "workplace": (30, 240), "community": (15, 90)}
_ASYMPTOMATIC = 0.3
_WORKING_AGES = (6, 62)
_WORKPLACE_PEOPLE = 15
_SENSITIVITY = 0.96
#: days that contacts are remembered, and are asked for before onset (9th edition: two days)
_REMEMBERED, LOOKBACK = 10, 2
_TOLD = {"household": 1.0, "workplace": 0.9, "community": 0.7}
#: chance that somebody infected before he came back is among the arrivals of a day
_IMPORTED_SHARE = 0.015


@dataclass(slots=True)
class Infection:
    """One infected person. `onset` None: never symptomatic; `by` None: infected elsewhere."""

    person: int
    day: int
    infectious: int
    onset: int | None
    over: int
    by: int | None
    setting: str
    detected: int | None = None
    recovered: int | None = None

    def sheds(self, day: int) -> bool:
        """Whether a swab of this day holds enough virus to be found."""
        return self.infectious - 1 <= day < self.over

    def infects(self, day: int) -> bool:
        return self.infectious <= day < self.over - 1


@dataclass(slots=True)
class Meeting:
    """One contact of an infectious person on one day."""

    source: int
    person: int
    day: int
    setting: str
    minutes: int


@dataclass(slots=True)
class Traced:
    """What a case tells the tracer of one person. `via`: the contact between, for a contact's contact."""

    case: int
    person: int
    first: int
    last: int
    setting: str
    minutes: int
    via: int | None = None


@dataclass(frozen=True)
class Crowd:
    """Who lives, works and goes where: arrays by person number; households are contiguous."""

    age: NDArray[np.int16]
    household: NDArray[np.int32]
    county: NDArray[np.int16]
    workplace: NDArray[np.int32]
    house_starts: NDArray[np.int64]
    work_order: NDArray[np.int64]
    work_starts: NDArray[np.int64]
    county_starts: NDArray[np.int64]

    @property
    def size(self) -> int:
        return len(self.age)

    def home_of(self, person: int) -> list[int]:
        """Everybody behind the same door, without the person."""
        house = int(self.household[person])
        return [other for other in range(self.house_starts[house], self.house_starts[house + 1]) if other != person]

    def colleagues(self, person: int) -> NDArray[np.int64]:
        """Everybody of the same workplace or school class (empty without one)."""
        place = int(self.workplace[person])
        if place < 0:
            return self.work_order[:0]
        return self.work_order[self.work_starts[place] : self.work_starts[place + 1]]


def crowd(
    age: NDArray[np.int16], household: NDArray[np.int32], county: NDArray[np.int16], *, seed: int
) -> Crowd:
    """Workplaces and classes for a population whose households and counties are contiguous."""
    rng = np.random.default_rng([seed, 2])
    size = len(age)
    working = np.flatnonzero((age >= _WORKING_AGES[0]) & (age < _WORKING_AGES[1]) & (rng.random(size) < 0.7))
    # neighbours in the register live near each other; a little noise makes people work beyond their street
    order = np.argsort(working + rng.normal(0, 150, len(working)), kind="stable")
    workplace = np.full(size, -1, dtype=np.int32)
    workplace[working[order]] = np.arange(len(working)) // _WORKPLACE_PEOPLE
    places = int(workplace.max(initial=-1)) + 1
    work_order = working[order]
    return Crowd(
        age, household, county, workplace,
        np.searchsorted(household, np.arange(int(household.max()) + 2)),
        work_order,
        np.minimum(np.arange(places + 1) * _WORKPLACE_PEOPLE, len(work_order)),
        np.searchsorted(county, np.arange(int(county.max()) + 2)),
    )  # fmt: skip


@dataclass(slots=True)
class Outbreak:
    """Everything that happened so far. `to_json` and `from_json` keep it between days."""

    seed: int
    infections: dict[int, Infection] = field(default_factory=dict)
    meetings: list[Meeting] = field(default_factory=list)

    def rng(self, day: int, stream: int) -> np.random.Generator:
        """The day's own generator, one a purpose, so that a day depends on nothing but the days before."""
        return np.random.default_rng([self.seed, 100 + stream, day])

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "infections": [asdict(infection) for infection in self.infections.values()],
            "meetings": [[m.source, m.person, m.day, m.setting, m.minutes] for m in self.meetings],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Outbreak":
        infections = [Infection(**row) for row in values["infections"]]
        return cls(
            values["seed"],
            {infection.person: infection for infection in infections},
            [Meeting(*row) for row in values["meetings"]],
        )

    def infect(self, rng: np.random.Generator, person: int, day: int, by: int | None, setting: str) -> None:
        """Infect somebody who never was: latent 1–3 days, onset about a day later or never, over in 8–12."""
        if person in self.infections:
            return
        latent = int(rng.integers(1, 4))
        onset = None if rng.random() < _ASYMPTOMATIC else day + latent + int(rng.integers(0, 3))
        over = day + latent + int(rng.integers(7, 11))
        self.infections[person] = Infection(person, day, day + latent, onset, over, by, setting)

    def spread(self, people: Crowd, day: int, *, shut: Collection[int], home: Collection[int]) -> int:
        """One day of meetings and infections; returns how many were infected.

        `shut`: people in isolation or central quarantine, who meet nobody; `home`: people bound to their home.
        """
        rng = self.rng(day, 0)
        before = len(self.infections)
        self.meetings = [m for m in self.meetings if m.day > day - _REMEMBERED]
        for infection in [i for i in self.infections.values() if i.infects(day)]:
            source = infection.person
            if source in shut:
                continue
            met: list[tuple[int, str]] = [(other, "household") for other in people.home_of(source)]
            if source not in home:
                met += [(int(other), "workplace") for other in _some(rng, people.colleagues(source), WORK_CONTACTS)]
                first, last = people.county_starts[people.county[source] : people.county[source] + 2]
                strangers = rng.integers(first, last, rng.poisson(COMMUNITY_CONTACTS))
                met += [(int(other), "community") for other in strangers]
            for other, setting in met:
                away = other in shut or (other in home and setting != "household")
                if other == source or away:
                    continue
                low, high = _MINUTES[setting]
                self.meetings.append(Meeting(source, other, day, setting, int(rng.integers(low, high))))
                if rng.random() < RISK[setting]:
                    self.infect(rng, other, day, source, setting)
        return len(self.infections) - before

    def arrive(self, people: Crowd, day: int, *, shut: Collection[int]) -> list[int]:
        """Residents who come back today from a risk area elsewhere; some of them are infected.

        Before the first day some came back infected, and nobody knows: the demonstration starts with them.
        """
        rng = self.rng(day, 1)
        count = int(rng.poisson(min(max(people.size / 4_000, 0.5), 60)))
        back = [int(p) for p in rng.integers(0, people.size, count) if p not in shut and p not in self.infections]
        for person in back:
            if rng.random() < _IMPORTED_SHARE * 4:
                self.infect(rng, person, day - int(rng.integers(0, 3)), None, "elsewhere")
        if day == 0:
            adults = np.flatnonzero((people.age >= 20) & (people.age < 50) & (people.workplace >= 0))
            first = min(2 + people.size // 10_000, 10)
            for person in rng.choice(adults, min(first, len(adults)), replace=False):
                self.infect(rng, int(person), -1, None, "elsewhere")
        return sorted(set(back))

    def seek_care(self, day: int) -> list[Infection]:
        """People with symptoms who come to a fever clinic today: most within three days of onset."""
        rng = self.rng(day, 2)
        ill = [i for i in self.infections.values() if i.onset is not None and i.detected is None]
        return [i for i in ill if i.onset is not None and 0 <= day - i.onset <= 4 and rng.random() < 0.35]

    def swab(self, day: int, persons: Iterable[int]) -> dict[int, bool]:
        """Results of today's swabs: true positives as the day of infection allows, no false ones."""
        rng = self.rng(day, 3)
        results: dict[int, bool] = {}
        for person in persons:
            infection = self.infections.get(person)
            results[person] = bool(infection and infection.sheds(day) and rng.random() < _SENSITIVITY)
        return results

    def trace(self, people: Crowd, case: int, day: int) -> list[Traced]:
        """Whom a new case names: contacts since two days before onset (or detection), and their households."""
        infection = self.infections[case]
        rng = np.random.default_rng([self.seed, 104, day, case])
        began = min(day, infection.onset if infection.onset is not None else day) - LOOKBACK
        close: dict[int, Traced] = {}
        for meeting in self.meetings:
            if meeting.source != case or meeting.day < began or rng.random() > _TOLD[meeting.setting]:
                continue
            known = close.get(meeting.person)
            if known is None:
                close[meeting.person] = Traced(
                    case, meeting.person, meeting.day, meeting.day, meeting.setting, meeting.minutes
                )
            else:
                known.last = max(known.last, meeting.day)
                known.minutes += meeting.minutes
        second: dict[int, Traced] = {}
        for contact in list(close.values()):
            if contact.setting == "household":
                continue
            for other in people.home_of(contact.person):
                if other != case and other not in close and other not in second:
                    second[other] = Traced(case, other, contact.first, day, "household", 240, via=contact.person)
        return [*close.values(), *second.values()]


def _some(rng: np.random.Generator, people: NDArray[np.int64], mean: float) -> NDArray[np.int64]:
    """A Poisson number of different people out of a group."""
    if len(people) == 0:
        return people
    return rng.choice(people, min(int(rng.poisson(mean)), len(people)), replace=False)
