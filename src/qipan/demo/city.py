"""The demonstration city: built once, taken up again afterwards, its days run one after the other."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qipan.demo.calendar import START, close_of, day_of, moment, number_of
from qipan.demo.days import DayKeeper
from qipan.demo.institutions import Posts, institutions_build, teams
from qipan.demo.layout import MARK, SMALLEST, Layout, apportion, fact_populations, lay_out
from qipan.demo.outbreak import Outbreak, crowd
from qipan.demo.planning import ORIGINS, People
from qipan.demo.residents import SOURCE, Block, blocks, persons
from qipan.demo.state import State, ids_load, ids_save, state_load
from qipan.foundation.audit.selectors import log_newest_at
from qipan.foundation.intake.services import file_import
from qipan.rooms.command.selectors import list_days
from qipan.rooms.diseases.services import rulebook_publish, table_row_add
from qipan.rooms.geography.selectors import area_paths
from qipan.rooms.organizations.selectors import INSTALLER
from qipan.rooms.persons.selectors import list_persons
from qipan.rooms.persons.services import persons_register_bulk
from qipan.rulebooks import book_text
from qipan.terms.errors import BadInput, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor

#: told of every step: a message id, what is done of it, and how much there is
Progress = Callable[[str, int, int], None]

#: shipped book -> the area for which it is published
BOOKS = (
    ("covid19-cn-8", "/"),
    ("covid19-cn-9", "/"),
    ("covid19-cn-20", "/"),
    ("covid19-cn-9-henan", "/410000/"),
)
#: Henan's standard of May 2022 (rooms for 10,000 people), and the share of rooms for a family
ROOMS_PER_10000 = 60
_FAMILY_EVERY, _FAMILY_BEDS = 6, 3

#: everything is set up on the day before the first
_BUILT = moment(START - timedelta(days=1), 9)


def _quiet(what: str, done: int, whole: int) -> None:
    """No progress is told."""


@dataclass(frozen=True)
class City:
    """The city as built: its tree, its people and what the demonstration remembers."""

    layout: Layout
    people: People
    state: State
    folder: Path


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _take_in(actor: Actor, kind: str, path: Path) -> None:
    result = file_import(actor=actor, kind=kind, path=path, source="demo-setup", at=_BUILT)
    if result.rejected:
        raise Refused("The demonstration's own file %(file)s was not taken in whole.", file=path)


def _load_areas(layout: Layout, folder: Path) -> None:
    areas = _write(
        folder / "areas.csv",
        ("code", "parent", "level", "name_zh", "name_en", "population"),
        ((a.code, a.parent, a.level.value, a.name_zh, a.name_en, a.population or "") for a in layout.areas),
    )
    _take_in(INSTALLER, "areas", areas)
    population = _write(
        folder / "population.csv",
        ("area", "sex", "age_from", "age_to", "count"),
        ((m.area, m.sex, m.age_from, "" if m.age_to is None else m.age_to, m.count) for m in fact_populations()),
    )
    _take_in(INSTALLER, "population", population)


def _publish() -> None:
    """The shipped books, and the made-up table of where arrivals come from."""
    # a national book is published for everywhere, which no administrator of one city may do
    for book, area_path in BOOKS:
        rulebook_publish(actor=INSTALLER, text=book_text(book), area_path=area_path, at=_BUILT)
    for place, level in ORIGINS:
        table_row_add(
            actor=INSTALLER, disease="covid19", table="origin_risk", place=place, level=level, starts_on=START,
            ends_on=None, author=f"{MARK}市疾控中心", source=f"{MARK}made up for the demonstration", at=_BUILT,
        )  # fmt: skip


def _load_rooms(posts: Posts, layout: Layout, people: int, folder: Path) -> None:
    """Sites with rooms by the standard, scaled to the number of people, one site a county."""
    counts = apportion(
        max(len(layout.counties), round(people * ROOMS_PER_10000 / 10_000)),
        [county.population or 1 for county in layout.counties],
    )
    rows = []
    for county, count in zip(layout.counties, counts, strict=True):
        for number in range(1, int(count) + 1):
            family = number % _FAMILY_EVERY == 0
            room = f"{(number - 1) // 40 + 1}{(number - 1) % 40 + 1:02d}"
            rows.append((
                f"{MARK}{county.name_zh}集中隔离点", room, "family" if family else "single", county.code,
                _FAMILY_BEDS if family else 1,
            ))  # fmt: skip
    rooms = _write(folder / "rooms.csv", ("site", "room", "kind", "area", "capacity"), rows)
    _take_in(posts["demo-sites"], "rooms", rooms)


def _register(posts: Posts, layout: Layout, people: int, seed: int, progress: Progress) -> NDArray[np.int64]:
    ids = np.empty(people, dtype=np.int64)
    actor = posts["demo-epi"]
    progress("people", 0, people)
    for part in blocks(layout, seed=seed, today=START):
        made = persons_register_bulk(actor=actor, source=SOURCE, persons=persons(layout, part), at=_BUILT)
        ids[part.first : part.first + part.size] = made
        progress("people", part.first + part.size, people)
    return ids


def _people(layout: Layout, people: int, seed: int, ids: NDArray[np.int64]) -> People:
    """The crowd of a seed again, with the ids of the register."""
    parts: list[Block] = list(blocks(layout, seed=seed, today=START))
    village = np.concatenate([part.village for part in parts])
    county = np.array([place.county for place in layout.villages], dtype=np.int16)[village]
    everybody = crowd(
        np.concatenate([part.age for part in parts]), np.concatenate([part.household for part in parts]), county,
        seed=seed,
    )  # fmt: skip
    return People(everybody, ids, np.concatenate([part.sex for part in parts]))


def require_empty() -> None:
    """Raise BadInput unless the database is empty: a city that was begun, or a real installation, is not built in."""
    if area_paths():
        raise BadInput("This database is in use, or a demonstration in it was not finished: use --fresh.")


def city_build(*, people: int, seed: int, folder: Path, progress: Progress = _quiet) -> City:
    """Build the city in an empty database. Raises BadInput for fewer people than make sense."""
    if people < SMALLEST:
        raise BadInput("A demonstration needs at least %(least)s people.", least=SMALLEST)
    layout = lay_out(people)
    setup = folder / "setup"
    progress("areas", 0, 1)
    _load_areas(layout, setup)
    institutions_build(layout, start=START, at=_BUILT)
    posts = Posts(_BUILT)
    _publish()
    _load_rooms(posts, layout, people, setup)
    progress("areas", 1, 1)
    ids = _register(posts, layout, people, seed, progress)
    ids_save(folder, ids)
    state = State(people, seed, Outbreak(seed))
    state.save(folder)
    return City(layout, _people(layout, people, seed, ids), state, folder)


def city_open(folder: Path) -> City | None:
    """The city that was built with this folder, None where there is none. Raises BadInput where the folder is that
    of a city in another database.
    """
    state = state_load(folder)
    if state is None:
        return None
    if list_persons(SYSTEM_ACTOR).count() < state.people:
        raise BadInput("The files in %(folder)s belong to a demonstration in another database.", folder=folder)
    layout = lay_out(state.people)
    return City(layout, _people(layout, state.people, state.seed, ids_load(folder)), state, folder)


def days_run(city: City, *, days: int, progress: Progress = _quiet) -> int:
    """Run the days that were not run yet, up to `days` of them; returns how many were run."""
    newest = list_days(SYSTEM_ACTOR).values_list("date", flat=True).first()
    if newest is not None and number_of(newest) > city.state.done:
        # killed between the cycle and its being noted down
        city.state.done = number_of(newest)
    keeper = DayKeeper(city.people, city.state, city.folder, area_paths(), teams(city.layout))
    first = city.state.done + 1
    progress("days", first, days)
    for number in range(first, days):
        keeper.run(number)
        progress("days", number + 1, days)
    return max(days - first, 0)


def now_of(city: City) -> datetime:
    """The moment from which its clock goes on when it is served: never before what its log tells of."""
    return max(today_close(city), log_newest_at() or today_close(city))


def today_close(city: City) -> datetime:
    """The present moment of the city: the end of its last day."""
    return close_of(day_of(max(city.state.done, 0)))
