"""Reading the area tree."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.pages.searching import MOST, Found
from qipan.rooms.geography.models import Area, PopulationCount
from qipan.terms.areas import AreaLevel
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission

#: Above this many codes the whole tree is read at once: a database takes only so many parameters.
_MANY = 1000


@dataclass(frozen=True, slots=True)
class AreaRef:
    """What other rooms store of an area."""

    id: int
    code: str
    path: str
    level: AreaLevel


def _refs(queryset: QuerySet[Area]) -> list[AreaRef]:
    rows = queryset.values_list("id", "code", "path", "level")
    return [AreaRef(pk, code, path, AreaLevel(level)) for pk, code, path, level in rows]


def areas_by_code(codes: Collection[str]) -> dict[str, AreaRef]:
    """The areas with these codes (unknown codes are missing in the answer); one query.

    Not scoped: it says where a code lies, so that the caller can demand a permission there.
    """
    wanted = set(codes)
    if len(wanted) > _MANY:
        return {ref.code: ref for ref in _refs(Area.objects.all()) if ref.code in wanted}
    return {ref.code: ref for ref in _refs(Area.objects.filter(code__in=wanted))}


def areas_by_id(ids: Collection[int]) -> dict[int, AreaRef]:
    """The areas with these ids; one query; not scoped."""
    wanted = set(ids)
    if len(wanted) > _MANY:
        return {ref.id: ref for ref in _refs(Area.objects.all()) if ref.id in wanted}
    return {ref.id: ref for ref in _refs(Area.objects.filter(pk__in=wanted))}


def areas_named(text: str) -> list[tuple[str, str]]:
    """(code, path) of the areas with this code or, where there is none, this whole name (at most 20); not scoped:
    callers demand their permission at the path.
    """
    found = list(Area.objects.filter(code=text).values_list("code", "path"))
    named = Area.objects.filter(Q(name_zh=text) | Q(name_en__iexact=text)).order_by("path")
    return found or list(named.values_list("code", "path")[:20])


def areas_offered(actor: Actor, below: str) -> list[tuple[str, str]]:
    """(code, name in the reader's language) of up to 300 areas at and below a path, the largest first, to choose
    from while one types.
    """
    chinese = (get_language() or "").startswith("zh")
    areas = list_areas(actor, below)[:2000].values_list("code", "name_zh", "name_en", "path")
    widest = sorted(areas, key=lambda area: area[3].count("/"))[:300]
    return [(code, zh if chinese else en or zh) for code, zh, en, _ in widest]


def area_paths() -> dict[str, str]:
    """Every code's path; one query; not scoped."""
    return dict(Area.objects.values_list("code", "path"))


def access_area(actor: Actor, code: str) -> Area:
    """The area with this code, if this actor may see it; Absent otherwise."""
    area = scope(Area.objects.filter(code=code), actor, Permission.AREA_VIEW, field="path").first()
    if area is None:
        raise Absent("area")
    return area


def list_areas(actor: Actor, below: str | None = None, level: AreaLevel | str | None = None) -> QuerySet[Area]:
    """The areas this actor may see, in the order of their paths.

    below: a path; the area itself and everything under it. level: only areas of this level.
    """
    areas = scope(Area.objects.all(), actor, Permission.AREA_VIEW, field="path")
    if below is not None:
        areas = areas.filter(within(below, "path"))
    if level is not None:
        areas = areas.filter(level=AreaLevel(level))
    return areas.order_by("path")


def list_populations(actor: Actor, code: str) -> QuerySet[PopulationCount]:
    """People by sex and age band of one area, youngest first; Absent where the area is not the actor's."""
    area = access_area(actor, code)
    return PopulationCount.objects.filter(area=area).order_by("sex", "age_from")


def area_line(actor: Actor, code: str) -> list[Area]:
    """An area with those above it that this actor may see, from the top; Absent where it is not his. Two queries, one
    where it is an area that he holds itself: its path is known.
    """
    held = next((path for path in actor.areas_for(Permission.AREA_VIEW) if path.endswith(f"/{code}/")), None)
    if held is not None:
        codes = held.strip("/").split("/")
        line = list(scope(Area.objects.filter(code__in=codes), actor, Permission.AREA_VIEW, field="path"))
        line.sort(key=lambda each: each.path)
        if line and line[-1].path == held:
            return line
    area = access_area(actor, code)
    codes = area.path.strip("/").split("/")
    above = scope(Area.objects.filter(code__in=codes), actor, Permission.AREA_VIEW, field="path")
    return list(above.order_by("path"))


def area_labels(paths: Collection[str]) -> dict[str, str]:
    """path -> name in the reader's language, with that of the area above it ("第一社区 · 湖滨街道"); one query.

    Not scoped: names of places are no secret.
    """
    wanted = set(paths)
    above = {path: path[: path[:-1].rfind("/") + 1] for path in wanted}
    rows = Area.objects.filter(path__in=wanted | set(above.values())).values_list("path", "name_zh", "name_en", "level")
    chinese = (get_language() or "").startswith("zh")
    said = {path: (zh if chinese else en or zh, level) for path, zh, en, level in rows}
    small = (AreaLevel.GRID, AreaLevel.VILLAGE)
    return {
        path: f"{said[path][0]} · {said[above[path]][0]}"
        if said[path][1] in small and above[path] in said
        else said[path][0]
        for path in wanted
        if path in said
    }


def search_areas(actor: Actor, text: str, *, most: int = 20) -> QuerySet[Area]:
    """Areas whose code is `text`, or whose name begins with or holds it, the largest first."""
    found = scope(Area.objects.all(), actor, Permission.AREA_VIEW, field="path")
    named = Q(code=text) | Q(name_zh__contains=text) | Q(name_en__icontains=text)
    return found.filter(named).order_by("path")[:most]


def find_areas(actor: Actor, text: str) -> list[Found]:
    """For the global search: areas by code, or by a part of their names."""
    chinese = (get_language() or "").startswith("zh")
    return [
        Found(
            area.name_zh if chinese else area.name_en or area.name_zh, "area", area.code, area.code, area.code == text
        )
        for area in search_areas(actor, text, most=MOST)
    ]
