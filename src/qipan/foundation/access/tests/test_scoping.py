"""Role x area: the pattern that every service and selector uses, cell by cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import AREAS, CITY, COUNTY_A, COUNTY_B, GRID_A1, PROVINCE, TOWNSHIP_A1, Cast

from qipan.foundation.access.scoping import require, require_anywhere, scope, within
from qipan.rooms.geography.models import Area
from qipan.terms.areas import path_upper_bound
from qipan.terms.errors import Denied
from qipan.terms.roles import ROLES_WITH, Actor, Grant, Permission, Role

_codes = st.text("0123456789-", min_size=1, max_size=8)
_paths = st.lists(_codes, max_size=5).map(lambda codes: "/" + "".join(f"{code}/" for code in codes))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_holds_what_the_table_says_in_its_area_and_nothing_else(role: Role, permission: Permission) -> None:
    actor = Actor(1, 1, (Grant(role, "/410000/411200/411202/"),))
    held = role in ROLES_WITH[permission]
    for path, inside in (
        ("/410000/411200/411202/", True),
        ("/410000/411200/411202/411202001/", True),
        ("/410000/411200/", False),
        ("/410000/411200/411203/", False),
        ("/", False),
    ):
        if held and inside:
            require(actor, permission, path)
        else:
            with pytest.raises(Denied):
                require(actor, permission, path)
    if held:
        require_anywhere(actor, permission)
    else:
        with pytest.raises(Denied):
            require_anywhere(actor, permission)


def test_every_permission_is_in_the_table() -> None:
    assert set(ROLES_WITH) == set(Permission)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("code", [PROVINCE, CITY, COUNTY_A, COUNTY_B, TOWNSHIP_A1, GRID_A1])
def test_querysets_hold_exactly_the_subtree(cast: Cast, role: Role, code: str) -> None:
    actor = Actor(1, 1, (Grant(role, cast.path(code)),))
    for permission in (Permission.AREA_VIEW, Permission.PERSON_VIEW, Permission.USER_MANAGE):
        expected = {area.code for area in AREAS if cast.path(area.code).startswith(cast.path(code))}
        if role not in ROLES_WITH[permission]:
            expected = set()
        found = scope(Area.objects.all(), actor, permission, field="path").values_list("code", flat=True)
        assert set(found) == expected


def test_two_grants_are_a_union_and_none_is_nothing(cast: Cast) -> None:
    two = Actor(1, 1, (Grant(Role.TRACER, cast.path(TOWNSHIP_A1)), Grant(Role.AUDITOR, cast.path(COUNTY_B))))
    tracing = scope(Area.objects.all(), two, Permission.PERSON_VIEW, field="path")
    assert {area.path.startswith(cast.path(TOWNSHIP_A1)) for area in tracing} == {True}
    seeing = scope(Area.objects.all(), two, Permission.AREA_VIEW, field="path")
    assert seeing.count() == tracing.count() + Area.objects.filter(within(cast.path(COUNTY_B), "path")).count()
    assert not scope(Area.objects.all(), Actor(1, 1, ()), Permission.AREA_VIEW, field="path").exists()


@given(_paths, _paths)
def test_the_range_is_the_prefix(prefix: str, path: str) -> None:
    in_range = prefix == "/" or prefix <= path < path_upper_bound(prefix)
    assert in_range == path.startswith(prefix)
