"""Pages of accounts and roles: behind the second factor, by administrators of the place, passwords shown once."""

import html
import re

import pytest
from django.contrib.sessions.models import Session
from tests.cast import AT, CITY, COUNTY_A, COUNTY_B, TODAY, VILLAGE_A1

from qipan.foundation.access.models import User
from qipan.foundation.access.selectors import managed_user, user_labels
from qipan.foundation.access.services import user_create
from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.organizations import selectors, services
from qipan.rooms.organizations.models import Membership
from qipan.terms.errors import Absent
from qipan.terms.roles import Role

pytestmark = pytest.mark.django_db

OTHERS = ["alice", "bob", "chen", "dora", "eva", "gao", "hu", "lin", "ma", "ning", "qiu"]
ACCOUNT = {"username": "zoe", "display_name": "Zoe", "language": "en", "area": COUNTY_A}


def text(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def addresses(cast):
    pk = cast.users["bob"].pk
    role = Membership.objects.get(user_id=pk).pk
    return [
        "/users/", "/users/add/", f"/users/{pk}/", f"/users/{pk}/password/", f"/users/{pk}/close/",
        f"/users/{pk}/open/", f"/users/{pk}/roles/add/", f"/users/roles/{role}/end/",
    ]  # fmt: skip


@pytest.fixture
def qiu(cast):
    """Qiu, who is an administrator of county A as well; an account that county A manages."""
    services.membership_grant(actor=cast.fang, user=cast.users["qiu"], unit=cast.units["CDC-A"], at=AT, area=COUNTY_A,
                              role=Role.ADMINISTRATOR, starts_on=TODAY)  # fmt: skip
    return user_create(actor=cast.fang, username="ann", display_name="Ann", at=AT, area_path=cast.path(COUNTY_A))


# --- who opens what -----------------------------------------------------------------------------------------------


def test_an_administrator_opens_every_page_and_the_second_factor_is_asked(browse, addresses):
    for url in addresses:
        assert browse("fang").get(url).status_code == 200, url
        asked = browse("fang", verified=False).get(url)
        assert asked.status_code == 302
        assert asked["Location"].startswith("/second-factor")


@pytest.mark.parametrize("name", OTHERS)
def test_pages_are_absent_for_everybody_else(browse, addresses, name):
    for url in addresses:
        assert browse(name).get(url).status_code == 404, url
        assert browse(name).post(url, {"confirmed": "1", "last_day": "2022-07-21"}).status_code == 404, url
    assert User.objects.get(username="bob").is_active


def test_a_county_administrator_manages_the_accounts_of_the_county_only(browse, cast, qiu):
    client = browse("qiu")
    page = text(client.get("/users/"))
    assert "ann" in page
    assert "bob" not in page  # his account is managed by the city
    for url in ("", "password/", "close/", "open/", "roles/add/"):
        assert client.get(f"/users/{cast.users['bob'].pk}/{url}").status_code == 404
        assert client.get(f"/users/{qiu.pk}/{url}").status_code == 200
    assert client.get(f"/users/roles/{Membership.objects.get(user=cast.users['bob']).pk}/end/").status_code == 404
    with pytest.raises(Absent):
        managed_user(selectors.actor_for(cast.users["qiu"], AT), cast.users["bob"].pk)
    for read in (selectors.account_history, selectors.managed_memberships):
        with pytest.raises(Absent):
            read(selectors.actor_for(cast.users["qiu"], AT), cast.users["bob"].pk)
    assert list(selectors.list_accounts(cast.alice)) == []


def test_absent_accounts(browse):
    for url in ("/users/999999/", "/users/99999999999999999999999/", "/users/roles/999999/end/", "/users/bob/"):
        assert browse("fang").get(url).status_code == 404


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_says_roles_and_is_filtered(browse, cast, django_assert_max_num_queries):
    fang = browse("fang")
    with django_assert_max_num_queries(30):
        page = text(fang.get("/users/"))
    assert "grid worker" in page
    assert "网格员" in text(browse("fang", language="zh-hans").get("/users/")) or "grid worker" in page
    only = text(fang.get("/users/?role=tracer"))
    assert "bob" in only
    assert "chen" not in only
    below = text(fang.get(f"/users/?area={VILLAGE_A1}"))
    assert "chen" in below
    assert "dora" not in below
    assert "No row matches" in text(fang.get("/users/?name=nobody"))
    for url in ("/users/?role=king", "/users/?state=half", "/users/?sort=roles"):
        assert fang.get(url).status_code == 400


def test_accounts_are_closed_together_and_opened_again(browse, cast):
    fang = browse("fang")
    keys = [str(cast.users[name].pk) for name in ("bob", "chen", "fang")]
    preview = text(fang.post("/users/", {"act": "close", "row": keys}))
    assert "Bob (bob): will be closed" in preview
    assert "your own account stays open" in preview
    assert User.objects.get(username="bob").is_active
    answer = fang.post("/users/", {"act": "close", "row": keys, "confirm": "1"}, follow=True)
    assert "Close accounts: 2 done." in text(answer)
    assert "Nobody closes his own account" in text(answer)
    assert set(User.objects.filter(is_active=False).values_list("username", flat=True)) == {"bob", "chen"}
    token = html.unescape(re.search(r'name="token" value="([^"]+)"', text(answer)).group(1))
    again = fang.post("/users/", {"act": "undo", "token": token}, follow=True)
    assert "Close accounts: 2 taken back." in text(again)
    assert not User.objects.filter(is_active=False).exists()
    assert fang.post("/users/", {"act": "undo", "token": "x"}).status_code == 400
    assert [entry.action for entry in AuditEntry.objects.order_by("seq")] == [
        "user.disable", "user.disable", "user.enable", "user.enable",
    ]  # fmt: skip


def test_what_was_closed_before_is_not_opened_by_the_undo(browse, cast):
    fang = browse("fang")
    User.objects.filter(username="bob").update(is_active=False)
    keys = [str(cast.users[name].pk) for name in ("bob", "chen")] + ["x", "999999"]
    answer = fang.post("/users/", {"act": "close", "row": keys, "confirm": "1"}, follow=True)
    token = html.unescape(re.search(r'name="token" value="([^"]+)"', text(answer)).group(1))
    fang.post("/users/", {"act": "undo", "token": token})
    assert set(User.objects.filter(is_active=False).values_list("username", flat=True)) == {"bob"}


def test_a_county_administrator_closes_nobody_of_the_city(browse, cast, qiu):
    browse("qiu").post("/users/", {"act": "close", "row": [str(cast.users["bob"].pk)], "confirm": "1"})
    assert User.objects.get(username="bob").is_active


# --- accounts -------------------------------------------------------------------------------------------------------


def test_an_account_is_added_and_its_password_shown_once(browse, cast):
    fang = browse("fang")
    answer = fang.post("/users/add/", ACCOUNT)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    password = html.unescape(re.search(r'secret-once">([^<]+)<', text(answer)).group(1))
    user = User.objects.get(username="zoe")
    assert user.check_password(password)
    assert len(password) >= 20
    assert (user.area_path, user.language) == (cast.path(COUNTY_A), "en")
    kept = [repr(session.get_decoded()) for session in Session.objects.all()]
    kept += [repr(vars(entry)) for entry in AuditEntry.objects.all()]
    assert not any(password in each for each in kept)
    assert password not in text(fang.get(f"/users/{user.pk}/"))
    assert fang.post("/users/add/", ACCOUNT).status_code == 409


@pytest.mark.parametrize(
    ("field", "value"), [("username", "a"), ("username", "a b"), ("area", "410000"), ("area", ""), ("language", "fr")]
)
def test_a_wrong_account_is_answered_in_words(browse, cast, field, value):
    answer = browse("fang").post("/users/add/", ACCOUNT | {field: value})
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)
    assert not User.objects.filter(username="zoe").exists()


def test_a_new_password_is_asked_twice_and_never_for_oneself(browse, cast):
    fang, bob = browse("fang"), cast.users["bob"]
    url = f"/users/{bob.pk}/password/"
    assert "Before you confirm" in text(fang.post(url, {}))
    answer = fang.post(url, {"confirmed": "1"})
    password = html.unescape(re.search(r'secret-once">([^<]+)<', text(answer)).group(1))
    assert User.objects.get(pk=bob.pk).check_password(password)
    own = fang.post(f"/users/{cast.users['fang'].pk}/password/", {"confirmed": "1"})
    assert own.status_code == 400


def test_an_account_is_closed_and_opened_and_the_page_tells(browse, cast, django_assert_max_num_queries):
    fang, bob = browse("fang"), cast.users["bob"]
    page = f"/users/{bob.pk}/"
    fang.post(f"{page}close/", {"confirmed": "1"})
    assert not User.objects.get(pk=bob.pk).is_active
    with django_assert_max_num_queries(30):
        said = text(fang.get(page))
    assert "account closed" in said
    assert "Fang" in said
    fang.post(f"{page}open/", {"confirmed": "1"})
    assert User.objects.get(pk=bob.pk).is_active
    assert fang.post(f"/users/{cast.users['fang'].pk}/close/", {"confirmed": "1"}).status_code == 400


# --- roles ----------------------------------------------------------------------------------------------------------


def test_a_role_is_granted_shown_and_ended(browse, cast):
    fang, bob = browse("fang"), cast.users["bob"]
    values = {"role": "clinician", "unit": "HOSPITAL-A", "area": COUNTY_A, "starts_on": "2022-07-20", "ends_on": ""}
    url = f"/users/{bob.pk}/roles/add/"
    assert fang.post(url, values).status_code == 302
    assert fang.post(url, values).status_code == 409
    role = Membership.objects.get(user=bob, role="clinician")
    page = text(fang.get(f"/users/{bob.pk}/"))
    assert "clinician" in page
    assert "role granted" in page
    end = f"/users/roles/{role.pk}/end/"
    assert f'href="{end}' in page
    assert "Before you confirm" in text(fang.post(end, {"last_day": "2022-07-21"}))
    assert fang.post(end, {"last_day": "2022-07-21", "confirmed": "1"}).status_code == 302
    role.refresh_from_db()
    assert str(role.ends_on) == "2022-07-21"
    assert fang.post(end, {"last_day": "2022-07-22", "confirmed": "1"}).status_code == 400
    assert selectors.managed_membership(cast.fang, role.pk).user_id == bob.pk
    with pytest.raises(Absent):
        selectors.managed_membership(cast.alice, role.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "system"), ("role", ""), ("unit", "X"), ("area", "410000"), ("area", ""), ("starts_on", "x"),
     ("ends_on", "2022-07-01")],
)  # fmt: skip
def test_a_wrong_role_is_said_beside_the_field(browse, cast, field, value):
    values = {"role": "clinician", "unit": "HOSPITAL-A", "area": COUNTY_A, "starts_on": "2022-07-20", "ends_on": ""}
    answer = browse("fang").post(f"/users/{cast.users['bob'].pk}/roles/add/", values | {field: value})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in text(answer)
    assert Membership.objects.filter(user=cast.users["bob"]).count() == 1


def test_nobody_grants_himself_a_role(browse, cast):
    values = {"role": "clinician", "unit": "HQ", "area": CITY, "starts_on": "2022-07-20"}
    url = f"/users/{cast.users['fang'].pk}/roles/add/"
    assert browse("fang").post(url, values).status_code == 400
    assert "Grant a role" not in text(browse("fang").get(f"/users/{cast.users['fang'].pk}/"))


def test_labels_of_users_and_units(cast):
    assert user_labels([cast.users["bob"].pk, 999_999]) == {cast.users["bob"].pk: "Bob"}
    assert selectors.unit_labels([cast.units["HQ"].pk]) == {cast.units["HQ"].pk: "Demonstration City Headquarters"}


def test_colleagues_and_duties_are_scoped(cast):
    names = {user.username for user in selectors.colleagues(cast.dora, day=TODAY)}
    assert names == {"dora"}
    assert {"alice", "dora"} <= {user.username for user in selectors.colleagues(cast.fang, day=TODAY)}
    assert {user.username for user in selectors.colleagues(cast.fang, day=TODAY, below=cast.path(COUNTY_B))} == {"dora"}
    services.duty_assign(actor=cast.fang, unit=cast.units["CDC-A"], user=cast.users["bob"], at=AT, starts_at=AT,
                         ends_at=AT.replace(hour=9))  # fmt: skip
    assert selectors.list_duties(cast.alice, at=AT).count() == 1
    assert list(selectors.list_duties(cast.dora, at=AT)) == []
    force = services.task_force_open(actor=cast.fang, name_zh="一", name_en="one", purpose="p", at=AT, area=COUNTY_A,
                                     lead_unit=cast.units["CDC-A"], starts_on=TODAY)  # fmt: skip
    assert list(selectors.list_task_force_members(cast.alice, force.pk)) == []
    with pytest.raises(Absent):
        selectors.list_task_force_members(cast.dora, force.pk)
