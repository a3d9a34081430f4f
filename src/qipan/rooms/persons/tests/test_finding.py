"""What the global search finds of people: a code, where he lives in one's area."""

from tests.cast import Cast

from qipan.rooms.persons.selectors import find_by_code
from qipan.terms.identity import person_code


def test_a_person_is_found_by_code_where_he_is_the_readers(cast: Cast) -> None:
    assert [found.key for found in find_by_code(cast.alice, person_code(cast.xia))] == [person_code(cast.xia)]
    assert find_by_code(cast.alice, person_code(cast.tao)) == []  # denied looks absent
    assert find_by_code(cast.alice, person_code(10**8)) == []
    assert find_by_code(cast.alice, "xia") == []
    assert find_by_code(cast.ma, person_code(cast.xia)) == []
