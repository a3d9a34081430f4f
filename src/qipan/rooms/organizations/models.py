"""Units, task forces, memberships and duty."""

from django.db import models
from django.db.models import F, Q

from qipan.foundation.access.fields import AreaPathField
from qipan.terms.roles import Role


class Unit(models.Model):
    """An office, centre, hospital, laboratory, site or community committee that can be responsible."""

    class Kind(models.TextChoices):
        HEADQUARTERS = "headquarters"
        DEPARTMENT = "department"
        CDC = "cdc"
        HOSPITAL = "hospital"
        LABORATORY = "laboratory"
        QUARANTINE_SITE = "quarantine_site"
        COMMUNITY = "community"

    code = models.CharField(max_length=40, unique=True)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    #: null: it serves the whole installation, of every area that is or will be loaded (path "/")
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, null=True, related_name="+")
    area_path = AreaPathField()

    class Meta:
        indexes = [models.Index(fields=["area_path"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(area=None, area_path="/") | (Q(area__isnull=False) & ~Q(area_path="/")),
                name="unit_area_and_path",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Membership(models.Model):
    """A person's role in a unit, over an area and everything below it, from one day to another."""

    class Roles(models.TextChoices):
        COMMAND = Role.COMMAND.value
        SUPERVISOR = Role.SUPERVISOR.value
        EPIDEMIOLOGIST = Role.EPIDEMIOLOGIST.value
        TRACER = Role.TRACER.value
        GRID_WORKER = Role.GRID_WORKER.value
        SITE_MANAGER = Role.SITE_MANAGER.value
        CLINICIAN = Role.CLINICIAN.value
        LABORATORY = Role.LABORATORY.value
        PRIVACY_OFFICER = Role.PRIVACY_OFFICER.value
        AUDITOR = Role.AUDITOR.value
        ADMINISTRATOR = Role.ADMINISTRATOR.value

    user = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="memberships")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Roles)
    #: null: everywhere (path "/"); the first administrator comes before the first area
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, null=True, related_name="+")
    area_path = AreaPathField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "unit", "role", "area_path", "starts_on"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(area=None, area_path="/") | (Q(area__isnull=False) & ~Q(area_path="/")),
                name="membership_area_and_path",
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="membership_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[r.value for r in Role if r is not Role.SYSTEM]), name="membership_role_known"
            ),
        ]


class TaskForce(models.Model):
    """A temporary body for one purpose: a lead unit, members, a start and an end."""

    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    purpose = models.CharField(max_length=200)
    lead_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="led_task_forces")
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)


class TaskForceMember(models.Model):
    task_force = models.ForeignKey(TaskForce, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    function = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task_force", "user"], name="task_force_member_once")]


class Duty(models.Model):
    """Who can be reached for a unit from one instant to another."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="duties")
    user = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="duty_ends_after_start"),
            models.UniqueConstraint(fields=["unit", "user", "starts_at"], name="duty_once"),
        ]
