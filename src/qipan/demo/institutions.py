"""The units, accounts, task force and duty of the demonstration city. All of them are made up and marked so.

Accounts have no password: nobody can sign in with one until an administrator sets it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from qipan.demo.layout import CITY, MARK, Layout
from qipan.foundation.access.selectors import access_user
from qipan.foundation.access.services import user_create
from qipan.rooms.geography.selectors import area_paths
from qipan.rooms.organizations.selectors import INSTALLER, actor_for
from qipan.rooms.organizations.services import (
    duty_assign,
    membership_grant,
    task_force_member_add,
    task_force_open,
    unit_create,
)
from qipan.terms.roles import Actor, Role

#: residents of one grid team's villages; a larger city has larger teams, at most about this many of them
_TEAM_PEOPLE, _TEAMS = 2_000, 60
_ON_DUTY = timedelta(days=31)

#: account, shown name, role, unit; all of them for the whole city
_CITY_POSTS = (
    ("demo-admin", "系统管理员", Role.ADMINISTRATOR, "OPS"),
    ("demo-command", "总指挥", Role.COMMAND, "HQ"),
    ("demo-supervisor", "督导员", Role.SUPERVISOR, "HQ"),
    ("demo-privacy", "隐私官", Role.PRIVACY_OFFICER, "HQ"),
    ("demo-auditor", "审计员", Role.AUDITOR, "HQ"),
    ("demo-epi", "市流调员", Role.EPIDEMIOLOGIST, "CDC"),
    ("demo-tracer", "市追踪员", Role.TRACER, "CDC"),
    ("demo-lab", "市检验员", Role.LABORATORY, "LAB"),
    ("demo-sites", "市隔离点总管", Role.SITE_MANAGER, "SITES"),
    ("demo-clinic", "市发热门诊医生", Role.CLINICIAN, "HOSPITAL"),
)
_CITY_UNITS = (
    ("HQ", "市疫情防控指挥部", "City Headquarters", "headquarters"),
    ("OPS", "市信息中心", "City Information Centre", "department"),
    ("CDC", "市疾控中心", "City CDC", "cdc"),
    ("LAB", "市核酸检测中心", "City Laboratory", "laboratory"),
    ("SITES", "市集中隔离工作专班", "City Quarantine Office", "department"),
    ("HOSPITAL", "市中心医院", "City Hospital", "hospital"),
)
_COUNTY_UNITS = (
    ("CDC", "疾控中心", "CDC", "cdc", (("epi", Role.EPIDEMIOLOGIST), ("tracer", Role.TRACER))),
    ("HOSPITAL", "医院", "Hospital", "hospital", (("clinic", Role.CLINICIAN),)),
    ("SITE", "隔离点", "Quarantine Site", "quarantine_site", (("site", Role.SITE_MANAGER),)),
)


@dataclass(frozen=True, slots=True)
class Team:
    """A grid worker's account and the villages that he walks."""

    username: str
    villages: tuple[str, ...]


def teams(layout: Layout) -> tuple[Team, ...]:
    """Grid teams: neighbouring villages of one county, up to about two thousand people each (more in a large city)."""
    people = sum(village.size for village in layout.villages)
    size = max(_TEAM_PEOPLE, people // _TEAMS)
    found: list[list[str]] = []
    held, county = 0, -1
    for village in layout.villages:
        if not found or village.county != county or held >= size:
            found.append([])
            held, county = 0, village.county
        found[-1].append(village.area.code)
        held += village.size
    return tuple(Team(f"demo-grid-{number:02d}", tuple(codes)) for number, codes in enumerate(found, start=1))


def _units(layout: Layout) -> Iterator[tuple[str, str, str, str, str]]:
    """(code, zh, en, kind, area) of every unit."""
    for code, zh, en, kind in _CITY_UNITS:
        yield code, zh, en, kind, CITY
    for county in layout.counties:
        for prefix, zh, en, kind, _ in _COUNTY_UNITS:
            yield f"{prefix}-{county.code}", county.name_zh + zh, f"{county.name_en} {en}", kind, county.code


def institutions_build(layout: Layout, *, start: date, at: datetime) -> None:
    """Make units, accounts with their roles, a task force and duty, each through its service."""
    units: dict[str, Any] = {}
    users: dict[str, Any] = {}
    admin = INSTALLER
    paths = area_paths()
    since = start - timedelta(days=30)

    def appoint(username: str, shown: str, role: Role, unit: str, areas: tuple[str, ...]) -> None:
        users[username] = user_create(
            actor=admin, username=username, display_name=MARK + shown, area_path=paths[areas[0]], at=at
        )
        for area in areas:
            membership_grant(
                actor=admin, user=users[username], unit=units[unit], role=role, area=area, starts_on=since, at=at
            )

    for code, zh, en, kind, area in _units(layout):
        units[code] = unit_create(
            actor=admin, code=code, name_zh=MARK + zh, name_en=f"Demonstration {en}", kind=kind, area=area, at=at
        )
    for username, shown, role, unit in _CITY_POSTS:
        appoint(username, shown, role, unit, (CITY,))
    for county in layout.counties:
        for prefix, zh, _, _, posts in _COUNTY_UNITS:
            for post, role in posts:
                name = f"demo-{post}-{county.code}"
                appoint(name, f"{county.name_zh}{zh}", role, f"{prefix}-{county.code}", (county.code,))
    villages = {village.area.code: village.area for village in layout.villages}
    for team in teams(layout):
        first = villages[team.villages[0]]
        code = "COMMUNITY-" + team.username.rsplit("-", 1)[-1]
        units[code] = unit_create(
            actor=admin, code=code, name_zh=f"{first.name_zh}居委会", name_en=f"{first.name_en} Committee",
            kind="community", area=first.code, at=at,
        )  # fmt: skip
        appoint(team.username, f"网格员{team.username[-2:]}", Role.GRID_WORKER, code, team.villages)
    force = task_force_open(
        actor=admin, name_zh=f"{MARK}流调溯源专班", name_en="Demonstration Tracing Task Force",
        purpose="Demonstration: tracing and source finding", lead_unit=units["CDC"], area=CITY, starts_on=start, at=at,
    )  # fmt: skip
    for username, unit, function in (
        ("demo-epi", "CDC", "lead"), ("demo-tracer", "CDC", "tracing"), ("demo-supervisor", "HQ", "supervision"),
    ):  # fmt: skip
        task_force_member_add(
            actor=admin, task_force=force, user=users[username], unit=units[unit], function=function, at=at
        )
    for username, unit in (("demo-command", "HQ"), ("demo-epi", "CDC"), ("demo-clinic", "HOSPITAL")):
        duty_assign(
            actor=admin, unit=units[unit], user=users[username], starts_at=at, ends_at=at + _ON_DUTY, at=at
        )


class Posts:
    """Who acts: the actor behind an account of the demonstration, built once a moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._known: dict[str, Actor] = {}

    def __getitem__(self, username: str) -> Actor:
        """The actor of an account as of this moment. Raises Absent for an unknown one."""
        if username not in self._known:
            self._known[username] = actor_for(access_user(INSTALLER, username), self._at)
        return self._known[username]
