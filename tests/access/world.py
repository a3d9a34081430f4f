"""Two counties with one thing of every kind in each, on top of the standing cast.

Whatever can bear a name bears the county's mark, so that a mark in an answer says whose thing is shown there.
"""

import tempfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db.models import Model

from qipan.foundation import clock
from qipan.foundation.access.models import User
from qipan.foundation.access.services import user_create
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.http.tokens import token_create
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.running import FILE
from qipan.foundation.intake.services import file_import
from qipan.foundation.intake.uploads import upload_keep, upload_save
from qipan.foundation.jobs.services import job_add, job_cancel
from qipan.foundation.pages.imports.mapping import proposed
from qipan.foundation.pages.saved_views import view_save
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.services import appeal_open, replay_request
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.fieldwork.services import visit_record
from qipan.rooms.geography.selectors import AreaRef
from qipan.rooms.investigation.services import case_add, contact_add
from qipan.rooms.organizations.models import Membership
from qipan.rooms.organizations.selectors import actor_for
from qipan.rooms.organizations.services import duty_assign, task_force_member_add, task_force_open, unit_create
from qipan.rooms.persons.models import Person, PersonalLink
from qipan.rooms.persons.services import (
    CheckedPerson,
    DocumentKind,
    Identity,
    PlacedPerson,
    personal_link_issue,
    persons_write,
)
from qipan.rooms.quarantine.models import Room
from qipan.rooms.quarantine.services import NewRoom, room_take_out_of_use, rooms_add, site_close, site_open, stay_arrive
from qipan.rooms.testing.services import result_record
from qipan.rulebooks.loader import book_text
from qipan.terms.evidence import Classification, ContactClass, FollowUpOutcome, OrderKind, TestOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Grant, Permission, Role
from tests.cast import AT, CITY, COUNTY_A, COUNTY_B, GRID_A1, GRID_B1, TODAY, TOWNSHIP_A1, TOWNSHIP_A2, Cast, build

A, B = "A", "B"
MARKS = {A: "Yewmark", B: "Zolmark"}
BOOKS = ("covid19-cn-8", "covid19-cn-9", "covid19-cn-20")


@dataclass(frozen=True, slots=True)
class Thing:
    """What an address names: the value in it, where it lies, whose own it is (a user's id)."""

    value: Any
    area_path: str
    owner: int | None = None


@dataclass(slots=True)
class Place:
    """A county and what lies in it."""

    path: str
    grid: AreaRef
    mark: str
    things: dict[str, Thing] = field(default_factory=dict)
    #: what must not be seen by people of elsewhere
    markers: tuple[str, ...] = ()
    #: what the API is sent
    bodies: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """Everything: `world.places["A"].things["site"]`, `world.users["alice"]`, `world.actors["alice"]`."""

    cast: Cast
    places: dict[str, Place]
    users: dict[str, User]
    actors: dict[str, Actor]

    def foreign(self, name: str) -> list[str]:
        """The markers of the counties in which this caller holds nothing."""
        actor = self.actors.get(name)
        prefixes = [grant.area_path for grant in actor.grants] if actor else []
        return [
            marker
            for place in self.places.values()
            if not any(place.path.startswith(prefix) or prefix.startswith(place.path) for prefix in prefixes)
            for marker in place.markers
        ]


ROLES = tuple(role for role in Role if role is not Role.SYSTEM)
#: who acts beside the cast: name -> (role, area) held; the roles that the cast holds in the whole city once more in
#: county A alone; each role in county A with all of them in county B; roles in two places; none
EXTRA: dict[str, tuple[tuple[Role, str], ...]] = {
    "auditor-a": ((Role.AUDITOR, COUNTY_A),),
    "administrator-a": ((Role.ADMINISTRATOR, COUNTY_A),),
    "laboratory-a": ((Role.LABORATORY, COUNTY_A),),
    "privacy-a": ((Role.PRIVACY_OFFICER, COUNTY_A),),
    "command-a": ((Role.COMMAND, COUNTY_A),),
    "two-townships": ((Role.EPIDEMIOLOGIST, TOWNSHIP_A1), (Role.EPIDEMIOLOGIST, TOWNSHIP_A2)),
    **{f"{role}-a-all-b": ((role, COUNTY_A), *((other, COUNTY_B) for other in ROLES)) for role in ROLES},
    "auditor-of-all": ((Role.AUDITOR, ""),),
    "roleless": (),
}


def make() -> World:
    """Write it all into the database."""
    cast = build()
    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    for book in BOOKS:
        rulebook_publish(actor=root, text=book_text(book), area_path="/", at=AT)
    users = dict(cast.users)
    for name, roles in EXTRA.items():
        users[name] = User.objects.create(
            username=name, display_name=name, password="!", created_at=AT, area_path=cast.path(CITY), language="en"
        )
        for role, area in roles:
            Membership.objects.create(
                user=users[name], unit=cast.units["HQ"], role=role.value,
                area_id=cast.areas[area].id if area else None, area_path=cast.path(area) if area else "/",
                starts_on=date(2022, 1, 1),
            )  # fmt: skip
    world = World(cast, {}, users, {name: actor_for(user, AT) for name, user in users.items()})
    world.places[A] = _place(world, A, COUNTY_A, GRID_A1, "alice")
    world.places[B] = _place(world, B, COUNTY_B, GRID_B1, "dora")
    _guest(world)
    return world


def _guest(world: World) -> None:
    """Somebody of county B inside county A's site: the stay is the site's to see, the person is not."""
    here, there = world.places[A], world.places[B]
    gao = world.actors["gao"]
    order = Order.objects.get(pk=there.things["guest_order"].value)
    site = here.things["site"].value
    stay = stay_arrive(actor=gao, person_id=order.person_id, order_id=order.pk, at=AT, site_id=site)
    here.things["guest_stay"] = Thing(stay.pk, here.path)
    guest = person_code(order.person_id)
    there.things["guest"] = Thing(guest, there.path)
    there.markers = tuple(marker for marker in there.markers if marker != guest)


def _residents(world: World, place: Place, names: tuple[str, ...]) -> list[int]:
    """People with identities who live in the county's grid cell."""
    return persons_write(
        [
            PlacedPerson(
                CheckedPerson(
                    f"{place.mark}-{name}",
                    Identity(
                        name=f"{place.mark} {name}", document_kind=DocumentKind.SYNTHETIC,
                        document_number=f"SYN-{place.mark.upper()}-{name.upper()}", birth_date=date(1980, 2, 3),
                        phone=f"0009{len(place.mark) + ord(place.mark[0]):04d}{number:03d}",
                        address=f"{place.mark} 1",
                    ),
                    "female", 1980, "",
                ),
                place.grid,
            )
            for number, name in enumerate(names)
        ],
        source=f"register-{place.mark}", at=AT,
    )  # fmt: skip


def _place(world: World, key: str, county: str, grid: str, epidemiologist: str) -> Place:
    cast = world.cast
    own = world.actors[epidemiologist]
    path, mark = cast.path(county), MARKS[key]
    #: the whole county's offices in one hand: it builds
    all_roles = tuple(Grant(role, path) for role in Role if role is not Role.SYSTEM)
    hand = Actor(own.user_id, own.unit_id, all_roles, own.label)
    place = Place(path, cast.areas[grid], mark)
    things, home = place.things, cast.path(grid)

    def keep(name: str, row: Model | int | str, area_path: str = home, owner: int | None = None) -> None:
        things[name] = Thing(row.pk if isinstance(row, Model) else row, area_path, owner)

    close, waiting, at_home, guest = _residents(world, place, ("close", "waiting", "home", "guest"))
    keep("person", person_code(close))
    keep("area", county, path)
    keep("grid", grid)

    # a case, another that it infected, their contacts; what the rulebook orders
    case, _ = case_add(
        actor=hand, at=AT, area=grid, case_id=f"{mark}-1", classification=Classification.CONFIRMED,
        onset_date=TODAY - timedelta(days=3), report_date=TODAY - timedelta(days=1),
    )  # fmt: skip
    suspect, _ = case_add(
        actor=hand, at=AT, area=grid, case_id=f"{mark}-2", classification=Classification.SUSPECTED,
        onset_date=TODAY, report_date=TODAY, source_case_id=f"{mark}-1",
    )  # fmt: skip
    keep("case", case)
    keep("suspect", suspect)
    met = {"first_exposure": TODAY - timedelta(days=1), "last_exposure": TODAY - timedelta(days=1)}
    for person in (close, waiting, at_home, guest):
        kind = ContactClass.SECONDARY if person == at_home else ContactClass.CLOSE
        contact_add(
            actor=hand, case_id=case.pk, person_id=person, at=AT, contact_class=kind, setting=f"{mark} hall", **met
        )
    keep("evidence", Evidence.objects.filter(person_id=close).earliest("pk"))
    order = Order.objects.get(person_id=close, closed_at=None, kind=OrderKind.QUARANTINE_CENTRAL.value)
    door = Order.objects.get(person_id=at_home, closed_at=None, kind=OrderKind.QUARANTINE_HOME.value)
    arrival = Order.objects.get(person_id=waiting, closed_at=None, kind=OrderKind.QUARANTINE_CENTRAL.value)
    keep("order", order)
    keep("guest_order", Order.objects.get(person_id=guest, closed_at=None, kind=OrderKind.QUARANTINE_CENTRAL.value))
    keep("door", door)
    keep("appeal", appeal_open(actor=hand, order_id=order.pk, grounds=f"{mark}: I was away.", at=AT))
    token = personal_link_issue(actor=hand, person_id=close, at=AT)
    keep("resident", token)
    keep("link", PersonalLink.objects.get(person_id=close))
    result, _ = result_record(
        actor=hand, person_id=close, source=f"lab-{mark}", specimen_id=f"{mark}-S1", sampled_at=AT - timedelta(hours=9),
        resulted_at=AT - timedelta(hours=2), method="pcr", result=TestOutcome.NEGATIVE, at=AT, laboratory=f"{mark} lab",
    )  # fmt: skip
    keep("result", result)

    # a site with rooms, one of them out of use, somebody inside; a closed site; a visit at a door
    site = site_open(actor=hand, name=f"{mark} site", area_code=county, at=AT - timedelta(days=1))
    rooms_add(actor=hand, site_id=site.pk, rooms=[NewRoom(f"{mark}-{n}") for n in range(3)], at=AT)
    rooms = list(Room.objects.filter(site=site).order_by("pk"))
    stay = stay_arrive(actor=hand, person_id=close, order_id=order.pk, at=AT, room_id=rooms[0].pk)
    room_take_out_of_use(actor=hand, room_id=rooms[1].pk, reason=f"{mark} repair", at=AT)
    closed = site_open(actor=hand, name=f"{mark} old site", area_code=county, at=AT - timedelta(days=1))
    site_close(actor=hand, site_id=closed.pk, at=AT)
    for name, row in (("site", site), ("closed_site", closed), ("room", rooms[0]), ("room_out", rooms[1])):
        keep(name, row, path)
    keep("stay", stay, path)
    visit = visit_record(
        actor=hand, order_id=door.pk, due_on=TODAY, outcome=FollowUpOutcome.REFUSED, client_key=f"{mark}-visit-1",
        visited_at=AT - timedelta(minutes=5), now=AT,
    )  # fmt: skip
    keep("visit", visit)

    # offices
    unit = unit_create(
        actor=hand, code=f"U-{mark}", name_zh=f"{mark} 单位", name_en=f"{mark} unit", kind="cdc", area=county, at=AT
    )
    keep("unit", unit.code, path)
    user = user_create(
        actor=hand, username=f"{mark.lower()}-user", display_name=f"{mark} user", at=AT, area_path=path
    )  # fmt: skip
    keep("user", user, path)
    keep("username", user.username, path)
    membership = Membership.objects.create(
        user=user, unit=unit, role=Role.TRACER.value, area_id=cast.areas[county].id, area_path=path,
        starts_on=date(2022, 1, 1),
    )  # fmt: skip
    keep("membership", membership, path)
    force = task_force_open(
        actor=hand, name_zh=f"{mark} 专班", name_en=f"{mark} force", purpose=f"{mark} purpose", lead_unit=unit,
        area=county, starts_on=TODAY, at=AT,
    )  # fmt: skip
    task_force_member_add(actor=hand, task_force=force, user=user, unit=unit, function=f"{mark} function", at=AT)
    keep("task_force", force, path)
    duty_assign(actor=hand, unit=unit, user=user, starts_at=AT, ends_at=AT + timedelta(hours=8), at=AT)

    # files, jobs, figures, views, the log
    head = "source_id,name,document_kind,document_number,birth_date,sex,phone,area,address,household"
    line = "{mark}-{number},{mark} Filed,none,,1980-02-03,female,,{area},,"
    text = "\n".join(
        (head, line.format(mark=mark, number=1, area=grid), line.format(mark=mark, number=2, area="999999"), "")
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"file-{mark}.csv"
        file.write_text(text, encoding="utf-8")
        taken = file_import(actor=own, kind="persons", path=file, source=f"source-{mark}", at=AT)
    assert (taken.accepted, taken.rejected) == (1, 1), taken
    keep("batch", Batch.objects.get(pk=taken.batch), path)
    upload = upload_keep(
        actor=own, file_name=f"upload-{mark}.csv", pieces=[text.encode()], kind="persons", source=f"source-{mark}",
        at=AT,
    )  # fmt: skip
    upload.mapping_from, upload.mapping = proposed(own, upload, clock.civil_zone())
    job = job_add(actor=own, kind=FILE, arguments={"upload": upload.token}, at=AT, key=upload.token)
    upload.job_id = job.pk
    upload_save(upload)
    keep("upload", upload.token, path, own.user_id)
    user = User.objects.get(pk=own.user_id)
    token, _ = token_create(
        actor=own, user=user, name=f"token-{mark}", permissions={Permission.CASE_VIEW},
        area_path="/", expires_at=AT + timedelta(days=30), at=AT,
    )  # fmt: skip
    keep("token", token, user.area_path, own.user_id)
    keep("job", job, path, own.user_id)
    stopped = job_add(actor=own, kind=FILE, arguments={"upload": "0" * 32}, at=AT, key=f"{mark}-stopped")
    job_cancel(actor=own, job_id=stopped.pk, at=AT)
    keep("stopped_job", stopped, path, own.user_id)
    replay = replay_request(actor=own, books=BOOKS[:2], start=TODAY - timedelta(days=1), end=TODAY, below=path, at=AT)
    keep("replay", replay, path, own.user_id)
    for indicator in ("investigation.cases_reported", "quarantine.rooms_per_10000"):
        IndicatorValue.objects.create(
            indicator=indicator, area_code=county, area_path=path, date=TODAY, numerator=7, denominator=None,
            computed_at=AT,
        )  # fmt: skip
    view_save(actor=own, page="persons", name=f"{mark} view", query="", at=AT)
    keep("entry", AuditEntry.objects.filter(subject_kind="site", area_path=path).earliest("seq"), path)

    people = Person.objects.filter(area_path__startswith=path).values_list("pk", flat=True)
    place.markers = (mark, f"{mark.lower()}-user", *(person_code(person) for person in people))
    place.bodies = {
        "case": {"area": grid, "case_id": f"{mark}-9"},
        "confirm": {"classification": "confirmed"},
        "reason": {"reason": "mistaken for another"},
        "contact": {"person": person_code(waiting), "last_exposure": TODAY.isoformat()},
        "evidence": {
            "person": person_code(close), "kind": "diagnosis", "at": AT.isoformat(),
            "value": {"classification": "suspected"}, "source": "api",
        },
        "arrival": {"person": person_code(waiting), "order": arrival.pk, "site": site.pk},
        "file": f"{head}\n{line.format(mark=mark, number=3, area=grid)}\n",
    }  # fmt: skip
    return place
