"""Where the demonstration's people live: townships as facts, villages and grid cells made up and marked so.

Province, city, county units and townships come from `data/sanmenxia_areas.csv`; everything below is synthetic
and says so in its name. People are apportioned to counties by the census, to townships by their kind.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from qipan.terms.areas import AreaLevel

#: Every name that was made up begins so.
MARK = "演示·"
CITY = "411200"
#: fewer people are no city: no workplaces, hardly a household in some townships
SMALLEST = 100

_VILLAGE_PEOPLE = 2_000
_SMALLEST_GRID, _LARGEST_GRID = 60, 500
#: people of a subdistrict or town for each of a township: towns are larger, and no count a township is open
_WEIGHTS = (("街道", 3.0), ("镇", 1.6))


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the `areas` table."""

    code: str
    parent: str
    level: AreaLevel
    name_zh: str
    name_en: str
    population: int | None


@dataclass(frozen=True, slots=True)
class Margin:
    """One row of the `population` table: ages inclusive, `age_to` None for "and above"."""

    area: str
    sex: str
    age_from: int
    age_to: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Village:
    """A made-up village or community: people of it and of each of its grid cells."""

    area: Place
    county: int
    grids: tuple[Place, ...]
    people: tuple[int, ...]

    @property
    def size(self) -> int:
        return sum(self.people)


@dataclass(frozen=True)
class Layout:
    """The whole tree for a number of people."""

    facts: tuple[Place, ...]
    counties: tuple[Place, ...]
    townships: tuple[Place, ...]
    villages: tuple[Village, ...]

    @property
    def areas(self) -> list[Place]:
        """Every area, facts and made-up ones, parents first."""
        made = [area for village in self.villages for area in (village.area, *village.grids)]
        return [*self.facts, *made]

    @property
    def grids(self) -> list[Place]:
        """The grid cells in the order of their numbers."""
        return [grid for village in self.villages for grid in village.grids]


def _rows(name: str) -> list[dict[str, str]]:
    with files("qipan.demo").joinpath("data", name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@lru_cache(maxsize=1)
def fact_areas() -> tuple[Place, ...]:
    """Province, city, county units and townships as shipped."""
    return tuple(
        Place(
            row["code"], row["parent"], AreaLevel(row["level"]), row["name_zh"], row["name_en"],
            int(row["population"]) if row["population"] else None,
        )
        for row in _rows("sanmenxia_areas.csv")
    )  # fmt: skip


@lru_cache(maxsize=1)
def fact_populations() -> tuple[Margin, ...]:
    """People by area, sex and age band as the 2020 census counted them."""
    return tuple(
        Margin(
            row["area"], row["sex"], int(row["age_from"]), int(row["age_to"]) if row["age_to"] else None,
            int(row["count"]),
        )
        for row in _rows("sanmenxia_population.csv")
    )  # fmt: skip


def apportion(total: int, weights: Sequence[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    """`total` split in whole numbers in proportion to `weights`, by largest remainders (ties: the first)."""
    share = np.asarray(weights, dtype=np.float64)
    exact = total * share / share.sum()
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _weight(township: Place) -> float:
    if township.population:
        return float(township.population)
    return next((weight for ending, weight in _WEIGHTS if township.name_zh.endswith(ending)), 1.0)


def _villages(township: Place, county: int, people: int, grid_people: int) -> list[Village]:
    count = max(1, round(people / min(_VILLAGE_PEOPLE, grid_people * 4)))
    urban = township.name_zh.endswith("街道")
    made: list[Village] = []
    for number, size in enumerate(apportion(people, np.ones(count)), start=1):
        if size == 0:
            continue
        # communities count from 001, villages from 200, as in the statistical codes
        code = f"{township.code}{number if urban else 199 + number:03d}"
        kind_zh, kind_en = ("社区", "Community") if urban else ("村", "Village")
        name_zh = f"{MARK}{township.name_zh}第{number}{kind_zh}"
        area = Place(code, township.code, AreaLevel.VILLAGE, name_zh, f"Demonstration {kind_en} {number}", int(size))
        parts = apportion(int(size), np.ones(max(1, round(int(size) / grid_people))))
        grids = tuple(
            Place(f"{code}-{cell:02d}", code, AreaLevel.GRID, f"{name_zh}{cell}网格",
                    f"Demonstration Cell {cell}", int(part))
            for cell, part in enumerate(parts, start=1)
        )  # fmt: skip
        made.append(Village(area, county, grids, tuple(int(part) for part in parts)))
    return made


def lay_out(people: int) -> Layout:
    """The tree for so many people: the same number gives the same tree."""
    facts = fact_areas()
    counties = tuple(area for area in facts if area.level is AreaLevel.COUNTY)
    townships = tuple(area for area in facts if area.level is AreaLevel.TOWNSHIP)
    by_county = apportion(people, [county.population or 1 for county in counties])
    grid_people = min(max(people // 200, _SMALLEST_GRID), _LARGEST_GRID)
    villages: list[Village] = []
    for number, (county, count) in enumerate(zip(counties, by_county, strict=True)):
        here = [township for township in townships if township.parent == county.code]
        for township, size in zip(here, apportion(int(count), [_weight(t) for t in here]), strict=True):
            if size:
                villages += _villages(township, number, int(size), grid_people)
    return Layout(facts, counties, townships, tuple(villages))
