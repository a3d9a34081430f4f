"""What makes a list of areas a tree: the form of codes, the order of levels, parents that exist, no cycles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qipan.terms.areas import LEVEL_ORDER, AreaLevel, area_path, check_area_code

#: How many leading digits of an area's code are its own and must begin the codes of everything below it.
_OWN_DIGITS = {
    AreaLevel.PROVINCE: 2,
    AreaLevel.CITY: 4,
    AreaLevel.COUNTY: 6,
    AreaLevel.TOWNSHIP: 9,
    AreaLevel.VILLAGE: 12,
    AreaLevel.GRID: 12,
}
RANK = {level: rank for rank, level in enumerate(LEVEL_ORDER)}


@dataclass(frozen=True, slots=True)
class NewArea:
    """One row of the `areas` table; `parent` is a code, empty for the top of a tree."""

    code: str
    parent: str
    level: AreaLevel
    name_zh: str
    name_en: str
    population: int | None = None


@dataclass(frozen=True, slots=True)
class KnownArea:
    """What is known of an area that is already there."""

    code: str
    parent: str
    level: AreaLevel
    path: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be part of the tree: its position in the list, the column, a msgid and parameters."""

    position: int
    column: str
    reason: str
    parameters: Mapping[str, str]


def check_row(position: int, row: NewArea) -> Problem | None:
    """What is wrong with a row by itself: the form of its code, a missing name, a level that needs a parent."""
    try:
        check_area_code(row.code, row.level)
    except ValueError:
        return Problem(position, "code", "“%(code)s” is not a code of the level %(level)s.",
                       {"code": row.code, "level": row.level})  # fmt: skip
    if not row.name_zh.strip():
        return Problem(position, "name_zh", "An area needs a name.", {})
    if not row.parent and row.level in (AreaLevel.TOWNSHIP, AreaLevel.VILLAGE, AreaLevel.GRID):
        return Problem(position, "parent", "An area of the level %(level)s needs a parent.", {"level": row.level})
    return None


def check_parent(position: int, row: NewArea, parent_level: AreaLevel) -> Problem | None:
    """What is wrong between a row and its parent: the order of levels, the digits they share."""
    if RANK[parent_level] >= RANK[row.level]:
        return Problem(position, "parent", "An area of the level %(level)s cannot lie in one of the level %(parent)s.",
                       {"level": row.level, "parent": parent_level})  # fmt: skip
    if not row.code.startswith(row.parent[: _OWN_DIGITS[parent_level]]):
        return Problem(position, "parent", "The code %(code)s does not begin as its parent's, %(parent)s.",
                       {"code": row.code, "parent": row.parent})  # fmt: skip
    return None


def plan_tree(
    rows: Sequence[NewArea], known: Mapping[str, KnownArea], *, assume_parents: bool = False
) -> tuple[list[tuple[NewArea, str]], list[Problem]]:
    """The rows with their paths, parents before children, and the problems of those that have no place.

    `known`: the areas already there, by code. A known area may be named again with another name or population,
    never with another parent or level. Levels strictly descend from parent to child, so a cycle cannot pass.
    Children of a row with a problem have one themselves (their parent is not there).

    assume_parents: a parent that is nowhere may still come (a later part of the same file); rows that hang on
    such a parent are placed with an empty path.
    """
    problems: list[Problem] = []
    placed: list[tuple[NewArea, str]] = []
    here = {code: (area.level, area.path) for code, area in known.items()}
    seen: set[str] = set()
    refused: set[str] = set()
    order = sorted(range(len(rows)), key=lambda position: (RANK[rows[position].level], position))
    for position in order:
        row = rows[position]
        problem = check_row(position, row)
        if problem is None and row.code in seen:
            problem = Problem(position, "code", "The area %(code)s comes twice.", {"code": row.code})
        old = known.get(row.code)
        if problem is None and old is not None and (old.parent, old.level) != (row.parent, row.level):
            problem = Problem(position, "parent", "The area %(code)s is there already, with parent %(parent)s.",
                              {"code": row.code, "parent": old.parent})  # fmt: skip
        path = "/"
        if problem is None and row.parent:
            parent = here.get(row.parent)
            if parent is None and assume_parents and row.parent not in refused:
                path = ""
            elif parent is None:
                problem = Problem(position, "parent", "There is no area %(parent)s.", {"parent": row.parent})
            else:
                problem = check_parent(position, row, parent[0])
                path = parent[1]
        if problem is not None:
            problems.append(problem)
            refused.add(row.code)
            continue
        seen.add(row.code)
        full = area_path(path, row.code) if path else ""
        here[row.code] = (row.level, full)
        placed.append((row, full))
    return placed, sorted(problems, key=lambda problem: problem.position)
