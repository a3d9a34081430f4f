"""Accounts: Argon2, no default passwords, who manages whom."""

import pytest
from django.contrib.auth.hashers import identify_hasher
from tests.cast import AT, CITY, COUNTY_A, Cast

from qipan.foundation.access import selectors, services
from qipan.foundation.access.models import User
from qipan.foundation.audit.models import AuditEntry
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.roles import Actor, Grant, Role


def test_an_administrator_makes_an_account_with_an_argon2_password(cast: Cast) -> None:
    user = services.user_create(
        actor=cast.fang, username="wang.fang", display_name="王芳", password="a long enough one", at=AT
    )
    assert identify_hasher(user.password).algorithm == "argon2"
    assert user.check_password("a long enough one")
    assert user.area_path == cast.path(CITY)
    entry = AuditEntry.objects.get(action="user.create")
    assert entry.subject_id == str(user.pk)
    assert "long enough" not in str(entry.__dict__)


def test_without_a_password_nothing_signs_in(cast: Cast) -> None:
    user = services.user_create(actor=cast.fang, username="empty", display_name="", at=AT)
    assert not user.has_usable_password()
    for guess in ("", "admin", "empty", "password", "123456"):
        assert not user.check_password(guess)


@pytest.mark.parametrize("password", ["short", "password1234", ""])
def test_weak_passwords_are_refused(cast: Cast, password: str) -> None:
    with pytest.raises(BadInput):
        services.user_create(actor=cast.fang, username="weak", display_name="", password=password, at=AT)
    assert not User.objects.filter(username="weak").exists()


@pytest.mark.parametrize("name", ["", "x", "with space", "a/b", "y" * 61])
def test_names_that_are_none(cast: Cast, name: str) -> None:
    with pytest.raises(BadInput):
        services.user_create(actor=cast.fang, username=name, display_name="", at=AT)


def test_a_name_is_taken_once(cast: Cast) -> None:
    with pytest.raises(Conflict):
        services.user_create(actor=cast.fang, username="alice", display_name="", at=AT)


@pytest.mark.parametrize("name", ["alice", "bob", "chen", "eva", "gao", "hu", "lin", "ma", "ning", "qiu"])
def test_nobody_else_manages_accounts(cast: Cast, name: str) -> None:
    actor = cast.actors[name]
    with pytest.raises(Denied):
        services.user_create(actor=actor, username="new", display_name="", at=AT)
    with pytest.raises(Denied):
        services.user_disable(actor=actor, user=cast.users["dora"], at=AT)
    with pytest.raises(Denied):
        services.password_set(actor=actor, user=cast.users["dora"], password="a long enough one", at=AT)
    assert not selectors.list_users(actor).exists()
    with pytest.raises(Absent):
        selectors.access_user(actor, "dora")


def test_an_administrator_of_a_county_does_not_reach_the_citys_accounts(cast: Cast) -> None:
    county = Actor(None, None, (Grant(Role.ADMINISTRATOR, cast.path(COUNTY_A)),))
    with pytest.raises(Denied):
        services.user_disable(actor=county, user=cast.users["alice"], at=AT)
    with pytest.raises(Absent):
        selectors.access_user(county, "alice")
    mine = services.user_create(actor=county, username="mine", display_name="", at=AT)
    assert list(selectors.list_users(county)) == [mine]
    assert mine in selectors.list_users(cast.fang)


def test_everybody_sets_his_own_password_and_sees_himself(cast: Cast) -> None:
    services.password_set(actor=cast.alice, user=cast.users["alice"], password="a long enough one", at=AT)
    assert User.objects.get(username="alice").check_password("a long enough one")
    assert selectors.access_user(cast.alice, "alice") == cast.users["alice"]
    with pytest.raises(BadInput):
        services.password_set(actor=cast.alice, user=cast.users["alice"], password="short", at=AT)


def test_machinery_without_an_account_sets_no_password(cast: Cast) -> None:
    nobody = Actor(None, None, ())
    with pytest.raises(Denied):
        services.password_set(actor=nobody, user=cast.users["alice"], password="a long enough one", at=AT)


def test_closing_an_account_twice_is_once(cast: Cast) -> None:
    services.user_disable(actor=cast.fang, user=cast.users["bob"], at=AT)
    services.user_disable(actor=cast.fang, user=cast.users["bob"], at=AT)
    assert AuditEntry.objects.filter(action="user.disable").count() == 1
    services.user_enable(actor=cast.fang, user=cast.users["bob"], at=AT)
    assert User.objects.get(username="bob").is_active


def test_who_opens_an_account_again(cast: Cast) -> None:
    county = Actor(None, None, (Grant(Role.ADMINISTRATOR, cast.path(COUNTY_A)),))
    mine = services.user_create(actor=county, username="mine", display_name="", at=AT)
    for user in (mine, cast.users["bob"]):
        services.user_disable(actor=cast.fang, user=user, at=AT)
    for actor in (cast.alice, cast.bob, cast.eva, cast.lin, cast.ma, county):  # Bob's account is the city's
        with pytest.raises(Denied):
            services.user_enable(actor=actor, user=cast.users["bob"], at=AT)
    assert not User.objects.get(username="bob").is_active
    with pytest.raises(Refused):
        services.user_enable(actor=cast.fang, user=cast.users["fang"], at=AT)
    services.user_enable(actor=county, user=mine, at=AT)
    services.user_enable(actor=cast.fang, user=cast.users["bob"], at=AT)
    services.user_enable(actor=cast.fang, user=cast.users["bob"], at=AT)  # twice changes nothing
    assert User.objects.filter(pk__in=[mine.pk, cast.users["bob"].pk], is_active=True).count() == 2
    assert AuditEntry.objects.filter(action="user.enable").count() == 2


def test_nobody_closes_his_own(cast: Cast) -> None:
    with pytest.raises(Refused):
        services.user_disable(actor=cast.fang, user=cast.users["fang"], at=AT)
    assert User.objects.get(username="fang").is_active


def test_random_passwords_pass_the_rules_and_differ() -> None:
    made = {services.password_random() for _ in range(50)}
    assert len(made) == 50
    assert min(map(len, made)) == 20
