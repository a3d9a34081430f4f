"""Units, memberships, task forces and duty: every change by an administrator of the area, and logged."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.organizations.models import Duty, Membership, TaskForce, TaskForceMember, Unit
from qipan.terms.errors import BadInput, Conflict, Refused
from qipan.terms.roles import Actor, Permission, Role


def _place(area_code: str | None) -> tuple[int | None, str]:
    """(id, path) of an area; (None, "/") for everywhere. Raises BadInput for an unknown code."""
    return (None, "/") if area_code is None else _area(area_code)


def _area(area_code: str) -> tuple[int, str]:
    area = areas_by_code([area_code]).get(area_code)
    if area is None:
        raise BadInput("There is no area %(area)s.", area=area_code)
    return area.id, area.path


def unit_create(
    *,
    actor: Actor,
    code: str,
    name_zh: str,
    name_en: str,
    kind: str,
    area: str | None,
    at: datetime,
    parent: Unit | None = None,
) -> Unit:
    """Make a unit in an area (None: serving the whole installation). Raises Denied, BadInput, Conflict."""
    if kind not in Unit.Kind.values:
        raise BadInput("“%(kind)s” is not a kind of unit.", kind=kind)
    with audited(actor=actor, action="unit.create", at=at) as entry:
        area_id, path = _place(area)
        require(actor, Permission.UNIT_MANAGE, path)
        try:
            with transaction.atomic():
                unit = Unit.objects.create(
                    code=code, name_zh=name_zh, name_en=name_en, kind=kind, parent=parent, area_id=area_id,
                    area_path=path,
                )  # fmt: skip
        except IntegrityError:
            raise Conflict("There is already a unit %(code)s.", code=code) from None
        entry.about("unit", unit.pk, area_path=path, detail={"kind": kind})
    return unit


def membership_grant(
    *,
    actor: Actor,
    user: User,
    unit: Unit,
    role: Role,
    area: str | None,
    starts_on: date,
    at: datetime,
    ends_on: date | None = None,
) -> Membership:
    """Give a user a role in a unit, over an area and everything below it, from one local day to another.

    Nobody gives a role to himself, and the role of the machinery is given to nobody. Raises Denied (the actor
    manages no users there, at the user's account or at the unit), Refused, BadInput (area, days),
    Conflict (the same again).
    """
    with audited(actor=actor, action="membership.grant", at=at) as entry:
        area_id, path = _place(area)
        require(actor, Permission.USER_MANAGE, path)
        # managing an area does not reach accounts that are managed above it
        require(actor, Permission.USER_MANAGE, user.area_path)
        # nobody acts for a unit of another place because this place's administrator says so
        require(actor, Permission.USER_MANAGE, unit.area_path)
        if actor.user_id is not None and actor.user_id == user.pk:
            raise Refused("Nobody gives a role to himself: ask another administrator.")
        if Role(role) is Role.SYSTEM:
            raise Refused("The role of the daily cycle is given to nobody.")
        if ends_on is not None and ends_on < starts_on:
            raise BadInput("A membership cannot end before it starts.")
        try:
            with transaction.atomic():
                membership = Membership.objects.create(
                    user=user, unit=unit, role=Role(role).value, area_id=area_id, area_path=path,
                    starts_on=starts_on, ends_on=ends_on,
                )  # fmt: skip
        except IntegrityError:
            raise Conflict("%(name)s holds this role already.", name=user.username) from None
        entry.about(
            "membership",
            membership.pk,
            area_path=path,
            detail={
                "user": user.pk,
                "unit": unit.pk,
                "role": Role(role).value,
                "from": starts_on.isoformat(),
                "until": ends_on.isoformat() if ends_on else None,
            },
        )
    return membership


def membership_end(*, actor: Actor, membership: Membership, last_day: date, at: datetime) -> None:
    """Let a membership end with `last_day` (a day before its start: the start itself is the last).

    Ends can be brought forward, not put back: a longer role is a new grant. Raises Denied, Refused.
    """
    with audited(actor=actor, action="membership.end", at=at) as entry:
        require(actor, Permission.USER_MANAGE, membership.area_path)
        day = max(last_day, membership.starts_on)
        changed = (
            Membership.objects.filter(pk=membership.pk).filter(Q(ends_on=None) | Q(ends_on__gt=day)).update(ends_on=day)
        )
        if not changed:
            raise Refused("This membership has ended by then already.")
        membership.ends_on = day
        entry.about("membership", membership.pk, area_path=membership.area_path,
                    detail={"user": membership.user_id, "until": day.isoformat()})  # fmt: skip


def task_force_open(
    *,
    actor: Actor,
    name_zh: str,
    name_en: str,
    purpose: str,
    lead_unit: Unit,
    area: str,
    starts_on: date,
    at: datetime,
) -> TaskForce:
    """Open a temporary body for one purpose, led by a unit. Raises Denied, BadInput."""
    with audited(actor=actor, action="task_force.open", at=at) as entry:
        area_id, path = _area(area)
        require(actor, Permission.UNIT_MANAGE, path)
        if not purpose.strip():
            raise BadInput("A task force needs a purpose.")
        force = TaskForce.objects.create(
            name_zh=name_zh, name_en=name_en, purpose=purpose, lead_unit=lead_unit, area_id=area_id,
            area_path=path, starts_on=starts_on,
        )  # fmt: skip
        entry.about("task_force", force.pk, area_path=path, detail={"lead_unit": lead_unit.pk})
    return force


def task_force_member_add(
    *, actor: Actor, task_force: TaskForce, user: User, unit: Unit, function: str, at: datetime
) -> TaskForceMember:
    """Send somebody of a unit into a task force (it gives him no right). Raises Denied, Refused (closed, a
    closed account), Conflict (in it already).
    """
    with audited(actor=actor, action="task_force.member_add", at=at) as entry:
        require(actor, Permission.UNIT_MANAGE, task_force.area_path)
        if not TaskForce.objects.filter(pk=task_force.pk, ends_on=None).exists():
            raise Refused("This task force is closed.")
        if not User.objects.filter(pk=user.pk, is_active=True).exists():
            raise Refused("The account of %(name)s is closed.", name=user.username)
        try:
            with transaction.atomic():
                member = TaskForceMember.objects.create(task_force=task_force, user=user, unit=unit, function=function)
        except IntegrityError:
            raise Conflict("%(name)s is in this task force already.", name=user.username) from None
        entry.about("task_force", task_force.pk, area_path=task_force.area_path, detail={"user": user.pk})
    return member


def task_force_close(*, actor: Actor, task_force: TaskForce, last_day: date, at: datetime) -> None:
    """Close a task force with `last_day`. Raises Denied, BadInput (before its start), Refused (closed already)."""
    with audited(actor=actor, action="task_force.close", at=at) as entry:
        require(actor, Permission.UNIT_MANAGE, task_force.area_path)
        if last_day < task_force.starts_on:
            raise BadInput("A task force cannot end before it starts.")
        if not TaskForce.objects.filter(pk=task_force.pk, ends_on=None).update(ends_on=last_day):
            raise Refused("This task force is closed.")
        task_force.ends_on = last_day
        entry.about("task_force", task_force.pk, area_path=task_force.area_path)


def duty_assign(*, actor: Actor, unit: Unit, user: User, starts_at: datetime, ends_at: datetime, at: datetime) -> Duty:
    """Put a user on duty for a unit from one instant to another. Raises Denied, BadInput (the order of the
    instants), Refused (a closed account, nobody's duty twice at a time), Conflict.
    """
    with audited(actor=actor, action="duty.assign", at=at) as entry:
        require(actor, Permission.UNIT_MANAGE, unit.area_path)
        if ends_at <= starts_at:
            raise BadInput("A duty must end after it starts.")
        if not User.objects.filter(pk=user.pk, is_active=True).exists():
            raise Refused("The account of %(name)s is closed.", name=user.username)
        # locks the unit's row on PostgreSQL, so that two overlapping duties cannot pass the check at once
        Unit.objects.select_for_update().get(pk=unit.pk)
        if Duty.objects.filter(unit=unit, user=user, starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
            raise Refused("%(name)s is on duty for this unit at that time already.", name=user.username)
        duty = Duty.objects.create(unit=unit, user=user, starts_at=starts_at, ends_at=ends_at)
        entry.about("duty", duty.pk, area_path=unit.area_path, detail={"unit": unit.pk, "user": user.pk})
    return duty
