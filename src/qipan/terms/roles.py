"""Roles, permissions, and the one table that joins them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is entrusted with in an area; `SYSTEM` is the daily cycle itself, never a person."""

    COMMAND = "command"
    SUPERVISOR = "supervisor"
    EPIDEMIOLOGIST = "epidemiologist"
    TRACER = "tracer"
    GRID_WORKER = "grid_worker"
    SITE_MANAGER = "site_manager"
    CLINICIAN = "clinician"
    LABORATORY = "laboratory"
    PRIVACY_OFFICER = "privacy_officer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


class Permission(StrEnum):
    """One thing that can be done. No permission sets a health code: there is none to give."""

    AREA_VIEW = "area.view"
    AREA_LOAD = "area.load"
    UNIT_VIEW = "unit.view"
    UNIT_MANAGE = "unit.manage"
    USER_MANAGE = "user.manage"
    PERSON_VIEW = "person.view"
    PERSON_REGISTER = "person.register"
    PERSON_PURGE = "person.purge"
    IDENTITY_OPEN = "identity.open"
    IDENTITY_SEARCH = "identity.search"
    KEY_ROTATE = "key.rotate"
    EVIDENCE_VIEW = "evidence.view"
    EVIDENCE_RECORD = "evidence.record"
    EVIDENCE_VOID = "evidence.void"
    DECISION_VIEW = "decision.view"
    DECISION_RUN = "decision.run"
    REPLAY_RUN = "replay.run"
    ORDER_VIEW = "order.view"
    APPEAL_OPEN = "appeal.open"
    APPEAL_VIEW = "appeal.view"
    APPEAL_DECIDE = "appeal.decide"
    RULEBOOK_VIEW = "rulebook.view"
    RULEBOOK_PUBLISH = "rulebook.publish"
    CASE_VIEW = "case.view"
    CASE_EDIT = "case.edit"
    TEST_VIEW = "test.view"
    TEST_RECORD = "test.record"
    ROOM_VIEW = "room.view"
    ROOM_MANAGE = "room.manage"
    STAY_MANAGE = "stay.manage"
    VISIT_VIEW = "visit.view"
    VISIT_RECORD = "visit.record"
    INDICATOR_VIEW = "indicator.view"
    DAY_RUN = "day.run"
    BATCH_VIEW = "batch.view"
    BATCH_IMPORT = "batch.import"
    BATCH_VOID = "batch.void"
    AUDIT_VIEW = "audit.view"
    BACKUP_RUN = "backup.run"
    ROWS_EXPORT = "rows.export"
    TOKEN_MANAGE = "token.manage"  # noqa: S105 - a permission
    JOB_VIEW = "job.view"
    JOB_RUN = "job.run"


_EVERYONE = frozenset(set(Role) - {Role.SYSTEM})
_R = Role

#: permission -> the roles that hold it. Default deny: a permission that is missing here is held by nobody.
#: Administrators run the machine and hold no right over people; command sees figures and cannot open names.
ROLES_WITH: Mapping[Permission, frozenset[Role]] = {
    Permission.AREA_VIEW: _EVERYONE | {_R.SYSTEM},
    Permission.AREA_LOAD: frozenset({_R.ADMINISTRATOR, _R.SYSTEM}),
    Permission.UNIT_VIEW: _EVERYONE | {_R.SYSTEM},
    Permission.UNIT_MANAGE: frozenset({_R.ADMINISTRATOR, _R.COMMAND}),
    Permission.USER_MANAGE: frozenset({_R.ADMINISTRATOR}),
    Permission.PERSON_VIEW: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.SITE_MANAGER, _R.CLINICIAN, _R.LABORATORY,
         _R.PRIVACY_OFFICER, _R.SYSTEM}
    ),
    Permission.PERSON_REGISTER: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.CLINICIAN, _R.SYSTEM}
    ),
    Permission.PERSON_PURGE: frozenset({_R.PRIVACY_OFFICER}),
    Permission.IDENTITY_OPEN: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.SITE_MANAGER, _R.CLINICIAN, _R.PRIVACY_OFFICER}
    ),
    Permission.IDENTITY_SEARCH: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.CLINICIAN, _R.PRIVACY_OFFICER}
    ),
    Permission.KEY_ROTATE: frozenset({_R.ADMINISTRATOR}),
    Permission.EVIDENCE_VIEW: frozenset({_R.EPIDEMIOLOGIST, _R.TRACER, _R.CLINICIAN, _R.AUDITOR, _R.SYSTEM}),
    Permission.EVIDENCE_RECORD: frozenset({_R.EPIDEMIOLOGIST, _R.TRACER, _R.CLINICIAN, _R.SYSTEM}),
    Permission.EVIDENCE_VOID: frozenset({_R.EPIDEMIOLOGIST, _R.CLINICIAN, _R.SYSTEM}),
    Permission.DECISION_VIEW: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.SITE_MANAGER, _R.CLINICIAN, _R.AUDITOR, _R.SYSTEM}
    ),
    Permission.DECISION_RUN: frozenset({_R.EPIDEMIOLOGIST, _R.SYSTEM}),
    Permission.REPLAY_RUN: frozenset({_R.COMMAND, _R.EPIDEMIOLOGIST, _R.AUDITOR, _R.SYSTEM}),
    Permission.ORDER_VIEW: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.SITE_MANAGER, _R.CLINICIAN, _R.SUPERVISOR,
         _R.PRIVACY_OFFICER, _R.AUDITOR, _R.SYSTEM}
    ),
    Permission.APPEAL_OPEN: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.GRID_WORKER, _R.SITE_MANAGER, _R.CLINICIAN, _R.PRIVACY_OFFICER}
    ),
    Permission.APPEAL_VIEW: frozenset({_R.EPIDEMIOLOGIST, _R.SUPERVISOR, _R.PRIVACY_OFFICER, _R.AUDITOR, _R.SYSTEM}),
    Permission.APPEAL_DECIDE: frozenset({_R.EPIDEMIOLOGIST, _R.PRIVACY_OFFICER}),
    Permission.RULEBOOK_VIEW: _EVERYONE | {_R.SYSTEM},
    Permission.RULEBOOK_PUBLISH: frozenset({_R.ADMINISTRATOR}),
    Permission.CASE_VIEW: frozenset({_R.EPIDEMIOLOGIST, _R.TRACER, _R.CLINICIAN, _R.SYSTEM}),
    Permission.CASE_EDIT: frozenset({_R.EPIDEMIOLOGIST, _R.TRACER, _R.CLINICIAN, _R.SYSTEM}),
    Permission.TEST_VIEW: frozenset({_R.EPIDEMIOLOGIST, _R.CLINICIAN, _R.LABORATORY, _R.SYSTEM}),
    Permission.TEST_RECORD: frozenset({_R.LABORATORY, _R.CLINICIAN, _R.SYSTEM}),
    Permission.ROOM_VIEW: frozenset({_R.SITE_MANAGER, _R.COMMAND, _R.SUPERVISOR, _R.EPIDEMIOLOGIST, _R.SYSTEM}),
    Permission.ROOM_MANAGE: frozenset({_R.SITE_MANAGER, _R.SYSTEM}),
    Permission.STAY_MANAGE: frozenset({_R.SITE_MANAGER, _R.SYSTEM}),
    Permission.VISIT_VIEW: frozenset({_R.GRID_WORKER, _R.SUPERVISOR, _R.EPIDEMIOLOGIST, _R.SYSTEM}),
    Permission.VISIT_RECORD: frozenset({_R.GRID_WORKER, _R.SYSTEM}),
    Permission.INDICATOR_VIEW: _EVERYONE | {_R.SYSTEM},
    Permission.DAY_RUN: frozenset({_R.EPIDEMIOLOGIST, _R.ADMINISTRATOR, _R.SYSTEM}),
    Permission.BATCH_VIEW: _EVERYONE | {_R.SYSTEM},
    Permission.BATCH_IMPORT: frozenset(
        {_R.EPIDEMIOLOGIST, _R.TRACER, _R.LABORATORY, _R.SITE_MANAGER, _R.CLINICIAN, _R.ADMINISTRATOR,
         _R.SYSTEM}
    ),
    Permission.BATCH_VOID: frozenset(
        {_R.EPIDEMIOLOGIST, _R.LABORATORY, _R.SITE_MANAGER, _R.ADMINISTRATOR, _R.SYSTEM}
    ),
    Permission.AUDIT_VIEW: frozenset({_R.AUDITOR, _R.PRIVACY_OFFICER}),
    Permission.BACKUP_RUN: frozenset({_R.ADMINISTRATOR}),
    Permission.ROWS_EXPORT: frozenset(
        {_R.COMMAND, _R.SUPERVISOR, _R.EPIDEMIOLOGIST, _R.SITE_MANAGER, _R.LABORATORY, _R.PRIVACY_OFFICER, _R.AUDITOR,
         _R.SYSTEM}
    ),
    Permission.TOKEN_MANAGE: frozenset({_R.ADMINISTRATOR}),
    Permission.JOB_VIEW: frozenset({_R.ADMINISTRATOR, _R.AUDITOR, _R.SYSTEM}),
    Permission.JOB_RUN: frozenset({_R.ADMINISTRATOR, _R.EPIDEMIOLOGIST, _R.SYSTEM}),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held in one area and everything below it (`area_path` is a prefix, "/" is everywhere)."""

    role: Role
    area_path: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a frozen value built once at the edge, passed to every service and selector."""

    user_id: int | None
    unit_id: int | None
    grants: tuple[Grant, ...]
    label: str = ""
    #: narrowed to these permissions (a token's scope); None: all that the roles hold
    only: frozenset[Permission] | None = None

    def areas_for(self, permission: Permission) -> tuple[str, ...]:
        """The area-path prefixes in which this actor holds `permission` (empty: nowhere)."""
        if self.only is not None and permission not in self.only:
            return ()
        roles = ROLES_WITH.get(permission, frozenset())
        return tuple(sorted({g.area_path for g in self.grants if g.role in roles}))

    def may(self, permission: Permission, area_path: str) -> bool:
        """Whether `permission` is held at `area_path`."""
        return any(area_path.startswith(prefix) for prefix in self.areas_for(permission))


def narrowed(actor: Actor, *, only: frozenset[Permission], area_path: str) -> Actor:
    """The same actor with no more than these permissions, at and below one area: never more than he holds."""
    grants = []
    for grant in actor.grants:
        if grant.area_path.startswith(area_path):
            grants.append(grant)
        elif area_path.startswith(grant.area_path):
            grants.append(Grant(grant.role, area_path))
    kept = only if actor.only is None else only & actor.only
    return Actor(actor.user_id, actor.unit_id, tuple(grants), actor.label, kept)


#: The daily cycle and other machinery acting by itself, everywhere, under its own name in the log.
SYSTEM_ACTOR = Actor(user_id=None, unit_id=None, grants=(Grant(Role.SYSTEM, "/"),), label="system")
