"""Synthetic people for the demonstration: drawn from the census margins, visibly made up, in blocks.

Every village has a generator of its own, so that the people of a seed are the same whatever the size of a block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from qipan.demo.layout import MARK, Layout, fact_populations
from qipan.rooms.persons.services import NewPerson

#: Under which source the synthetic people are registered.
SOURCE = "demo-register"
#: People drawn at once: bounds memory whatever the size of the city.
BLOCK = 50_000

#: Households of 1 … 6 people: mean 2.58 (2020 census, Sanmenxia)
_HOUSEHOLD_SHARES = np.array([0.243, 0.311, 0.21, 0.132, 0.063, 0.041])
_ADULT = 20
_OLDEST_BAND = 95
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_FIRST = "安柏诚德恩芳光海和慧吉佳建静凯兰立敏宁平"
_SECOND = "青然瑞思天伟文欣雅阳一英永玉远云泽真之志"


@dataclass(slots=True)
class Block:
    """Some people as arrays (one position a person), in the order of their numbers in the city."""

    first: int
    age: NDArray[np.int16]
    sex: NDArray[np.int8]
    household: NDArray[np.int32]
    village: NDArray[np.int32]
    grid: NDArray[np.int32]
    birth: NDArray[np.int32]

    @property
    def size(self) -> int:
        return len(self.age)


def household_sizes(rng: np.random.Generator, people: int) -> NDArray[np.int64]:
    """Sizes of households that together hold exactly `people`."""
    sizes = rng.choice(np.arange(1, 7), size=people, p=_HOUSEHOLD_SHARES)
    ends = np.cumsum(sizes)
    count = int(np.searchsorted(ends, people)) + 1
    sizes = sizes[:count]
    sizes[-1] -= ends[count - 1] - people
    return sizes


@dataclass(frozen=True, slots=True)
class _Pyramid:
    """Bands of sex and age with their shares."""

    sex: NDArray[np.int8]
    age_from: NDArray[np.int16]
    width: NDArray[np.int16]
    share: NDArray[np.float64]


def pyramids(layout: Layout) -> list[_Pyramid]:
    """The pyramid of every county; the city's where a county has none."""
    rows = fact_populations()
    found = []
    for county in layout.counties:
        own = [row for row in rows if row.area == county.code] or [row for row in rows if row.area == county.parent]
        count = np.array([row.count for row in own], dtype=np.float64)
        found.append(
            _Pyramid(
                np.array([row.sex == "female" for row in own], dtype=np.int8),
                np.array([row.age_from for row in own], dtype=np.int16),
                np.array([(row.age_to or _OLDEST_BAND) - row.age_from + 1 for row in own], dtype=np.int16),
                count / count.sum(),
            )
        )
    return found


def _draw(rng: np.random.Generator, pyramid: _Pyramid, people: int) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    band = rng.choice(len(pyramid.share), size=people, p=pyramid.share)
    age = pyramid.age_from[band] + (rng.random(people) * pyramid.width[band]).astype(np.int16)
    return age.astype(np.int16), pyramid.sex[band]


def _house(rng: np.random.Generator, age: NDArray[np.int16], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order in which people fill households, so that each begins with an adult as long as there are any."""
    heads = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    adults = np.flatnonzero(age >= _ADULT)[: len(sizes)]
    others = np.setdiff1d(np.arange(len(age)), adults, assume_unique=True)
    rng.shuffle(others)
    order = np.empty(len(age), dtype=np.int64)
    taken = heads[: len(adults)]
    order[taken] = adults
    free = np.ones(len(age), dtype=bool)
    free[taken] = False
    order[free] = others
    return order


def blocks(layout: Layout, *, seed: int, today: date, block: int = BLOCK) -> Iterator[Block]:
    """Everybody, village by village, in blocks of at most about `block` people (a village is never split)."""
    shapes = pyramids(layout)
    first = households = grids = 0
    epoch = today.toordinal()
    parts: list[tuple[NDArray[np.int16], ...]] = []
    held = 0

    def gather() -> Block:
        age, sex, household, village, grid, birth = (
            np.concatenate([part[column] for part in parts]) for column in range(6)
        )
        return Block(first, age, sex.astype(np.int8), household, village, grid, birth)

    for number, place in enumerate(layout.villages):
        if held and held + place.size > block:
            yield gather()
            first, held = first + held, 0
            parts.clear()
        rng = np.random.default_rng([seed, 1, number])
        age, sex = _draw(rng, shapes[place.county], place.size)
        sizes = household_sizes(rng, place.size)
        order = _house(rng, age, sizes)
        age, sex = age[order], sex[order]
        household = np.repeat(np.arange(len(sizes)), sizes)
        # a household lives in the cell in which its first member falls
        bounds = np.cumsum(place.people)
        starts = np.cumsum(sizes) - sizes
        cell = np.minimum(np.searchsorted(bounds, starts, side="right"), len(bounds) - 1)[household]
        birth = epoch - (age.astype(np.int64) * 365.2425).astype(np.int64) - rng.integers(1, 365, place.size)
        parts.append((
            age, sex, (household + households).astype(np.int32), np.full(place.size, number, dtype=np.int32),
            (cell + grids).astype(np.int32), birth.astype(np.int32),
        ))  # type: ignore[arg-type]  # fmt: skip
        held += place.size
        households += len(sizes)
        grids += len(place.grids)
    if parts:
        yield gather()


def source_id(number: int) -> str:
    """The register's id of the person with this number (from 0)."""
    return f"SYN-{number + 1:07d}"


def _name(number: int) -> str:
    number, first = divmod(number * 7919 + 13, len(_FIRST))
    number, second = divmod(number, len(_SECOND))
    return f"{MARK}{_SURNAMES[number % len(_SURNAMES)]}{_FIRST[first]}{_SECOND[second]}"


def persons(layout: Layout, part: Block) -> Iterator[NewPerson]:
    """The rows of the `persons` table for a block: marked name, number and phone, kind `synthetic`."""
    grids = [(grid.code, grid.name_zh) for grid in layout.grids]
    columns = zip(
        part.birth.tolist(), part.sex.tolist(), part.household.tolist(), part.grid.tolist(), strict=True
    )
    for number, (born, female, household, grid) in enumerate(columns, start=part.first):
        code, name = grids[grid]
        yield NewPerson(
            source_id=source_id(number),
            name=_name(number),
            area=code,
            document_kind="synthetic",
            document_number=source_id(number),
            birth_date=date.fromordinal(born),
            sex="female" if female else "male",
            phone=f"000{number + 1:08d}",
            address=f"{name}{household + 1}号",
            household=str(household + 1),
        )
