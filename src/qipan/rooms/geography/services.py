"""Writing the area tree and its populations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.rooms.geography.models import Area, PopulationCount
from qipan.rooms.geography.rules import KnownArea, NewArea, Problem, plan_tree
from qipan.rooms.geography.selectors import areas_by_code
from qipan.terms.areas import AreaLevel
from qipan.terms.errors import BadInput
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class NewPopulation:
    """One row of the `population` table: ages inclusive, `age_to` None for "and above"."""

    area: str
    sex: str
    age_from: int
    age_to: int | None
    count: int


def known_areas(codes: Collection[str] | None = None) -> dict[str, KnownArea]:
    """The areas already there, by code, as the rules see them (all, or those with these codes)."""
    areas = Area.objects.all()
    if codes is not None and len(codes) <= 1000:
        areas = areas.filter(code__in=codes)
    rows = areas.values_list("code", "parent__code", "level", "path")
    return {code: KnownArea(code, parent or "", AreaLevel(level), path) for code, parent, level, path in rows}


def plan_areas(
    rows: Sequence[NewArea], *, assume_parents: bool = False
) -> tuple[list[tuple[NewArea, str]], list[Problem]]:
    """`rules.plan_tree` against the areas in the database; nothing is written."""
    codes = {row.code for row in rows} | {row.parent for row in rows if row.parent}
    return plan_tree(rows, known_areas(codes), assume_parents=assume_parents)


def areas_write(placed: Sequence[tuple[NewArea, str]]) -> int:
    """Write planned areas, parents first. For callers inside an audited transaction (intake); area_load else.

    Returns how many were new; known ones get their names and population. A handful of queries for any number.
    """
    known = areas_by_code([row.code for row, _ in placed])
    ids = {row.parent for row, _ in placed if row.parent}
    parents = {code: ref.id for code, ref in areas_by_code(ids).items()}
    changed = [
        Area(pk=known[row.code].id, name_zh=row.name_zh, name_en=row.name_en, population=row.population)
        for row, _ in placed
        if row.code in known
    ]
    Area.objects.bulk_update(changed, ["name_zh", "name_en", "population"], batch_size=500)
    new = [(row, path) for row, path in placed if row.code not in known]
    # one insert a level, because children need their parents' ids
    for level in AreaLevel:
        made = Area.objects.bulk_create(
            [
                Area(
                    code=row.code,
                    parent_id=parents[row.parent] if row.parent else None,
                    level=row.level.value,
                    name_zh=row.name_zh,
                    name_en=row.name_en,
                    population=row.population,
                    path=path,
                )
                for row, path in new
                if row.level is level
            ],
            batch_size=1000,
        )
        parents |= {area.code: area.pk for area in made}
    return len(new)


def area_load(*, actor: Actor, rows: Sequence[NewArea], at: datetime) -> int:
    """Add areas to the tree, all or none; returns how many were new. Known ones are renamed.

    Raises BadInput for the first row that has no place in the tree (row 1 is the first), Denied where the actor
    may not load areas.
    """
    with audited(actor=actor, action="area.load", at=at) as entry:
        placed, problems = plan_areas(rows)
        if problems:
            first = problems[0]
            raise BadInput(
                "Row %(row)s, column %(column)s: %(reason)s",
                row=first.position + 1,
                column=first.column,
                reason=first.reason % first.parameters,
            )
        for _, path in placed:
            require(actor, Permission.AREA_LOAD, path)
        count = areas_write(placed)
        top = placed[0] if placed else None
        entry.about(
            "area",
            top[0].code if top else "",
            area_path=top[1] if top else "",
            detail={"areas": len(placed), "new": count},
        )
    return count


def population_write(rows: Sequence[NewPopulation]) -> int:
    """Write population counts (a band that is there is replaced). For callers inside an audited transaction.

    Raises BadInput for an unknown area.
    """
    areas = areas_by_code({row.area for row in rows})
    for row in rows:
        if row.area not in areas:
            raise BadInput("There is no area %(area)s.", area=row.area)
    PopulationCount.objects.bulk_create(
        [
            PopulationCount(
                area_id=areas[row.area].id,
                sex=row.sex,
                age_from=row.age_from,
                age_to=row.age_to,
                count=row.count,
            )
            for row in rows
        ],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["area", "sex", "age_from"],
        update_fields=["age_to", "count"],
    )
    return len(rows)


def population_load(*, actor: Actor, rows: Sequence[NewPopulation], at: datetime) -> int:
    """Record people by sex and age band; returns the number of bands. Raises BadInput, Denied."""
    with audited(actor=actor, action="population.load", at=at) as entry:
        areas = areas_by_code({row.area for row in rows})
        for ref in areas.values():
            require(actor, Permission.AREA_LOAD, ref.path)
        count = population_write(rows)
        entry.about("population", "", detail={"bands": count, "areas": sorted(areas)[:50]})
    return count
