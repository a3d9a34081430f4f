"""The city that ``qipan bench pages`` opens pages of: made up, and written in bulk past the services.

Only what the decision machinery alone may write (decisions, orders) is written by it, from the facts made here.
Everything is visibly synthetic (演示, SYN). Identities are left out: no page opens one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from qipan.foundation.audit.chain import GENESIS, entry_hash
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.services import audited
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import indicators
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.writing import bulk_insert
from qipan.foundation.jobs.models import Job
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.selectors.ledger import persons_with_grounds
from qipan.rooms.control.services import appeal_open, decisions_refresh, evidence_key
from qipan.rooms.control.services.decisions import decide_now
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.rules import HOME_KINDS
from qipan.rooms.geography.rules import NewArea
from qipan.rooms.geography.selectors import AreaRef, areas_by_code
from qipan.rooms.geography.services import areas_write, plan_areas
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.organizations.models import Membership, Unit
from qipan.rooms.organizations.selectors import INSTALLER
from qipan.rooms.persons.models import Household, Person
from qipan.rooms.persons.services import personal_link_issue
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.rooms.quarantine.rules import CENTRAL_KINDS
from qipan.rooms.testing.models import TestResult
from qipan.rulebooks import book_text
from qipan.terms.areas import AreaLevel
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import Actor, Grant, Role

NOW = datetime(2022, 8, 18, 14, tzinfo=UTC)
COUNTY = "411202"
_TODAY = date(2022, 8, 18)
_BOOK = "covid19-cn-9"
_SOURCE = "bench"
_COUNTIES = ("411202", "411203", "411221", "411224", "411281", "411282")
#: user name, role, area of the role
READERS = (
    ("epidemiologist", Role.EPIDEMIOLOGIST, COUNTY),
    ("tracer", Role.TRACER, COUNTY),
    ("auditor", Role.AUDITOR, COUNTY),
    ("laboratory", Role.LABORATORY, COUNTY),
    ("site-manager", Role.SITE_MANAGER, COUNTY),
    ("command", Role.COMMAND, COUNTY),
    ("command-city", Role.COMMAND, "411200"),
)
#: what the log tells, and about what
_ACTIONS = (
    ("identity.open", "person"), ("visit.record", "person"), ("evidence.record", "evidence"), ("person.move", "person"),
    ("stay.begin", "stay"), ("decision.refresh", "disease"), ("session.begin", "user"), ("export", "list"),
)  # fmt: skip


class Made(NamedTuple):
    """What the pages are opened with."""

    person_id: int
    case_id: int
    order_id: int
    link: str


class World:
    """One city, written step by step; every step takes what the steps before it wrote."""

    def __init__(self, people: int, seed: int) -> None:
        self.people = people
        self.chance = np.random.Generator(np.random.PCG64(seed))
        self.system = Actor(None, None, (Grant(Role.SYSTEM, "/"),), "bench")
        self.doctor = Actor(None, None, (Grant(Role.EPIDEMIOLOGIST, "/"),), "bench")

    def build(self) -> Made:
        """Everything; the person, case and order of the single pages lie in the county of the readers."""
        self._areas()
        self._accounts()
        self._persons()
        self._log()
        rulebook_publish(actor=INSTALLER, text=book_text(_BOOK), area_path="/", at=NOW - timedelta(days=90))
        self._tests()
        self._cases()
        self._contacts()
        for days in (14, 7):
            self._decide(NOW - timedelta(days=days))
        self._visits()
        self._decide(NOW)
        decisions_refresh(actor=self.system, at=NOW)
        self._stays()
        self._desks()
        return self._single()

    # ------------------------------------------------------------------ where and who

    def _areas(self) -> None:
        level = AreaLevel
        rows = [
            NewArea("410000", "", level.PROVINCE, "演示省", "Demonstration Province"),
            NewArea("411200", "410000", level.CITY, "演示市", "Demonstration City", self.people),
        ]
        for county in _COUNTIES:
            rows.append(NewArea(county, "411200", level.COUNTY, f"演示区{county}", f"Demonstration County {county}"))
            for town in range(1, 11):
                township = f"{county}{town:03d}"
                rows.append(NewArea(township, county, level.TOWNSHIP, f"演示街道{town}", f"Demonstration Town {town}"))
                for number in range(1, 6):
                    village = f"{township}{number:03d}"
                    name = f"Demonstration Village {number}"
                    rows.append(NewArea(village, township, level.VILLAGE, f"演示社区{number}", name))
                    rows += [
                        NewArea(f"{village}-{cell:02d}", village, level.GRID, f"演示网格{cell}", f"Cell {cell}")
                        for cell in (1, 2)
                    ]
        placed, problems = plan_areas(rows)
        if problems:
            raise RuntimeError(f"areas: {problems[:3]}")
        areas_write(placed)
        self.areas: dict[str, AreaRef] = areas_by_code([row.code for row in rows])
        self.cells = [self.areas[row.code] for row in rows if row.level is level.GRID]

    def _accounts(self) -> None:
        from qipan.foundation.access.models import User

        units = Unit.objects.bulk_create(
            Unit(code=f"BENCH-{code}", name_zh=f"演示单位{code}", name_en=f"Demonstration Unit {code}", kind="cdc",
                 area_id=area.id, area_path=area.path)
            for code, area in self.areas.items() if len(code) in (6, 9)
        )  # fmt: skip
        city = self.areas["411200"]
        names = [name for name, *_ in READERS] + [f"demo{number:03d}" for number in range(300)]
        users = User.objects.bulk_create(
            User(username=name, display_name=name, password="!", created_at=NOW - timedelta(days=90),  # noqa: S106
                 area_path=city.path)
            for name in names
        )  # fmt: skip
        grants = [(role, self.areas[code]) for _, role, code in READERS]
        grants += [(Role.GRID_WORKER, self.cells[n % len(self.cells)]) for n in range(300)]
        Membership.objects.bulk_create(
            Membership(user=user, unit=units[n % len(units)], role=role.value, area_id=area.id, area_path=area.path,
                       starts_on=_TODAY - timedelta(days=80))
            for n, (user, (role, area)) in enumerate(zip(users, grants, strict=True))
        )  # fmt: skip

    def _persons(self) -> None:
        homes = -(-self.people // 3)
        where = self.chance.integers(0, len(self.cells), homes)
        bulk_insert(
            Household, ["id", "key", "area_id", "area_path"],
            ((n + 1, f"bench{n:011d}".encode(), self.cells[where[n]].id, self.cells[where[n]].path)
             for n in range(homes)),
        )  # fmt: skip
        years = self.chance.integers(1930, 2022, self.people)

        def rows() -> Iterator[tuple[Any, ...]]:
            for n in range(self.people):
                cell = self.cells[where[n // 3]]
                sex = ("female", "male")[n % 2]
                yield (n + 1, cell.id, cell.path, n // 3 + 1, int(years[n]), sex, True, NOW - timedelta(days=80))

        columns = ["id", "area_id", "area_path", "household_id", "birth_year", "sex", "synthetic", "registered_at"]
        bulk_insert(Person, columns, rows())
        _past_ids(Household, Person)
        self.where: list[int] = where.tolist()

    def path_of(self, person_id: int) -> str:
        """Where a person lives."""
        return self.cells[self.where[(person_id - 1) // 3]].path

    def somebody(self, size: int, *, once: bool = False) -> list[int]:
        """Ids of people by chance."""
        ids: list[int] = (self.chance.choice(self.people, size, replace=not once) + 1).tolist()
        return ids

    # ------------------------------------------------------------------ the log

    def _log(self) -> None:
        size = self.people
        about = self.somebody(size)
        kinds = self.chance.integers(0, len(_ACTIONS), size)
        step = timedelta(days=60) / size

        def rows() -> Iterator[tuple[Any, ...]]:
            before = GENESIS
            for n in range(size):
                action, kind = _ACTIONS[kinds[n]]
                opened = [about[n], about[n - 1]] if action == "identity.open" else []
                entry = {
                    "seq": n + 1, "at": NOW - timedelta(days=60) + n * step, "actor_user_id": n % 300 + 1,
                    "actor_unit_id": 1, "actor_label": f"demo{n % 300:03d}", "action": action, "subject_kind": kind,
                    "subject_id": str(about[n]), "area_path": self.path_of(about[n]), "purpose": "",
                    "detail": {"persons": opened} if opened else {"rows": 1}, "write_id": f"{n:032x}",
                }  # fmt: skip
                after = entry_hash(before, entry)
                yield (*entry.values(), before, after)
                before = after

        columns = ["seq", "at", "actor_user_id", "actor_unit_id", "actor_label", "action", "subject_kind", "subject_id",
                   "area_path", "purpose", "detail", "write_id", "prev_hash", "hash"]  # fmt: skip
        bulk_insert(AuditEntry, columns, rows())

    # ------------------------------------------------------------------ facts

    def _evidence(self, kind: EvidenceKind, rows: Iterator[tuple[Any, ...]]) -> None:
        """Rows: identity, person, linked person, when it was so, when it was learnt, value."""
        write_id = uuid4().hex
        bulk_insert(
            Evidence,
            ["key", "disease", "person_id", "linked_person_id", "kind", "at", "recorded_at", "value", "source",
             "recorded_unit", "write_id"],
            ((evidence_key(kind.value, _SOURCE, name), "covid19", person, linked, kind.value, at, learnt, value,
              _SOURCE, 1, write_id) for name, person, linked, at, learnt, value in rows),
        )  # fmt: skip

    def _tests(self) -> None:
        size = self.people
        persons = self.somebody(size)
        minutes = np.sort(self.chance.integers(0, 30 * 24 * 60, size)).tolist()
        positive = (self.chance.random(size) < 0.0005).tolist()
        start = NOW - timedelta(days=31)

        def outcome(n: int) -> str:
            return "positive" if positive[n] else "negative"

        def results() -> Iterator[tuple[Any, ...]]:
            for n in range(size):
                at = start + timedelta(minutes=minutes[n])
                yield (
                    _SOURCE, f"SYN{n:09d}", persons[n], f"T{n // 10:08d}", f"演示采样点{n % 90}", f"演示实验室{n % 7}",
                    "pcr", at, at + timedelta(hours=6 + n % 9), outcome(n), 31.5 if positive[n] else None, NOW,
                    evidence_key("test", _SOURCE, f"SYN{n:09d}"),
                )  # fmt: skip

        columns = ["source", "specimen_id", "person_id", "pool_id", "site", "laboratory", "method", "sampled_at",
                   "resulted_at", "result", "ct", "recorded_at", "evidence_key"]  # fmt: skip
        bulk_insert(TestResult, columns, results())
        self._evidence(
            EvidenceKind.TEST,
            (
                (f"SYN{n:09d}", persons[n], None, start + timedelta(minutes=minutes[n]),
                 start + timedelta(minutes=minutes[n], hours=6 + n % 9), {"result": outcome(n), "method": "pcr"})
                for n in range(size)
            ),
        )  # fmt: skip

    def _cases(self) -> None:
        size = max(6, self.people // 100)
        self.case_persons = self.somebody(size, once=True)
        self.reported = [_TODAY - timedelta(days=int(d)) for d in self.chance.integers(0, 25, size)]
        classes = self.chance.choice(["confirmed", "asymptomatic", "suspected", "discarded"], size,
                                     p=[0.5, 0.4, 0.05, 0.05]).tolist()  # fmt: skip

        def noon(n: int) -> datetime:
            return datetime(self.reported[n].year, self.reported[n].month, self.reported[n].day, 4, tzinfo=UTC)

        def rows() -> Iterator[tuple[Any, ...]]:
            for n, person in enumerate(self.case_persons):
                path = self.path_of(person)
                onset = self.reported[n] - timedelta(days=n % 4) if classes[n] == "confirmed" else None
                cell = self.areas[path.rstrip("/").rpartition("/")[2]]
                yield (
                    n + 1, _SOURCE, f"C{n:06d}", "covid19", person, classes[n], onset, self.reported[n], cell.id, path,
                    "unknown", f"C{n // 3:06d}" if n % 2 else "", noon(n), evidence_key("diagnosis", _SOURCE, f"C{n}"),
                )  # fmt: skip

        columns = ["id", "source", "case_id", "disease", "person_id", "classification", "onset_date", "report_date",
                   "area_id", "area_path", "outcome", "source_case_id", "recorded_at", "evidence_key"]  # fmt: skip
        bulk_insert(Case, columns, rows())
        _past_ids(Case)
        self._evidence(
            EvidenceKind.DIAGNOSIS,
            ((f"C{n}", person, None, noon(n), noon(n), {"classification": classes[n]})
             for n, person in enumerate(self.case_persons)),
        )  # fmt: skip

    def _contacts(self) -> None:
        size = max(12, self.people // 20)
        persons = self.somebody(size, once=True)
        cases = self.chance.integers(0, len(self.case_persons), size).tolist()
        classes = self.chance.choice(["close", "secondary", "general"], size, p=[0.3, 0.4, 0.3]).tolist()

        def seen(n: int) -> tuple[date, datetime]:
            day = self.reported[cases[n]]
            return day, min(datetime(day.year, day.month, day.day, 10, tzinfo=UTC) + timedelta(days=n % 2), NOW)

        def rows() -> Iterator[tuple[Any, ...]]:
            for n in range(size):
                day, at = seen(n)
                yield (
                    _SOURCE, cases[n] + 1, persons[n], classes[n], day - timedelta(days=1), day, "work", 30, at,
                    evidence_key("exposure", _SOURCE, f"K{n}"),
                )  # fmt: skip

        columns = ["source", "from_case_id", "person_id", "contact_class", "first_exposure", "last_exposure", "setting",
                   "minutes", "recorded_at", "evidence_key"]  # fmt: skip
        bulk_insert(Contact, columns, rows())

        def exposures() -> Iterator[tuple[Any, ...]]:
            for n in range(size):
                day, at = seen(n)
                value = {"first": (day - timedelta(days=1)).isoformat(), "last": day.isoformat(), "setting": "work",
                         "minutes": 30, "class": classes[n]}  # fmt: skip
                yield f"K{n}", persons[n], self.case_persons[cases[n]], at, at, value

        self._evidence(EvidenceKind.EXPOSURE, exposures())

    # ------------------------------------------------------------------ what follows from them

    def _decide(self, at: datetime) -> None:
        """The machinery decides everybody with grounds at a moment: decisions and orders, those before closed."""
        wanted = persons_with_grounds("covid19")
        for start in range(0, len(wanted), 5_000):
            with audited(actor=self.system, action="decision.refresh", at=at) as entry:
                lock_ledger()
                decide_now(wanted[start : start + 5_000], at=at, disease="covid19", write_id=entry.write_id)

    def _visits(self) -> None:
        orders = Order.objects.filter(kind__in=[kind.value for kind in HOME_KINDS]).order_by("pk")
        found: list[tuple[int, int, date]] = []
        for pk, person, first, last in orders.values_list("pk", "person_id", "starts_on", "until"):
            days = (min(last, _TODAY) - first).days + 1
            found += [(pk, person, first + timedelta(days=n)) for n in range(days)]
        found = found[: max(20, self.people // 10)]
        outcomes = self.chance.choice(["well", "not_found", "refused"], len(found), p=[0.95, 0.04, 0.01]).tolist()

        def at(day: date) -> datetime:
            return datetime(day.year, day.month, day.day, 2, tzinfo=UTC)

        columns = ["person_id", "area_path", "order_id", "due_on", "client_key", "outcome", "visited_at", "recorded_at",
                   "recorded_by", "evidence_key", "again_on", "passed_to"]  # fmt: skip
        bulk_insert(
            Visit, columns,
            (
                (person, self.path_of(person), order, day, f"bench-{n}", outcomes[n], at(day), at(day), 10,
                 evidence_key("follow_up", _SOURCE, f"V{n}"), None,
                 {"not_found": "tracer", "refused": "supervisor"}.get(outcomes[n], ""))
                for n, (order, person, day) in enumerate(found)
            ),
        )  # fmt: skip
        self._evidence(
            EvidenceKind.FOLLOW_UP,
            ((f"V{n}", person, None, at(day), at(day), {"outcome": outcomes[n]})
             for n, (_, person, day) in enumerate(found)),
        )  # fmt: skip

    def _stays(self) -> None:
        kinds = [kind.value for kind in CENTRAL_KINDS]
        orders = list(
            Order.objects.filter(kind__in=kinds).order_by("person_id", "-pk")
            .values_list("pk", "person_id", "starts_at", "closed_at")
        )  # fmt: skip
        sites = Site.objects.bulk_create(
            Site(name=f"演示隔离点{county}-{n}", area_id=self.areas[county].id, area_path=self.areas[county].path,
                 opened_at=NOW - timedelta(days=70))
            for county in _COUNTIES for n in (1, 2, 3)
        )  # fmt: skip
        # a room a person, so that no bed is given twice; as many again stand empty
        each = max(2, 2 * len({person for _, person, *_ in orders}) // len(sites))
        rooms = [(n * each + r + 1, site.pk, f"{r + 1:04d}") for n, site in enumerate(sites) for r in range(each)]
        bulk_insert(Room, ["id", "site_id", "number", "kind", "capacity", "held_for"],
                    ((*room, "single", 1, "") for room in rooms))  # fmt: skip
        _past_ids(Room)
        taken: set[int] = set()

        def rows() -> Iterator[tuple[Any, ...]]:
            beds = iter(self.chance.permutation(len(rooms)).tolist())
            for pk, person, starts_at, closed_at in orders:
                if person in taken or pk % 10 == 0:
                    continue  # the last order of each; one in ten has no room yet
                taken.add(person)
                arrived = min(starts_at + timedelta(hours=10), NOW - timedelta(hours=1))
                yield rooms[next(beds)][0], 1, person, pk, arrived, max(closed_at, arrived) if closed_at else None

        bulk_insert(Stay, ["room_id", "slot", "person_id", "order_id", "arrived_at", "departed_at"], rows())

    def _desks(self) -> None:
        """Appeals, imports, jobs, figures of every day."""
        home = self.areas[COUNTY].path
        orders = Order.objects.filter(closed_at=None, starts_at__lte=NOW, ends_at__gt=NOW, awaiting=False)
        near = orders.filter(person__area_path__startswith=home).order_by("pk").values_list("pk", flat=True)
        for pk in near[:60]:
            appeal_open(actor=self.doctor, order_id=pk, grounds="演示申诉", at=NOW)
        Batch.objects.bulk_create(
            Batch(kind="tests", source=_SOURCE, file_name=f"synthetic-{n}.csv", file_sha256=f"{n:064x}",
                  state="complete", declared=1000, accepted=990, rejected=10, created_at=NOW - timedelta(hours=n),
                  created_by=1 + n % 6, area_path=home)
            for n in range(max(10, self.people // 1000))
        )  # fmt: skip
        Job.objects.bulk_create(
            Job(kind="decision.refresh", state="done", run_after=NOW, created_at=NOW - timedelta(hours=n),
                finished_at=NOW - timedelta(hours=n), result={"decided": n})
            for n in range(max(10, self.people // 1000))
        )  # fmt: skip
        values = self.chance.integers(0, 100, 1000).tolist()
        wide = [(code, area.path) for code, area in self.areas.items() if len(code) <= 9]
        bulk_insert(
            IndicatorValue,
            ["indicator", "area_code", "area_path", "date", "numerator", "denominator", "computed_at"],
            (
                (indicator.id, code, path, _TODAY - timedelta(days=n), values[(n * 31 + k) % 1000],
                 100 if indicator.unit == "%" else None, NOW - timedelta(days=n))
                for indicator in indicators() for k, (code, path) in enumerate(wide) for n in range(30)
            ),
        )  # fmt: skip

    def _single(self) -> Made:
        home = self.areas[COUNTY].path
        order = Order.objects.filter(closed_at=None, person__area_path__startswith=home).order_by("-pk").first()
        case = Case.objects.filter(area_path__startswith=home).order_by("pk").first()
        if order is None or case is None:
            raise RuntimeError("nobody in the county is bound or ill: more people are needed")
        link = personal_link_issue(actor=self.doctor, person_id=order.person_id, at=NOW)
        return Made(order.person_id, case.pk, order.pk, link)


def _past_ids(*models: Any) -> None:
    """Let the database count on after ids that were written by hand."""
    from django.core.management.color import no_style
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)


