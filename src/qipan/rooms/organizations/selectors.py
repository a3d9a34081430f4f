"""Who somebody is here: units, memberships, duty, and the actor that a user is at a moment."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet
from django.utils.translation import get_language

from qipan.foundation import clock
from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import scope, within
from qipan.foundation.access.selectors import list_users, managed_user
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import entries_about
from qipan.rooms.organizations.models import Duty, Membership, TaskForce, TaskForceMember, Unit
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Grant, Permission, Role

#: Whoever installs or mends the system at the machine itself: an administrator of no name, and the log says so.
INSTALLER = Actor(user_id=None, unit_id=None, grants=(Grant(Role.ADMINISTRATOR, "/"),), label="installer")


def local_day(at: datetime) -> date:
    """The local calendar day of an instant."""
    return clock.local_date(at, clock.civil_zone())


def _on(day: date) -> Q:
    return Q(starts_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gte=day))


def actor_for(user: User, at: datetime) -> Actor:
    """The actor that a user is at this moment: a grant for every membership of the local day.

    A disabled user holds no grant. Whether he is disabled is read here, not believed of the object passed in.
    """
    memberships = list(
        Membership.objects.filter(_on(local_day(at)), user_id=user.pk, user__is_active=True)
        .order_by("starts_on", "pk")
        .values_list("role", "area_path", "unit_id")
    )
    grants = tuple(dict.fromkeys(Grant(Role(role), path) for role, path, _ in memberships))
    return Actor(
        user_id=user.pk,
        unit_id=memberships[0][2] if memberships else None,
        grants=grants,
        label=user.username,
    )


def access_unit(actor: Actor, code: str) -> Unit:
    """The unit with this code, if this actor may see it; Absent otherwise."""
    unit = scope(Unit.objects.select_related("parent").filter(code=code), actor, Permission.UNIT_VIEW).first()
    if unit is None:
        raise Absent("unit")
    return unit


def unit_labels(ids: Collection[int]) -> dict[int, str]:
    """id -> name in the reader's language; one query. Not scoped: the names of offices are no secret."""
    chinese = (get_language() or "").startswith("zh")
    rows = Unit.objects.filter(pk__in=set(ids)).values_list("pk", "name_zh", "name_en")
    return {pk: zh if chinese else en or zh for pk, zh, en in rows}


def unit_by_code(code: str) -> Unit | None:
    """A unit by its code, for those who set accounts up; not scoped: granting asks for the right."""
    return Unit.objects.filter(code=code).first()


def units_nearest(area_path: str) -> list[Unit]:
    """The units that serve a place most closely (several where they share an area), by code. For those who
    set accounts up; not scoped.
    """
    units = [unit for unit in Unit.objects.order_by("code") if area_path.startswith(unit.area_path)]
    longest = max((len(unit.area_path) for unit in units), default=0)
    return [unit for unit in units if len(unit.area_path) == longest]


def administrator_exists() -> bool:
    """Whether anybody was ever made an administrator."""
    return Membership.objects.filter(role=Role.ADMINISTRATOR.value).exists()


def list_units(actor: Actor, below: str | None = None, kind: str | None = None) -> QuerySet[Unit]:
    """The units that this actor may see, by code; `below`: of this area and everything under it."""
    units = scope(Unit.objects.select_related("parent"), actor, Permission.UNIT_VIEW)
    if below is not None:
        units = units.filter(within(below))
    if kind is not None:
        units = units.filter(kind=Unit.Kind(kind))
    return units.order_by("code")


def with_member_count(units: QuerySet[Unit], day: date) -> QuerySet[Unit]:
    """Units with `members`: how many people hold a role in each on a day."""
    held = Q(memberships__starts_on__lte=day) & (Q(memberships__ends_on=None) | Q(memberships__ends_on__gte=day))
    return units.annotate(members=Count("memberships__user", filter=held, distinct=True))


def list_memberships(actor: Actor, *, day: date | None = None) -> QuerySet[Membership]:
    """The memberships that this actor may see (with `day`: those in force on it), with users and units."""
    memberships = scope(Membership.objects.select_related("user", "unit"), actor, Permission.UNIT_VIEW)
    if day is not None:
        memberships = memberships.filter(_on(day))
    return memberships.order_by("area_path", "role", "pk")


def access_membership(actor: Actor, membership_id: int) -> Membership:
    """One membership, if this actor may see it; Absent otherwise."""
    membership = list_memberships(actor).filter(pk=membership_id).first()
    if membership is None:
        raise Absent("membership")
    return membership


def list_task_forces(actor: Actor, *, day: date | None = None, below: str | None = None) -> QuerySet[TaskForce]:
    """The task forces that this actor may see; `day`: those at work on it, `below`: those of this area."""
    forces = scope(TaskForce.objects.select_related("lead_unit"), actor, Permission.UNIT_VIEW)
    if below is not None:
        forces = forces.filter(within(below))
    if day is not None:
        forces = forces.filter(_on(day))
    return forces.order_by("starts_on", "pk")


def list_task_force_members(actor: Actor, task_force_id: int) -> QuerySet[TaskForceMember]:
    """Who is in a task force, with users and units; Absent where the task force is not the actor's to see."""
    force = access_task_force(actor, task_force_id)
    return TaskForceMember.objects.filter(task_force=force).select_related("user", "unit").order_by("pk")


def access_task_force(actor: Actor, task_force_id: int) -> TaskForce:
    """One task force, if this actor may see it; Absent otherwise."""
    force = list_task_forces(actor).filter(pk=task_force_id).first()
    if force is None:
        raise Absent("task_force")
    return force


def who_is_on_duty(actor: Actor, *, at: datetime, below: str | None = None) -> QuerySet[Duty]:
    """Duties of this moment in the units that this actor may see, with units and users. Closed accounts are
    left out: nobody is reached through them.
    """
    duties = scope(Duty.objects.select_related("unit", "user"), actor, Permission.UNIT_VIEW, field="unit__area_path")
    if below is not None:
        duties = duties.filter(within(below, "unit__area_path"))
    return duties.filter(starts_at__lte=at, ends_at__gt=at, user__is_active=True).order_by("unit__code", "user_id")


def list_duties(actor: Actor, *, at: datetime, below: str | None = None) -> QuerySet[Duty]:
    """Duties of this moment and later, in the units that this actor may see, with units and users; without those
    of closed accounts.
    """
    duties = scope(Duty.objects.select_related("unit", "user"), actor, Permission.UNIT_VIEW, field="unit__area_path")
    if below is not None:
        duties = duties.filter(within(below, "unit__area_path"))
    return duties.filter(ends_at__gt=at, user__is_active=True).order_by("starts_at", "pk")


def list_accounts(actor: Actor, below: str | None = None) -> QuerySet[User]:
    """The accounts that this actor manages, by name; `below`: managed there or holding a role there."""
    users = list_users(actor)
    if below not in (None, "/"):
        holding = Membership.objects.filter(within(str(below))).values("user_id")
        users = users.filter(within(str(below)) | Q(pk__in=holding))
    return users.prefetch_related("memberships")


def colleagues(actor: Actor, *, day: date, below: str | None = None) -> QuerySet[User]:
    """Open accounts of people who hold a role on this day in a unit that this actor may see, by name."""
    held = scope(Membership.objects.filter(_on(day)), actor, Permission.UNIT_VIEW)
    if below is not None:
        held = held.filter(within(below))
    return User.objects.filter(pk__in=held.values("user_id"), is_active=True).order_by("username")


def managed_memberships(actor: Actor, user_id: int) -> QuerySet[Membership]:
    """All roles that an account ever held, newest first; Absent where this actor does not manage the account."""
    user = managed_user(actor, user_id)
    return Membership.objects.filter(user=user).select_related("unit").order_by("-starts_on", "-pk")


def managed_membership(actor: Actor, membership_id: int) -> Membership:
    """One role, with its user and unit; Absent unless this actor manages accounts in its area, and this account."""
    held = scope(Membership.objects.select_related("user", "unit"), actor, Permission.USER_MANAGE)
    membership = held.filter(pk=membership_id, user__in=list_users(actor)).first()
    if membership is None:
        raise Absent("membership")
    return membership


def account_history(actor: Actor, user_id: int) -> Sequence[AuditEntry]:
    """What was done to an account and its roles, newest first; Absent where this actor does not manage it."""
    memberships = managed_memberships(actor, user_id).values_list("pk", flat=True)
    entries = [*entries_about("user", [user_id]), *entries_about("membership", list(memberships))]
    return sorted(entries, key=lambda entry: -entry.seq)[:50]
