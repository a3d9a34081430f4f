"""What the global search finds of the sites."""

from tests.cast import AT, COUNTY_A, Cast

from qipan.rooms.quarantine.models import Site
from qipan.rooms.quarantine.selectors import find_sites


def test_sites_are_found_where_they_are_the_readers(cast: Cast) -> None:
    area = cast.areas[COUNTY_A]
    site = Site.objects.create(name="演示·湖滨隔离点", area_id=area.id, area_path=area.path, opened_at=AT)
    assert [found.key for found in find_sites(cast.gao, "湖滨")] == [site.pk]
    assert find_sites(cast.dora, "湖滨") == []  # denied looks absent
    assert find_sites(cast.chen, "湖滨") == []
