"""The standing cast of the tests: a small piece of Sanmenxia, its units, eleven roles, a few synthetic people.

    city 411200
      county A 411202
        township A1 411202001   village 411202001001   grid cells -01 and -02
        township A2 411202002   village 411202002001   grid cell -01
      county B 411203
        township B1 411203100   village 411203100201   grid cell -01

Alice (epidemiologist), Gao (site manager), Ning (clinician) and Qiu (supervisor) work in county A, Bob (tracer) in
township A1, Chen (grid worker) in the village of A1. Dora is the epidemiologist of county B, the denied side.
Eva (auditor), Fang (administrator), Hu (laboratory), Lin (privacy officer) and Ma (command) work for the city.

The people are known to the source "cast" by their names (`resolve_persons(["xia"], source="cast")`), with synthetic
identities in the vault.

`build()` writes it with a handful of queries, past the services (their own tests are elsewhere), and answers
with a `Cast`. It imports no pytest: scripts and benchmarks may use it too.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from qipan.foundation.access.models import User
from qipan.rooms.geography.rules import NewArea
from qipan.rooms.geography.selectors import AreaRef, areas_by_code
from qipan.rooms.geography.services import areas_write, plan_areas
from qipan.rooms.organizations.models import Membership, Unit
from qipan.rooms.organizations.selectors import actor_for
from qipan.rooms.persons.services import CheckedPerson, DocumentKind, Identity, PlacedPerson, persons_write
from qipan.terms.areas import AreaLevel
from qipan.terms.roles import Actor, Role

#: Noon of the demonstration's first day, local time.
AT = datetime(2022, 7, 20, 4, tzinfo=UTC)
TODAY = date(2022, 7, 20)

PROVINCE, CITY = "410000", "411200"
COUNTY_A, COUNTY_B = "411202", "411203"
TOWNSHIP_A1, TOWNSHIP_A2, TOWNSHIP_B1 = "411202001", "411202002", "411203100"
VILLAGE_A1, VILLAGE_A2, VILLAGE_B1 = "411202001001", "411202002001", "411203100201"
GRID_A1, GRID_A1_2, GRID_A2, GRID_B1 = (
    "411202001001-01", "411202001001-02", "411202002001-01", "411203100201-01",
)  # fmt: skip

_L = AreaLevel
AREAS = [
    NewArea(PROVINCE, "", _L.PROVINCE, "河南省", "Henan"),
    NewArea(CITY, PROVINCE, _L.CITY, "三门峡市", "Sanmenxia", 2034872),
    NewArea(COUNTY_A, CITY, _L.COUNTY, "湖滨区", "Hubin District", 284641),
    NewArea(COUNTY_B, CITY, _L.COUNTY, "陕州区", "Shanzhou District", 288538),
    NewArea(TOWNSHIP_A1, COUNTY_A, _L.TOWNSHIP, "湖滨街道", "Hubin Subdistrict"),
    NewArea(TOWNSHIP_A2, COUNTY_A, _L.TOWNSHIP, "前进街道", "Qianjin Subdistrict"),
    NewArea(TOWNSHIP_B1, COUNTY_B, _L.TOWNSHIP, "大营镇", "Daying Town"),
    NewArea(VILLAGE_A1, TOWNSHIP_A1, _L.VILLAGE, "演示·第一社区", "Demonstration Community 1"),
    NewArea(VILLAGE_A2, TOWNSHIP_A2, _L.VILLAGE, "演示·第二社区", "Demonstration Community 2"),
    NewArea(VILLAGE_B1, TOWNSHIP_B1, _L.VILLAGE, "演示·第一村", "Demonstration Village 1"),
    NewArea(GRID_A1, VILLAGE_A1, _L.GRID, "演示·网格01", "Demonstration Cell 01"),
    NewArea(GRID_A1_2, VILLAGE_A1, _L.GRID, "演示·网格02", "Demonstration Cell 02"),
    NewArea(GRID_A2, VILLAGE_A2, _L.GRID, "演示·网格01", "Demonstration Cell 01"),
    NewArea(GRID_B1, VILLAGE_B1, _L.GRID, "演示·网格01", "Demonstration Cell 01"),
]

#: code, name_zh, name_en, kind, area
UNITS = [
    ("HQ", "演示·市指挥部", "Demonstration City Headquarters", "headquarters", CITY),
    ("OPS", "演示·信息中心", "Demonstration Information Centre", "department", CITY),
    ("CDC-A", "演示·湖滨区疾控中心", "Demonstration Hubin CDC", "cdc", COUNTY_A),
    ("CDC-B", "演示·陕州区疾控中心", "Demonstration Shanzhou CDC", "cdc", COUNTY_B),
    ("HOSPITAL-A", "演示·湖滨医院", "Demonstration Hubin Hospital", "hospital", COUNTY_A),
    ("LAB", "演示·市检测中心", "Demonstration City Laboratory", "laboratory", CITY),
    ("SITE-A", "演示·湖滨隔离点", "Demonstration Hubin Quarantine Site", "quarantine_site", COUNTY_A),
    ("COMMUNITY-A1", "演示·第一社区居委会", "Demonstration Community Committee 1", "community", VILLAGE_A1),
]

#: username, role, area of the role, unit
PEOPLE = [
    ("alice", Role.EPIDEMIOLOGIST, COUNTY_A, "CDC-A"),
    ("bob", Role.TRACER, TOWNSHIP_A1, "CDC-A"),
    ("chen", Role.GRID_WORKER, VILLAGE_A1, "COMMUNITY-A1"),
    ("dora", Role.EPIDEMIOLOGIST, COUNTY_B, "CDC-B"),
    ("eva", Role.AUDITOR, CITY, "HQ"),
    ("fang", Role.ADMINISTRATOR, CITY, "OPS"),
    ("gao", Role.SITE_MANAGER, COUNTY_A, "SITE-A"),
    ("hu", Role.LABORATORY, CITY, "LAB"),
    ("lin", Role.PRIVACY_OFFICER, CITY, "HQ"),
    ("ma", Role.COMMAND, CITY, "HQ"),
    ("ning", Role.CLINICIAN, COUNTY_A, "HOSPITAL-A"),
    ("qiu", Role.SUPERVISOR, COUNTY_A, "HQ"),
]

#: name here, grid cell, birth year, sex: Xia and Yun share a home in A1, Zhu lives in A2, Tao in B1
RESIDENTS = [
    ("xia", GRID_A1, 1980, "female"),
    ("yun", GRID_A1, 2012, "male"),
    ("wei", GRID_A1_2, 1955, "male"),
    ("zhu", GRID_A2, 1990, "female"),
    ("tao", GRID_B1, 1985, "male"),
]


@dataclass(frozen=True)
class Cast:
    """Everything by name: `cast.alice` is an actor, `cast.xia` a person's id."""

    areas: dict[str, AreaRef]
    units: dict[str, Unit]
    users: dict[str, User]
    actors: dict[str, Actor]
    persons: dict[str, int] = field(default_factory=dict)

    def path(self, code: str) -> str:
        """The path of an area of the cast."""
        return self.areas[code].path

    @property
    def alice(self) -> Actor:
        return self.actors["alice"]

    @property
    def bob(self) -> Actor:
        return self.actors["bob"]

    @property
    def chen(self) -> Actor:
        return self.actors["chen"]

    @property
    def dora(self) -> Actor:
        return self.actors["dora"]

    @property
    def eva(self) -> Actor:
        return self.actors["eva"]

    @property
    def fang(self) -> Actor:
        return self.actors["fang"]

    @property
    def gao(self) -> Actor:
        return self.actors["gao"]

    @property
    def hu(self) -> Actor:
        return self.actors["hu"]

    @property
    def lin(self) -> Actor:
        return self.actors["lin"]

    @property
    def ma(self) -> Actor:
        return self.actors["ma"]

    @property
    def ning(self) -> Actor:
        return self.actors["ning"]

    @property
    def qiu(self) -> Actor:
        return self.actors["qiu"]

    @property
    def xia(self) -> int:
        return self.persons["xia"]

    @property
    def yun(self) -> int:
        return self.persons["yun"]

    @property
    def wei(self) -> int:
        return self.persons["wei"]

    @property
    def zhu(self) -> int:
        return self.persons["zhu"]

    @property
    def tao(self) -> int:
        return self.persons["tao"]


def build() -> Cast:
    """Write the cast into the database and answer with it."""
    placed, problems = plan_areas(AREAS)
    assert not problems, problems
    areas_write(placed)
    areas = areas_by_code([area.code for area in AREAS])
    units = {
        unit.code: unit
        for unit in Unit.objects.bulk_create(
            Unit(code=code, name_zh=zh, name_en=en, kind=kind, area_id=areas[area].id, area_path=areas[area].path)
            for code, zh, en, kind, area in UNITS
        )
    }
    city = areas[CITY].path
    users = {
        user.username: user
        for user in User.objects.bulk_create(
            # "!" is Django's mark of a password that nothing matches: the cast signs in nowhere
            User(username=name, display_name=name.capitalize(), password="!", created_at=AT, area_path=city)
            for name, *_ in PEOPLE
        )
    }
    Membership.objects.bulk_create(
        Membership(
            user=users[name],
            unit=units[unit],
            role=role.value,
            area_id=areas[area].id,
            area_path=areas[area].path,
            starts_on=date(2022, 1, 1),
        )
        for name, role, area, unit in PEOPLE
    )
    residents = [
        PlacedPerson(
            CheckedPerson(
                name,
                Identity(
                    name=f"演示·{name}",
                    document_kind=DocumentKind.SYNTHETIC,
                    document_number=f"SYN-CAST-{name.upper()}",
                    birth_date=date(year, 2, 3),
                    phone=f"0001234{number:04d}",
                    address=f"演示路{number}号",
                ),
                sex,
                year,
                "first-home" if name in ("xia", "yun") else "",
            ),
            areas[grid],
        )
        for number, (name, grid, year, sex) in enumerate(RESIDENTS)
    ]
    persons = persons_write(residents, source="cast", at=AT)
    return Cast(
        areas=areas,
        units=units,
        users=users,
        actors={name: actor_for(user, AT) for name, user in users.items()},
        persons={row[0]: person_id for row, person_id in zip(RESIDENTS, persons, strict=True)},
    )
