"""Units, roles, task forces and duty: who may change them, and who somebody is on a day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.cast import AT, CITY, COUNTY_A, COUNTY_B, TODAY, VILLAGE_A1, Cast

from qipan.foundation.access.models import User
from qipan.foundation.access.services import user_disable
from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.organizations import selectors, services
from qipan.rooms.organizations.models import Duty, Membership, TaskForce, Unit
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.roles import Actor, Grant, Permission, Role

GRANTABLE = [role for role in Role if role is not Role.SYSTEM]


def county_administrator(cast: Cast, code: str = COUNTY_A) -> Actor:
    return Actor(None, None, (Grant(Role.ADMINISTRATOR, cast.path(code)),), label="county administrator")


def grant(cast: Cast, actor: Actor, name: str = "bob", role: Role = Role.CLINICIAN, area: str | None = COUNTY_A,
          **more: object) -> Membership:  # fmt: skip
    values: dict[str, object] = {"unit": cast.units["CDC-A"], "starts_on": TODAY, "at": AT} | more
    return services.membership_grant(actor=actor, user=cast.users[name], role=role, area=area, **values)


# --- who somebody is ----------------------------------------------------------------------------------------


def test_a_role_holds_from_its_first_local_day_to_the_end_of_its_last(cast: Cast) -> None:
    grant(cast, cast.fang, starts_on=date(2022, 8, 1), ends_on=date(2022, 8, 2))

    def holds(moment: datetime) -> bool:
        actor = selectors.actor_for(cast.users["bob"], moment)
        return actor.may(Permission.IDENTITY_OPEN, cast.path(COUNTY_A))

    # local midnight is 16:00 UTC of the day before
    assert not holds(datetime(2022, 7, 31, 15, 59, tzinfo=UTC))
    assert holds(datetime(2022, 7, 31, 16, 0, tzinfo=UTC))
    assert holds(datetime(2022, 8, 2, 15, 59, tzinfo=UTC))
    assert not holds(datetime(2022, 8, 2, 16, 0, tzinfo=UTC))


def test_a_disabled_user_holds_nothing_even_through_a_stale_object(cast: Cast) -> None:
    stale = User.objects.get(username="alice")
    user_disable(actor=cast.fang, user=cast.users["alice"], at=AT)
    assert selectors.actor_for(stale, AT).grants == ()


def test_an_actor_says_who_and_for_whom(cast: Cast) -> None:
    assert cast.alice.user_id == cast.users["alice"].pk
    assert cast.alice.unit_id == cast.units["CDC-A"].pk
    assert cast.alice.label == "alice"
    assert cast.alice.grants == (Grant(Role.EPIDEMIOLOGIST, cast.path(COUNTY_A)),)


# --- granting roles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", GRANTABLE)
def test_an_administrator_grants_every_role_and_the_log_says_whose(cast: Cast, role: Role) -> None:
    membership = grant(cast, cast.fang, role=role)
    entry = AuditEntry.objects.get(action="membership.grant")
    assert entry.detail == {
        "user": cast.users["bob"].pk, "unit": cast.units["CDC-A"].pk, "role": role.value, "from": "2022-07-20",
        "until": None,
    }  # fmt: skip
    assert (entry.actor_label, entry.area_path, entry.subject_id) == ("fang", cast.path(COUNTY_A), str(membership.pk))


def test_nobody_grants_to_himself(cast: Cast) -> None:
    for role in GRANTABLE:
        with pytest.raises(Refused):
            grant(cast, cast.fang, name="fang", role=role)
    assert Membership.objects.filter(user=cast.users["fang"]).count() == 1


def test_the_machinery_is_nobody(cast: Cast) -> None:
    with pytest.raises(Refused):
        grant(cast, cast.fang, role=Role.SYSTEM)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=cast.users["bob"], unit=cast.units["HQ"], role="system",
                                  area_id=cast.areas[CITY].id, area_path=cast.path(CITY), starts_on=TODAY)  # fmt: skip


@pytest.mark.parametrize("name", ["alice", "chen", "eva", "gao", "hu", "lin", "ma", "ning", "qiu", "dora"])
def test_nobody_but_an_administrator_grants(cast: Cast, name: str) -> None:
    with pytest.raises(Denied):
        grant(cast, cast.actors[name])
    with pytest.raises(Denied):
        services.membership_end(actor=cast.actors[name], membership=Membership.objects.get(user__username="bob"),
                                last_day=TODAY, at=AT)  # fmt: skip


def test_an_administrator_grants_in_his_own_areas_only(cast: Cast) -> None:
    here = county_administrator(cast)
    User.objects.filter(username="bob").update(area_path=cast.path(COUNTY_A))
    cast.users["bob"].refresh_from_db()
    assert grant(cast, here)
    for area in (COUNTY_B, CITY, None):
        with pytest.raises(Denied):
            grant(cast, here, area=area)
    with pytest.raises(Denied):  # an account of the city
        grant(cast, here, name="alice")


def test_nobody_is_put_into_a_unit_of_another_place(cast: Cast) -> None:
    here = county_administrator(cast)
    User.objects.filter(username="bob").update(area_path=cast.path(COUNTY_A))
    cast.users["bob"].refresh_from_db()
    for unit in ("CDC-B", "LAB"):  # the next county's, the city's
        with pytest.raises(Denied):
            grant(cast, here, unit=cast.units[unit])
    assert Membership.objects.filter(user=cast.users["bob"]).count() == 1
    assert AuditEntry.objects.filter(action="denied", area_path=cast.path(COUNTY_B)).exists()
    assert grant(cast, here, unit=cast.units["HOSPITAL-A"]).unit == cast.units["HOSPITAL-A"]
    assert grant(cast, cast.fang, unit=cast.units["CDC-B"]).unit == cast.units["CDC-B"]


def test_grants_that_make_no_sense(cast: Cast) -> None:
    with pytest.raises(BadInput):
        grant(cast, cast.fang, ends_on=TODAY - timedelta(days=1))
    with pytest.raises(BadInput):
        grant(cast, cast.fang, area="999999")
    grant(cast, cast.fang)
    with pytest.raises(Conflict):
        grant(cast, cast.fang)


def test_an_end_is_brought_forward_and_never_put_back(cast: Cast) -> None:
    membership = grant(cast, cast.fang)
    services.membership_end(actor=cast.fang, membership=membership, last_day=TODAY + timedelta(days=9), at=AT)
    services.membership_end(actor=cast.fang, membership=membership, last_day=TODAY, at=AT)
    with pytest.raises(Refused):
        services.membership_end(actor=cast.fang, membership=membership, last_day=TODAY + timedelta(days=1), at=AT)
    membership.refresh_from_db()
    assert membership.ends_on == TODAY
    tomorrow = selectors.actor_for(cast.users["bob"], AT + timedelta(days=1))
    assert not tomorrow.may(Permission.IDENTITY_OPEN, cast.path(COUNTY_A))


def test_everywhere_is_a_place_without_an_area(cast: Cast) -> None:
    first = services.unit_create(actor=selectors.INSTALLER, code="ALL", name_zh="安装", name_en="Installation",
                                 kind="department", area=None, at=AT)  # fmt: skip
    services.membership_grant(actor=selectors.INSTALLER, user=cast.users["bob"], unit=first, role=Role.ADMINISTRATOR,
                              area=None, starts_on=TODAY, at=AT)  # fmt: skip
    assert selectors.actor_for(cast.users["bob"], AT).may(Permission.USER_MANAGE, "/")
    for model in (Unit, Membership):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.filter(area=None).update(area_path=cast.path(CITY))
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.exclude(area=None).update(area_path="/")


# --- units, task forces, duty -----------------------------------------------------------------------------------


def test_units_are_made_where_one_manages_them(cast: Cast) -> None:
    def create(actor: Actor, code: str, area: str) -> Unit:
        return services.unit_create(actor=actor, code=code, name_zh="演示", name_en="Demo", kind="cdc", area=area,
                                    at=AT)  # fmt: skip

    assert create(cast.fang, "NEW", COUNTY_B).area_path == cast.path(COUNTY_B)
    assert create(cast.ma, "NEW-2", CITY)
    for actor in (cast.alice, cast.dora, cast.eva, cast.lin, cast.qiu):
        with pytest.raises(Denied):
            create(actor, "NEW-3", COUNTY_A)
    with pytest.raises(Denied):
        create(county_administrator(cast), "NEW-3", COUNTY_B)
    with pytest.raises(Conflict):
        create(cast.fang, "NEW", COUNTY_B)
    with pytest.raises(BadInput):
        create(cast.fang, "NEW-3", "000000")
    with pytest.raises(BadInput):
        services.unit_create(actor=cast.fang, code="X", name_zh="", name_en="", kind="club", area=CITY, at=AT)


def test_units_and_memberships_are_seen_in_ones_own_areas(cast: Cast) -> None:
    assert {unit.code for unit in selectors.list_units(cast.alice)} == {"CDC-A", "HOSPITAL-A", "SITE-A", "COMMUNITY-A1"}
    assert {unit.code for unit in selectors.list_units(cast.ma, kind="cdc")} == {"CDC-A", "CDC-B"}
    below = selectors.list_units(cast.ma, below=cast.path(VILLAGE_A1))
    assert [unit.code for unit in below] == ["COMMUNITY-A1"]
    assert selectors.access_unit(cast.dora, "CDC-B")
    for actor in (cast.dora, Actor(None, None, ())):
        with pytest.raises(Absent):
            selectors.access_unit(actor, "CDC-A")
    with pytest.raises(Absent):
        selectors.access_unit(cast.dora, "NO-SUCH-UNIT")
    mine = Membership.objects.get(user__username="alice")
    assert selectors.access_membership(cast.alice, mine.pk) == mine
    with pytest.raises(Absent):
        selectors.access_membership(cast.dora, mine.pk)
    assert selectors.list_memberships(cast.ma, day=date(2021, 12, 31)).count() == 0
    assert selectors.list_memberships(cast.ma, day=TODAY).count() == len(cast.users)


def open_force(cast: Cast, actor: Actor, area: str = COUNTY_A) -> TaskForce:
    return services.task_force_open(actor=actor, name_zh="流调专班", name_en="Tracing team", purpose="contact tracing",
                                    lead_unit=cast.units["CDC-A"], area=area, starts_on=TODAY, at=AT)  # fmt: skip


def test_a_task_force_is_opened_joined_and_closed(cast: Cast) -> None:
    force = open_force(cast, cast.fang)
    add: Callable[[str], object] = lambda name: services.task_force_member_add(  # noqa: E731
        actor=cast.fang, task_force=force, user=cast.users[name], unit=cast.units["CDC-A"], function="calls", at=AT
    )
    add("bob")
    with pytest.raises(Conflict):
        add("bob")
    assert selectors.actor_for(cast.users["bob"], AT).grants == cast.bob.grants  # it gives no right
    user_disable(actor=cast.fang, user=cast.users["ning"], at=AT)
    with pytest.raises(Refused):
        add("ning")
    assert list(selectors.list_task_forces(cast.alice, day=TODAY)) == [force]
    assert selectors.access_task_force(cast.alice, force.pk) == force
    with pytest.raises(Absent):
        selectors.access_task_force(cast.dora, force.pk)
    with pytest.raises(BadInput):
        services.task_force_close(actor=cast.fang, task_force=force, last_day=TODAY - timedelta(days=1), at=AT)
    services.task_force_close(actor=cast.fang, task_force=force, last_day=TODAY, at=AT)
    with pytest.raises(Refused):
        services.task_force_close(actor=cast.fang, task_force=force, last_day=TODAY, at=AT)
    with pytest.raises(Refused):
        add("alice")
    assert not selectors.list_task_forces(cast.alice, day=TODAY + timedelta(days=1)).exists()


def test_task_forces_are_the_managements(cast: Cast) -> None:
    with pytest.raises(Denied):
        open_force(cast, cast.alice)
    with pytest.raises(Denied):
        open_force(cast, county_administrator(cast), area=COUNTY_B)
    for actor in (cast.dora, cast.bob, cast.qiu, cast.eva, Actor(None, None, ())):
        with pytest.raises(Denied):
            open_force(cast, actor)
    assert not TaskForce.objects.exists()
    assert AuditEntry.objects.filter(action="denied", detail={"action": "task_force.open"}).count() == 7
    mine = open_force(cast, county_administrator(cast))
    assert (mine.area_path, mine.lead_unit) == (cast.path(COUNTY_A), cast.units["CDC-A"])
    assert AuditEntry.objects.get(action="task_force.open").detail == {"lead_unit": cast.units["CDC-A"].pk}
    with pytest.raises(BadInput):
        open_force(cast, cast.fang, area="999999")
    force = open_force(cast, cast.ma)
    with pytest.raises(Denied):
        services.task_force_close(actor=cast.alice, task_force=force, last_day=TODAY, at=AT)
    with pytest.raises(Denied):
        services.task_force_member_add(actor=cast.alice, task_force=force, user=cast.users["bob"],
                                       unit=cast.units["CDC-A"], function="calls", at=AT)  # fmt: skip


def test_who_is_on_duty(cast: Cast) -> None:
    def assign(actor: Actor, name: str, start: datetime, hours: int = 8) -> Duty:
        return services.duty_assign(actor=actor, unit=cast.units["CDC-A"], user=cast.users[name], starts_at=start,
                                    ends_at=start + timedelta(hours=hours), at=AT)  # fmt: skip

    duty = assign(cast.fang, "alice", AT)
    assert list(selectors.who_is_on_duty(cast.bob, at=AT)) == []  # a unit of the county, seen from a township
    assert list(selectors.who_is_on_duty(cast.ning, at=AT)) == [duty]
    assert list(selectors.who_is_on_duty(cast.ma, at=AT, below=cast.path(COUNTY_A))) == [duty]
    assert not selectors.who_is_on_duty(cast.dora, at=AT).exists()
    assert not selectors.who_is_on_duty(cast.ning, at=AT + timedelta(hours=8)).exists()
    with pytest.raises(Refused):
        assign(cast.fang, "alice", AT + timedelta(hours=7))
    assign(cast.fang, "alice", AT + timedelta(hours=8))
    with pytest.raises(BadInput):
        assign(cast.fang, "bob", AT, hours=0)
    with pytest.raises(Denied):
        assign(cast.alice, "bob", AT)
    user_disable(actor=cast.fang, user=cast.users["alice"], at=AT)
    assert not selectors.who_is_on_duty(cast.ning, at=AT).exists()
    with pytest.raises(Refused):
        assign(cast.fang, "alice", AT + timedelta(days=2))


def test_duty_is_assigned_where_one_manages_units(cast: Cast) -> None:
    def assign(actor: Actor, unit: str) -> Duty:
        return services.duty_assign(actor=actor, unit=cast.units[unit], user=cast.users["bob"], starts_at=AT,
                                    ends_at=AT + timedelta(hours=8), at=AT)  # fmt: skip

    here = county_administrator(cast)
    for actor, unit in ((here, "CDC-B"), (here, "HQ"), (cast.dora, "CDC-B"), (cast.qiu, "CDC-A")):
        with pytest.raises(Denied):
            assign(actor, unit)
    assert not Duty.objects.exists()
    assert AuditEntry.objects.filter(action="denied", detail={"action": "duty.assign"}).count() == 4
    duty = assign(here, "CDC-A")
    assert (duty.unit, duty.user) == (cast.units["CDC-A"], cast.users["bob"])
    assert assign(cast.ma, "CDC-B")
    assert AuditEntry.objects.filter(action="duty.assign").count() == 2
