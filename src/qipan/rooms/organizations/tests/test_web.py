"""Pages of units, task forces and duty, as somebody at a browser meets them."""

from datetime import timedelta

import pytest
from tests.cast import AT, CITY, COUNTY_A, COUNTY_B, TODAY, VILLAGE_A1

from qipan.foundation.access.services import user_disable
from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.organizations import services
from qipan.rooms.organizations.models import Duty, TaskForce, TaskForceMember, Unit

pytestmark = pytest.mark.django_db

EVERYBODY = ["alice", "bob", "chen", "dora", "eva", "fang", "gao", "hu", "lin", "ma", "ning", "qiu"]
MANAGERS = ["fang", "ma"]
OTHERS = [name for name in EVERYBODY if name not in MANAGERS]

FORCE = {
    "name_zh": "演示·封控专班", "name_en": "Demonstration Task Force", "purpose": "One building", "lead_unit": "CDC-A",
    "area": COUNTY_A, "starts_on": "2022-07-20",
}  # fmt: skip
UNIT = {"code": "CDC-X", "name_zh": "演示·新单位", "name_en": "New", "kind": "cdc", "area": COUNTY_B, "parent": "HQ"}


@pytest.fixture
def force(cast):
    values = FORCE | {"lead_unit": cast.units["CDC-A"], "starts_on": TODAY}
    return services.task_force_open(actor=cast.fang, at=AT, **values)


def text(answer) -> str:
    return answer.content.decode()


# --- who opens what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_sees_units_task_forces_and_duty(browse, cast, force, name):
    for url in ("/units/", "/task-forces/", "/duty/"):
        assert browse(name).get(url).status_code == 200


@pytest.mark.parametrize("name", OTHERS)
def test_forms_are_absent_for_those_who_manage_no_unit(browse, cast, force, name):
    for url in (
        "/units/add/", "/task-forces/add/", f"/task-forces/{force.pk}/members/add/",
        f"/task-forces/{force.pk}/close/", "/duty/add/",
    ):  # fmt: skip
        assert browse(name).get(url).status_code == 404
        assert browse(name).post(url, {}).status_code == 404
    assert "Add a unit" not in text(browse(name).get("/units/"))


def test_units_of_another_county_are_absent(browse, cast, force):
    page = text(browse("alice").get("/units/"))
    assert "Demonstration Hubin CDC" in page
    assert "Shanzhou" not in page
    assert browse("alice").get("/units/unit/CDC-B/").status_code == 404
    assert browse("dora").get("/units/unit/CDC-B/").status_code == 200
    assert browse("dora").get(f"/task-forces/{force.pk}/").status_code == 404
    assert browse("alice").get(f"/task-forces/{force.pk}/").status_code == 200
    assert browse("alice").get("/units/unit/nothing/").status_code == 404
    assert browse("alice").get("/task-forces/99999999999999999999/").status_code == 404


# --- units ------------------------------------------------------------------------------------------------------------


def test_a_unit_says_who_is_in_it_and_who_is_on_duty(browse, cast, force, django_assert_max_num_queries):
    services.duty_assign(actor=cast.fang, unit=cast.units["CDC-A"], user=cast.users["bob"], at=AT,
                         starts_at=AT - timedelta(hours=1), ends_at=AT + timedelta(hours=1))  # fmt: skip
    alice = browse("alice")
    with django_assert_max_num_queries(30):
        page = text(alice.get("/units/unit/CDC-A/"))
    for words in ("Alice", "Bob", "epidemiologist", "2022-07-20 13:00", "Demonstration Task Force"):
        assert words in page
    assert "湖滨区疾控中心" in text(browse("alice", language="zh-hans").get("/units/unit/CDC-A/"))
    # accounts are opened by those who manage them only
    assert f"/users/{cast.users['bob'].pk}/" not in page
    assert f"/users/{cast.users['bob'].pk}/" in text(browse("fang").get("/units/unit/CDC-A/"))


def test_lists_are_short_in_queries(browse, cast, force, django_assert_max_num_queries):
    for url in ("/units/?kind=cdc", "/task-forces/?state=open", "/duty/?when=now"):
        client = browse("fang")
        with django_assert_max_num_queries(30):
            assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "url", ["/units/?kind=pub", "/units/?sort=name", "/task-forces/?state=x", "/duty/?when=yesterday", "/duty/?page=zz"]
)
def test_a_wrong_address_is_answered_in_words(browse, url):
    assert browse("fang").get(url).status_code == 400


def test_a_unit_is_added_under_another(browse, cast):
    fang = browse("fang")
    assert fang.get("/units/add/?parent=HQ").status_code == 200
    answer = fang.post("/units/add/", UNIT)
    assert answer.status_code == 302
    assert answer["Location"] == "/units/unit/CDC-X/"
    made = Unit.objects.get(code="CDC-X")
    assert (made.area_path, made.parent.code) == (cast.path(COUNTY_B), "HQ")
    assert "New" in text(fang.get("/units/unit/HQ/"))
    assert fang.post("/units/add/", UNIT).status_code == 409
    # an area by its whole name
    assert fang.post("/units/add/", UNIT | {"code": "CDC-Y", "area": "湖滨区"}).status_code == 302
    assert Unit.objects.get(code="CDC-Y").area_path == cast.path(COUNTY_A)


@pytest.mark.parametrize(
    ("field", "value"),
    [("area", "410000"), ("area", "999999"), ("area", ""), ("area", "演示·网格01"), ("kind", "pub"), ("code", "a b"),
     ("parent", "NONE"), ("name_zh", "")],
)  # fmt: skip
def test_a_wrong_unit_is_said_beside_the_field(browse, cast, field, value):
    answer = browse("fang").post("/units/add/", UNIT | {field: value})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in text(answer)
    # nothing typed is lost
    assert field == "code" or 'value="CDC-X"' in text(answer)
    assert not Unit.objects.filter(code="CDC-X").exists()


# --- task forces ------------------------------------------------------------------------------------------------------


def test_a_task_force_from_its_opening_to_its_end(browse, cast):
    ma = browse("ma")
    answer = ma.post("/task-forces/add/", FORCE)
    made = TaskForce.objects.get()
    assert answer["Location"] == f"/task-forces/{made.pk}/"
    members = f"/task-forces/{made.pk}/members/add/"
    assert ma.post(members, {"user": "bob", "unit": "CDC-A", "function": "data"}).status_code == 302
    assert ma.post(members, {"user": "bob", "unit": "CDC-A", "function": "data"}).status_code == 409
    assert ma.post(members, {"user": "nobody", "unit": "CDC-A", "function": "data"}).status_code == 400
    assert TaskForceMember.objects.get().user == cast.users["bob"]
    assert "Bob" in text(ma.get(f"/task-forces/{made.pk}/"))
    close = f"/task-forces/{made.pk}/close/"
    asked = ma.post(close, {"last_day": "2022-07-25"})
    assert "Before you confirm" in text(asked)
    assert TaskForce.objects.get().ends_on is None
    assert ma.post(close, {"last_day": "2022-07-01", "confirmed": "1"}).status_code == 400
    assert ma.post(close, {"last_day": "2022-07-25", "confirmed": "1"}).status_code == 302
    assert str(TaskForce.objects.get().ends_on) == "2022-07-25"
    assert ma.post(close, {"last_day": "2022-07-26", "confirmed": "1"}).status_code == 400
    assert ma.post(members, {"user": "chen", "unit": "CDC-A", "function": "x"}).status_code == 400
    assert "Add a member" not in text(ma.get(f"/task-forces/{made.pk}/"))


@pytest.mark.parametrize(
    ("field", "value"), [("area", "410000"), ("purpose", " "), ("starts_on", "tomorrow"), ("lead_unit", "X")]
)
def test_a_wrong_task_force_is_said_beside_the_field(browse, cast, field, value):
    answer = browse("ma").post("/task-forces/add/", FORCE | {field: value})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in text(answer)


# --- duty -------------------------------------------------------------------------------------------------------------


def test_duty_is_said_and_meant_on_the_local_clock(browse, cast):
    fang = browse("fang")
    page = text(fang.get("/duty/add/?unit=CDC-A"))
    assert 'value="2022-07-20T12:00"' in page
    values = {"unit": "CDC-A", "user": "bob", "starts_at": "2022-07-20T20:00", "ends_at": "2022-07-21T08:00"}
    assert fang.post("/duty/add/", values).status_code == 302
    duty = Duty.objects.get()
    assert duty.starts_at.isoformat() == "2022-07-20T12:00:00+00:00"
    listed = text(fang.get("/duty/"))
    assert "2022-07-20 20:00" in listed
    assert "Bob" in listed
    assert "Bob" not in text(fang.get("/duty/?when=now"))
    assert "Bob" in text(fang.get("/duty/?when=later"))
    assert "Bob" not in text(browse("dora").get("/duty/"))
    assert fang.post("/duty/add/", values).status_code == 400  # twice at a time
    user_disable(actor=cast.fang, user=cast.users["bob"], at=AT)
    assert "Bob" not in text(fang.get("/duty/"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("user", "nobody"), ("user", ""), ("unit", "X"), ("starts_at", "noon"), ("ends_at", "2022-07-20T19:00"),
     ("ends_at", "2022-13-45T99:00")],
)  # fmt: skip
def test_a_wrong_duty_is_said_beside_the_field(browse, cast, field, value):
    values = {"unit": "CDC-A", "user": "bob", "starts_at": "2022-07-20T20:00", "ends_at": "2022-07-21T08:00"}
    answer = browse("fang").post("/duty/add/", values | {field: value})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in text(answer)
    assert not Duty.objects.exists()


def test_a_county_administrator_puts_nobody_on_duty_elsewhere(browse, cast):
    from qipan.terms.roles import Role

    services.membership_grant(actor=cast.fang, user=cast.users["qiu"], unit=cast.units["CDC-A"], at=AT, area=COUNTY_A,
                              role=Role.ADMINISTRATOR, starts_on=TODAY)  # fmt: skip
    values = {"unit": "CDC-B", "user": "dora", "starts_at": "2022-07-20T20:00", "ends_at": "2022-07-21T08:00"}
    assert browse("qiu").post("/duty/add/", values).status_code == 400
    assert not Duty.objects.exists()
    assert AuditEntry.objects.filter(action="duty.assign").count() == 0
    assert browse("qiu").post("/units/add/", UNIT).status_code == 400  # of another county
    assert browse("qiu").post("/units/add/", UNIT | {"area": VILLAGE_A1, "parent": "CDC-A"}).status_code == 302
    assert browse("qiu").post("/units/add/", UNIT | {"code": "Z", "area": CITY}).status_code == 400
