"""The area tree and its people as tables that come in again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.geography.models import PopulationCount
from qipan.rooms.geography.selectors import list_areas
from qipan.terms.roles import Actor, Permission


def area_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Areas from the top down, so that parents come before their children."""
    columns = ("code", "parent__code", "level", "name_zh", "name_en", "population")
    yield from list_areas(actor, area_path).values_list(*columns).iterator()


def population_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Age bands of the same areas."""
    counts = PopulationCount.objects.filter(area__in=list_areas(actor, area_path))
    columns = ("area__code", "sex", "age_from", "age_to", "count")
    yield from counts.order_by("area__path", "sex", "age_from").values_list(*columns).iterator()


AREAS = ExportKind(
    "areas", "The area tree", ("code", "parent", "level", "name_zh", "name_en", "population"), area_rows,
    Permission.AREA_VIEW,
)  # fmt: skip
POPULATION = ExportKind(
    "population", "People by area, sex and age", ("area", "sex", "age_from", "age_to", "count"), population_rows,
    Permission.AREA_VIEW,
)  # fmt: skip
