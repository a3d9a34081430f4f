"""The cast that every test stands on."""

from tests.cast import COUNTY_A, COUNTY_B, Cast

from qipan.terms.roles import Permission, Role


def test_everybody_has_his_role_and_place(cast: Cast) -> None:
    assert {grant.role for actor in cast.actors.values() for grant in actor.grants} == set(Role) - {Role.SYSTEM}
    assert cast.alice.may(Permission.PERSON_VIEW, cast.path(COUNTY_A))
    assert not cast.alice.may(Permission.PERSON_VIEW, cast.path(COUNTY_B))
    assert cast.dora.may(Permission.PERSON_VIEW, cast.path(COUNTY_B))
