"""What the global search finds of the cases."""

from tests.cast import AT, COUNTY_A, Cast

from qipan.rooms.investigation.models import Case
from qipan.rooms.investigation.selectors import find_cases


def test_cases_are_found_by_their_id_where_they_are_the_readers(cast: Cast) -> None:
    area = cast.areas[COUNTY_A]
    case = Case.objects.create(
        source="s", case_id="C-0001", person_id=cast.xia, area_id=area.id, area_path=area.path,
        classification="confirmed", disease="covid19", recorded_at=AT,
    )  # fmt: skip
    assert [(found.key, found.exact) for found in find_cases(cast.alice, "C-0001")] == [(case.pk, True)]
    assert [(found.key, found.exact) for found in find_cases(cast.alice, "c-00")] == [(case.pk, False)]
    assert find_cases(cast.dora, "C-0001") == []  # denied looks absent
    assert find_cases(cast.ma, "C-0001") == []
