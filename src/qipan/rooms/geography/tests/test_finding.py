"""What the global search finds of the areas."""

from tests.cast import COUNTY_A, COUNTY_B, Cast

from qipan.rooms.geography.selectors import find_areas


def test_areas_are_found_by_code_and_name_where_they_are_the_readers(cast: Cast) -> None:
    assert [found.key for found in find_areas(cast.alice, COUNTY_A)] == [COUNTY_A]
    assert [found.key for found in find_areas(cast.alice, "hubin")] == [COUNTY_A, "411202001"]
    assert find_areas(cast.alice, COUNTY_B) == []  # denied looks absent
