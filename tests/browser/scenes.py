"""What stands on the stage: a town with a rulebook, and a sample of everything that has a page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.urls import URLResolver, get_resolver, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from qipan.foundation import clock
from qipan.foundation.access.models import User
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.http.tokens import token_create
from qipan.foundation.indicators.registry import indicators
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.running import upload_start
from qipan.foundation.intake.uploads import upload_keep, upload_save
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.services import job_add, job_cancel, job_claim, job_run
from qipan.foundation.pages.imports.mapping import proposed
from qipan.foundation.pages.models import SavedView
from qipan.rooms.command.services import day_run
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.services import appeal_open, replay_request
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.fieldwork.services import visit_record
from qipan.rooms.investigation.services import case_add, contact_add
from qipan.rooms.organizations.models import Membership
from qipan.rooms.organizations.selectors import actor_for
from qipan.rooms.organizations.services import duty_assign, task_force_member_add, task_force_open
from qipan.rooms.persons.models import PersonalLink
from qipan.rooms.persons.services import personal_link_issue
from qipan.rooms.quarantine.models import Room
from qipan.rooms.quarantine.services import NewRoom, room_take_out_of_use, rooms_add, site_open, stay_arrive
from qipan.rooms.testing.services import result_record
from qipan.rulebooks.loader import book_text
from qipan.terms.evidence import Classification, ContactClass, EvidenceKind, FollowUpOutcome, OrderKind, TestOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Permission, Role
from tests.browser.people import PASSWORD
from tests.cast import AT, COUNTY_A, GRID_A1, TODAY, TOWNSHIP_A1, VILLAGE_A1, Cast, build

BOOK = "covid19-cn-9"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ROOT = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")


def behind(act: Callable[[], Any]) -> Any:
    """Do it as another process would: in a thread of its own, with its own connection to the database.

    Chromium's driver keeps this thread's event loop, in which Django refuses to ask the database.
    """
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append((act(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            answers.append((None, error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    ((answer, error),) = answers
    if error is not None:
        raise error
    return answer


def work() -> list[str]:
    """What a worker does: run the jobs that wait; their states."""
    ran = []
    while (job := job_claim(worker="test", at=clock.now())) is not None:
        ran.append(job_run(job, now=clock.now).state)
    return ran


def town() -> Cast:
    """The cast, with two editions published."""
    cast = build()
    for book in (BOOK, "covid19-cn-20"):
        rulebook_publish(actor=_ROOT, text=book_text(book), area_path="/", at=AT - DAY)
    return cast


def passwords(cast: Cast) -> None:
    """Everybody has one, the same."""
    for user in cast.users.values():
        user.set_password(PASSWORD)
        user.save()


def session_of(user: User) -> str:
    """A session of somebody who gave his password and his second factor."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, name="qipan", confirmed=True)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "qipan.foundation.access.backends.PasswordBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["otp_device_id"] = device.persistent_id
    session.save()
    return str(session.session_key)


def all_roles(cast: Cast) -> User:
    """Zoe, who holds every role everywhere: nobody does, but she sees every page."""
    zoe = User.objects.create(username="zoe", display_name="Zoe", password="!", created_at=AT)
    Membership.objects.bulk_create(
        Membership(user=zoe, unit=cast.units["HQ"], role=role.value, area_path="/", starts_on=date(2022, 1, 1))
        for role in Role
        if role is not Role.SYSTEM
    )
    return zoe


@dataclass(frozen=True)
class Sample:
    """A page to look at."""

    name: str
    url: str


@cache
def routes() -> dict[str, str]:
    """Name and route of every address that answers GET with a page or a file (the API's operations are none)."""
    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, str]]:
        for each in patterns:
            route = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, route)
            elif hasattr(getattr(each.callback, "view_class", None), "get"):
                yield str(each.name), route

    return dict(walk(get_resolver().url_patterns, ""))


def samples(cast: Cast) -> tuple[str, list[Sample]]:
    """Something of everything: a session that may open it, and an address for every page."""
    zoe = all_roles(cast)
    actor = actor_for(zoe, AT)

    # an outbreak: Yun is a case, his mother Xia and Zhu his contacts, Wei the contact of a contact
    case, _ = case_add(
        actor=cast.ning, at=AT, person_id=cast.yun, classification=Classification.CONFIRMED,
        onset_date=TODAY - 2 * DAY, report_date=TODAY, case_id="C-1",
    )  # fmt: skip
    suspect, _ = case_add(
        actor=cast.ning, at=AT, area=GRID_A1, classification=Classification.SUSPECTED, case_id="C-2",
        report_date=TODAY,
    )  # fmt: skip
    for person, kind, via in (
        (cast.xia, ContactClass.CLOSE, None), (cast.zhu, ContactClass.CLOSE, None),
        (cast.wei, ContactClass.SECONDARY, cast.xia),
    ):  # fmt: skip
        contact_add(
            actor=cast.alice, at=AT, case_id=case.pk, person_id=person, contact_class=kind,
            first_exposure=TODAY - 2 * DAY, last_exposure=TODAY - DAY, setting="household", via_person_id=via,
        )  # fmt: skip
    result, _ = result_record(
        actor=cast.hu, person_id=cast.xia, source="City laboratory", specimen_id="S-1", sampled_at=AT - 5 * HOUR,
        resulted_at=AT - 2 * HOUR, method="pcr", result=TestOutcome.NEGATIVE, at=AT, laboratory="City",
    )  # fmt: skip
    central = Order.objects.filter(person_id=cast.xia, kind=OrderKind.QUARANTINE_CENTRAL, closed_at=None).get()
    waiting = Order.objects.filter(person_id=cast.zhu, kind=OrderKind.QUARANTINE_CENTRAL, closed_at=None).get()
    home = Order.objects.filter(person_id=cast.wei, kind=OrderKind.QUARANTINE_HOME, closed_at=None).get()
    fact = Evidence.objects.filter(person_id=cast.xia, kind=EvidenceKind.EXPOSURE).get()

    # a site with a room taken, a room out of use, an empty one
    site = site_open(actor=cast.gao, name="Lakeside Hotel", area_code=TOWNSHIP_A1, at=AT)
    rooms_add(
        actor=cast.gao, site_id=site.pk, at=AT,
        rooms=[NewRoom("101"), NewRoom("102"), NewRoom("103", "family", 2), NewRoom("104")],
    )  # fmt: skip
    taken, out = Room.objects.get(number="101"), Room.objects.get(number="102")
    stay = stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=central.pk, at=AT, room_id=taken.pk)
    room_take_out_of_use(actor=cast.gao, room_id=out.pk, reason="Water damage", at=AT)

    visit = visit_record(
        actor=cast.chen, order_id=home.pk, due_on=TODAY, outcome=FollowUpOutcome.NOT_FOUND, client_key="visit-0001",
        visited_at=AT, now=AT,
    )  # fmt: skip
    appeal = appeal_open(actor=cast.bob, order_id=central.pk, grounds="Elsewhere then.", at=AT)
    token = personal_link_issue(actor=cast.bob, person_id=cast.xia, at=AT)
    force = task_force_open(
        actor=cast.fang, name_zh="封控专班", name_en="One Building", purpose="One building",
        lead_unit=cast.units["CDC-A"], area=COUNTY_A, starts_on=TODAY, at=AT,
    )  # fmt: skip
    task_force_member_add(
        actor=cast.fang, task_force=force, user=cast.users["bob"], unit=cast.units["CDC-A"], function="tracing", at=AT
    )
    duty_assign(
        actor=cast.fang, unit=cast.units["CDC-A"], user=cast.users["alice"], starts_at=AT, ends_at=AT + 8 * HOUR, at=AT
    )
    day_run(actor=SYSTEM_ACTOR, date=TODAY, at=AT)

    # two files: one is in, with rejects; one is under way, one is still with its owner
    def upload(text: str) -> str:
        kept = upload_keep(actor=actor, file_name="results.csv", pieces=[text.encode()], kind="tests",
                           source="City laboratory", at=AT)  # fmt: skip
        kept.mapping_from, kept.mapping = proposed(actor, kept, clock.civil_zone())
        kept.rows, kept.rows_under = text.count("\n") - 1, 1
        upload_save(kept)
        return kept.token

    batch = upload_start(actor=actor, token=upload(_results(cast, "A")), at=AT)
    assert isinstance(batch, int)
    assert Batch.objects.get(pk=batch).rejected == 1
    running = upload_start(actor=actor, token=upload(_results(cast, "B")), at=AT, small=0)
    assert isinstance(running, Job)
    kept = upload(_results(cast, "C"))

    # work in the background: waiting, cancelled, done
    replayed = replay_request(
        actor=cast.alice, books=[BOOK, "covid19-cn-20"], start=TODAY, end=TODAY + 6 * DAY, below=cast.path(COUNTY_A),
        at=AT,
    )  # fmt: skip
    verified = job_add(actor=actor, kind="audit.verify", arguments={}, at=AT)
    cancelled = job_add(actor=actor, kind="audit.verify", arguments={"of": "a test"}, at=AT)
    job_cancel(actor=actor, job_id=cancelled.pk, at=AT)
    Job.objects.filter(pk=running.pk).update(run_after=AT + DAY)
    work()
    issued, _ = token_create(
        actor=actor, user=zoe, name="Line list", permissions={Permission.CASE_VIEW}, area_path=cast.path(COUNTY_A),
        expires_at=AT + 30 * DAY, at=AT,
    )  # fmt: skip
    SavedView.objects.create(user=zoe, page="orders", name="mine", query="state=active")

    link = PersonalLink.objects.get()
    membership = Membership.objects.get(user=cast.users["bob"])
    entry = AuditEntry.objects.order_by("seq").first()
    assert entry is not None
    code = person_code(cast.xia)
    args: dict[str, tuple[Any, ...]] = {
        "user-second-factor-reset": ("bob",), "token-revoke": (issued.pk,), "guide-chapter": ("first-hour",),
        "import-template": ("tests", "csv"), "import-read": (kept,), "import-preview": (kept,),
        "import-run": (running.pk,), "import": (batch,), "import-rejects": (batch,), "import-resume": (batch,),
        "import-void": (batch,), "log-entry": (entry.seq,), "job-start": ("command.day",), "job": (verified.pk,),
        "job-cancel": (running.pk,), "job-retry": (cancelled.pk,), "area": (COUNTY_A,), "unit": ("CDC-A",),
        "task-force": (force.pk,), "task-force-member-add": (force.pk,), "task-force-close": (force.pk,),
        "link-revoke": (link.pk,), "rulebook": (BOOK,), "rulebook-text": (BOOK,), "appeal": (appeal.pk,),
        "appeal-decide": (appeal.pk,), "evidence-record": (code,), "evidence-record-kind": (code, "test"),
        "evidence": (fact.pk,), "evidence-void": (fact.pk,), "replay": (replayed.pk,), "resident": (token,),
        "test-result": (result.pk,), "test-void": (result.pk,), "role-end": (membership.pk,), "room": (taken.pk,),
        "room-out": (taken.pk,), "room-in": (out.pk,), "field-cell": (VILLAGE_A1,), "visit": (visit.pk,),
        "visit-record": (home.pk,), "indicator": (indicators()[0].id,), "order": (central.pk,),
        "appeal-open": (waiting.pk,),
        "case": (case.pk,), "case-confirm": (suspect.pk,), "case-discard": (case.pk,), "contact-add": (case.pk,),
        "decision": (code,), "user": (cast.users["bob"].pk,), "site": (site.pk,),
    }  # fmt: skip
    #: all pages of one thing
    args |= {
        name: (thing,)
        for prefix, thing in (
            ("user-", cast.users["bob"].pk), ("person-", code), ("identity-", code), ("stay-", stay.pk),
        )
        for name in routes()
        if name.startswith(prefix) and name not in args and "<" in routes()[name]
    }  # fmt: skip
    args |= {
        "user": (cast.users["bob"].pk,), "role-grant": (cast.users["bob"].pk,), "person": (code,), "stay": (stay.pk,),
        "stay-receive": (site.pk,), "site": (site.pk,), "rooms-add": (site.pk,), "site-close": (site.pk,),
        "site-reopen": (site.pk,),
    }  # fmt: skip
    queries = {"visit-record": "?outcome=well", "area-switch": "?next=/", "stay-receive": f"?order={waiting.pk}"}
    assert (lacks := [name for name, route in routes().items() if "<" in route and name not in args]) == [], (
        f"pages without a sample: {lacks}"
    )
    return session_of(zoe), [
        Sample(name, reverse(name, args=args.get(name, ())) + queries.get(name, ""))
        for name in routes()
    ]


def _results(cast: Cast, prefix: str) -> str:
    """Two results of a laboratory, the second of nobody."""
    lines = ["specimen_id,person_id,sampled_at,resulted_at,method,result,lab"]
    lines += [
        f"{prefix}-{number},{person},2022-07-19T08:00:00+08:00,2022-07-19T18:00:00+08:00,pcr,negative,City"
        for number, person in enumerate((person_code(cast.zhu), "P0000000000"))
    ]
    return "\n".join(lines) + "\n"
