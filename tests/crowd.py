"""A crowd in county A of the cast, in any number, for tests of how pages grow: so many of every kind of thing.

Everything hangs together where a page could ask once a row: all contacts are of one case, all results of one pool, one
person has a fact, a link, a case, a visit and an entry of the log for each number. Decisions and orders are the
machinery's own.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from qipan.foundation import crypto
from qipan.foundation.access.models import User
from qipan.foundation.audit.services import audited
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import indicators
from qipan.foundation.intake.models import Batch, Chunk, RejectedRow
from qipan.foundation.jobs.models import Job
from qipan.foundation.pages.models import SavedView
from qipan.rooms.control.models import Appeal, Evidence, Order
from qipan.rooms.control.services import appeal_open, evidence_key
from qipan.rooms.control.services.decisions import decide_now
from qipan.rooms.diseases.models import TableRow
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.geography.models import Area
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.organizations.models import Duty, Membership, TaskForce, TaskForceMember, Unit
from qipan.rooms.persons.models import Household, Person, PersonalLink
from qipan.rooms.persons.selectors import link_digest
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.rooms.testing.models import TestResult
from qipan.terms.evidence import EvidenceKind, OrderKind
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Grant, Role
from tests.cast import AT, CITY, COUNTY_A, GRID_A1, TODAY, VILLAGE_A1, Cast

_DAY = timedelta(days=1)
AT_HOME = (OrderKind.QUARANTINE_HOME.value, OrderKind.MONITOR_HOME.value)
_SYSTEM = Actor(None, None, (Grant(Role.SYSTEM, "/"),), "crowd")
TOKEN = "crowd-link-of-one-person"


@dataclass
class Crowd:
    """The things that single pages are opened with; they are of the first filling and grow with each."""

    cast: Cast
    size: int = 0
    person: int = 0
    case: int = 0
    site: int = 0
    room: int = 0

    def fill(self, size: int) -> None:
        """Add things until there are `size` of each kind."""
        first, self.size = self.size, size
        steps = (
            self._places, self._persons, self._facts, self._bound, self._follow, self._desks, self._organisation
        )  # fmt: skip
        for step in steps:
            step(range(first, size))

    # ------------------------------------------------------------------ steps

    def _places(self, numbers: range) -> None:
        village = Area.objects.get(code=VILLAGE_A1)
        Area.objects.bulk_create(
            Area(code=f"{VILLAGE_A1}-{100 + n}", parent=village, level="grid", name_zh=f"演示{n}", name_en=f"Cell {n}",
                 path=f"{village.path}{VILLAGE_A1}-{100 + n}/")
            for n in numbers
        )  # fmt: skip
        self.cells = list(Area.objects.filter(parent=village, code__gte=f"{VILLAGE_A1}-100").order_by("code"))

    def _persons(self, numbers: range) -> None:
        home, _new = Household.objects.get_or_create(
            key=b"crowd-household1",
            defaults={"area_id": self.cells[0].pk, "area_path": self.cells[0].path},
        )
        self.people = [
            *getattr(self, "people", ()),
            *Person.objects.bulk_create(
                Person(area=self.cells[n], area_path=self.cells[n].path, household=home, birth_year=1990, sex="female",
                       synthetic=True, registered_at=AT)
                for n in numbers
            ),
        ]  # fmt: skip
        if not self.person:
            self.person = self.people[0].pk
        PersonalLink.objects.bulk_create(
            PersonalLink(person_id=self.person, digest=link_digest(TOKEN if n == 0 else f"crowd-{n}"), issued_at=AT,
                         issued_by=self.cast.users["alice"], expires_at=AT + 10 * _DAY)
            for n in numbers
        )  # fmt: skip

    def _fact(self, kind: EvidenceKind, name: str, person: int, at: datetime, value: Any, **more: Any) -> Evidence:
        return Evidence(
            key=evidence_key(kind.value, "crowd", name), disease="covid19", person_id=person, kind=kind.value, at=at,
            recorded_at=at, value=value, source="crowd", write_id=self.write_id,
            recorded_by=self.cast.users["alice"].pk, recorded_unit=self.cast.units["CDC-A"].pk, **more,
        )  # fmt: skip

    def _facts(self, numbers: range) -> None:
        """A case each of one person's and of others', contacts of one case, results in one pool."""
        self.write_id = uuid4().hex
        self.batch = Batch.objects.filter(source="crowd").first() or Batch.objects.create(
            kind="tests", source="crowd", file_name="crowd.csv", file_sha256="0" * 64, state="complete", declared=0,
            created_at=AT - _DAY, completed_at=AT, created_by=self.cast.users["hu"].pk,
            area_path=self.cast.areas[CITY].path,
        )  # fmt: skip
        facts, cases, contacts, results = [], [], [], []
        at = AT - 2 * _DAY
        for n in numbers:
            ill, cell = (self.person if n % 2 else self.people[n].pk), self.cells[n]
            facts.append(self._fact(EvidenceKind.DIAGNOSIS, f"C{n}", ill, at, {"classification": "confirmed"}))
            cases.append(
                Case(source="crowd", case_id=f"C{n}", disease="covid19", person_id=ill, classification="confirmed",
                     onset_date=TODAY - 3 * _DAY, report_date=TODAY - 2 * _DAY, area=cell, area_path=cell.path,
                     source_case_id="C0" if n else "", recorded_at=at, evidence_key=facts[-1].key)
            )  # fmt: skip
        Case.objects.bulk_create(cases)
        self.case = self.case or cases[0].pk
        source = Case.objects.get(pk=self.case)
        for n in numbers:
            value = {"first": "2022-07-16", "last": "2022-07-18", "class": ("close", "secondary")[n % 2]}
            person = self.cast.xia if n < 2 else self.people[n].pk
            facts.append(
                self._fact(EvidenceKind.EXPOSURE, f"K{n}", person, at, value, linked_person_id=source.person_id)
            )
            contacts.append(
                Contact(source="crowd", from_case=source, person_id=person, contact_class=value["class"],
                        first_exposure=date(2022, 7, 16), last_exposure=date(2022, 7, 18), recorded_at=at,
                        evidence_key=facts[-1].key)
            )  # fmt: skip
            for who in (self.person, self.people[n].pk):
                name = f"S{n}-{len(results)}"
                facts.append(self._fact(EvidenceKind.TEST, name, who, at, {"result": "negative", "method": "pcr"}))
                results.append(
                    TestResult(source="crowd", specimen_id=name, person_id=who, pool_id="T1", method="pcr",
                               sampled_at=at, resulted_at=at, result="negative", recorded_at=at,
                               batch_id=self.batch.pk, evidence_key=facts[-1].key)
                )  # fmt: skip
        Contact.objects.bulk_create(contacts)
        TestResult.objects.bulk_create(results)
        Evidence.objects.bulk_create(facts)

    def _bound(self, numbers: range) -> None:
        """Orders by the machinery, each with an appeal."""
        wanted = sorted(Evidence.objects.values_list("person_id", flat=True).distinct())
        with audited(actor=_SYSTEM, action="decision.refresh", at=AT - _DAY) as entry:
            decide_now(wanted, at=AT - _DAY, disease="covid19", write_id=entry.write_id)
        self.orders = list(Order.objects.filter(closed_at=None).order_by("pk"))
        open_ = set(Appeal.objects.values_list("order_id", flat=True))
        for order in self.orders[: self.size]:
            if order.pk not in open_:
                appeal_open(actor=self.cast.alice, order_id=order.pk, grounds="made up", at=AT)

    def _follow(self, numbers: range) -> None:
        """Visits and stays, of one person and of others."""
        home = [o for o in self.orders if o.kind in AT_HOME]
        central = [o for o in self.orders if o not in home]
        Visit.objects.bulk_create(
            Visit(person_id=order.person_id, area_path=Person.objects.get(pk=order.person_id).area_path,
                  order_id=order.pk, due_on=TODAY, client_key=f"crowd-{n}", outcome="not_found", visited_at=AT,
                  recorded_at=AT, recorded_by=self.cast.users["chen"].pk, passed_to="tracer",
                  evidence_key=evidence_key("follow_up", "crowd", f"V{n}"))
            for n in numbers for order in [home[n % len(home)]]
        )  # fmt: skip
        county = Area.objects.get(code=COUNTY_A)
        sites = Site.objects.bulk_create(
            Site(name=f"Crowd {n}", area=county, area_path=county.path, opened_at=AT - 9 * _DAY) for n in numbers
        )
        self.site = self.site or sites[0].pk
        rooms = Room.objects.bulk_create(Room(site_id=self.site, number=f"{n:03d}", capacity=1) for n in numbers)
        self.room = self.room or rooms[0].pk
        taken = set(Stay.objects.values_list("person_id", flat=True))
        for n, room in zip(numbers, rooms, strict=True):
            left = AT - timedelta(hours=n + 1)
            Stay.objects.create(room=room, slot=1, person_id=self.person, order_id=central[0].pk,
                                arrived_at=left - timedelta(minutes=30), departed_at=left)  # fmt: skip
            guest = next((o for o in central if o.person_id not in taken and o.person_id != self.person), None)
            if guest is not None and n % 3:
                taken.add(guest.person_id)
                Stay.objects.create(room=room, slot=1, person_id=guest.person_id, order_id=guest.pk, arrived_at=AT)

    def _desks(self, numbers: range) -> None:
        """Batches, rejects, jobs, views, tables, figures; entries of the log about one person."""
        hu = self.cast.users["hu"].pk
        Batch.objects.bulk_create(
            Batch(kind="tests", source="crowd", file_name=f"{n}.csv", file_sha256=f"{n + 1:064x}", state="complete",
                  declared=1, accepted=1, created_at=AT, created_by=hu, area_path="/")
            for n in numbers
        )  # fmt: skip
        Chunk.objects.bulk_create(
            Chunk(batch=self.batch, number=n, accepted=1, rejected=1, duplicate=0, content_hash="0" * 64,
                  committed_at=AT)
            for n in numbers
        )  # fmt: skip
        RejectedRow.objects.bulk_create(
            RejectedRow(batch=self.batch, record=n, row=n, column="ct", reason="made up",
                        sealed=crypto.seal("rejects", b"{}", bound_to=b"crowd"))
            for n in numbers
        )  # fmt: skip
        Batch.objects.filter(pk=self.batch.pk).update(rejected=self.size, declared=self.size)
        alice = self.cast.users["alice"].pk
        county = self.cast.areas[COUNTY_A]
        asked = {"below": county.path, "books": ["covid19-cn-9"], "from": "2022-07-01", "to": "2022-07-10",
                 "disease": "covid19"}  # fmt: skip
        done = {"created_at": AT, "run_after": AT, "finished_at": AT, "state": "done"}
        Job.objects.bulk_create(
            Job(kind=kind, created_by=user, arguments={"by": user, **asked}, result={}, **done)
            for n in numbers
            for kind, user in (("replay.run", alice), ("decision.refresh", None), ("audit.verify", self.eva))
        )
        SavedView.objects.bulk_create(
            SavedView(user=self.cast.users["alice"], page="persons", name=f"view {n}", query="sex=female")
            for n in numbers
        )
        TableRow.objects.bulk_create(
            TableRow(disease="covid19", table="origin_risk", place=f"X{n}", level="high", starts_on=TODAY + 90 * _DAY,
                     author="crowd", source="made up", revision=n + 1, recorded_at=AT)
            for n in numbers
        )  # fmt: skip
        IndicatorValue.objects.bulk_create(
            IndicatorValue(indicator=indicator.id, area_code=COUNTY_A, area_path=county.path,
                           date=TODAY - n * _DAY, numerator=n, denominator=60, computed_at=AT)
            for indicator in indicators() for n in numbers
        )  # fmt: skip
        for n in numbers:
            with audited(actor=self.cast.alice, action="identity.open", at=AT, purpose="tracing") as entry:
                entry.about("person", self.person, area_path=self.cells[0].path, detail={"persons": [self.person, n]})

    @property
    def eva(self) -> int:
        """Who verifies the log."""
        return int(self.cast.users["eva"].pk)

    def _organisation(self, numbers: range) -> None:
        """Units, accounts with roles, task forces with members, duties."""
        county = Area.objects.get(code=COUNTY_A)
        city = self.cast.units["HQ"]
        units = Unit.objects.bulk_create(
            Unit(code=f"CROWD-{n}", name_zh=f"演示{n}", name_en=f"Crowd {n}", kind="community", parent=city,
                 area=county, area_path=county.path)
            for n in numbers
        )  # fmt: skip
        users = User.objects.bulk_create(
            User(username=f"crowd{n}", display_name=f"Crowd {n}", password="!", created_at=AT,
                 area_path=city.area_path)
            for n in numbers
        )  # fmt: skip
        common = {"role": "grid_worker", "area": county, "area_path": county.path}
        chen = self.cast.users["chen"]
        Membership.objects.bulk_create(
            Membership(user=user, unit=unit, starts_on=TODAY - _DAY, **common)
            for new, made in zip(users, units, strict=True)
            for user, unit in ((new, made), (chen, made), (new, self.cast.units["CDC-A"]))
        )
        forces = TaskForce.objects.bulk_create(
            TaskForce(name_zh=f"演示{n}", name_en=f"Crowd {n}", purpose="made up", lead_unit=units[0], area=county,
                      area_path=county.path, starts_on=TODAY - _DAY)
            for n in numbers
        )  # fmt: skip
        first = TaskForce.objects.order_by("pk").first() or forces[0]
        TaskForceMember.objects.bulk_create(
            TaskForceMember(task_force=first, user=user, unit=unit, function="made up")
            for user, unit in zip(users, units, strict=True)
        )
        Duty.objects.bulk_create(
            Duty(unit=unit, user=user, starts_at=AT - _DAY, ends_at=AT + _DAY)
            for user, made in zip(users, units, strict=True) for unit in (made, self.cast.units["CDC-A"])
        )  # fmt: skip

    def samples(self) -> dict[str, dict[str, Any]]:
        """What stands in the addresses: a value for each parameter, and by the name of a page what means more there."""

        def first(rows: Any, name: str = "pk") -> Any:
            return rows.order_by("pk").values_list(name, flat=True)[0]

        user, jobs = self.cast.users["chen"].pk, Job.objects.all()
        return {
            "": {
                "code": person_code(self.person), "order_id": self.orders[0].pk, "case_id": self.case,
                "evidence_id": self.orders[0].evidence_id, "appeal_id": first(Appeal.objects.all()),
                "site_id": self.site, "room_id": self.room, "stay_id": first(Stay.objects.filter(departed_at=None)),
                "visit_id": first(Visit.objects.all()), "result_id": first(TestResult.objects.all()),
                "link_id": first(PersonalLink.objects.all()), "batch_id": self.batch.pk, "user_id": user,
                "membership_id": first(Membership.objects.filter(user_id=user)), "username": "chen", "kind": "test",
                "task_force_id": first(TaskForce.objects.all()), "job_id": first(jobs.filter(kind="decision.refresh")),
                "rulebook": "covid19-cn-9", "indicator": "investigation.cases_reported", "seq": 3, "form": "csv",
                "chapter": "first-hour", "token": TOKEN, "token_id": 1,
            },
            "area": {"code": COUNTY_A},
            "field-cell": {"code": GRID_A1},
            "import-template": {"kind": "tests"},
            "job-start": {"kind": "audit.verify"},
            "replay": {"job_id": first(jobs.filter(kind="replay.run"))},
            "unit": {"code": "CDC-A"},
            "visit-record": {"order_id": next(order.pk for order in self.orders if order.kind in AT_HOME)},
        }
