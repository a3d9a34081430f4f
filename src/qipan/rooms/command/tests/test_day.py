"""The daily cycle: deterministic, twice the same, resumable; the board; `qipan day run`."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from tests.cast import CITY, COUNTY_A, COUNTY_B, TODAY, TOWNSHIP_A1

from qipan.cli.main import main
from qipan.foundation.audit.anchors import anchor_path, anchors_read
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import indicators
from qipan.rooms.command import selectors, services
from qipan.rooms.command.models import DayRun
from qipan.rooms.control.models import Order
from qipan.rooms.control.services import appeal_open, evidence_record
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.quarantine import services as quarantine
from qipan.rooms.quarantine.services import NewRoom
from qipan.rulebooks.loader import book_text
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Anchors are written to a folder of each test's own."""
    monkeypatch.setattr(settings, "VAR", tmp_path)


@pytest.fixture
def town(cast, at):
    """A case, its contact in a room and its contact's contact at home, a clinician's line of evidence each."""
    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    rulebook_publish(actor=root, text=book_text("covid19-cn-9"), area_path="/", at=at - DAY)

    def exposed(person, linked, contact_class):
        value = {"first": "2022-07-18", "last": "2022-07-19", "setting": "household", "class": contact_class}
        evidence_record(
            actor=cast.alice, person_id=person, kind=EvidenceKind.EXPOSURE, at=at - DAY, value=value,
            source="tracing", now=at - 4 * HOUR, linked_person_id=linked,
        )  # fmt: skip

    evidence_record(
        actor=cast.alice, person_id=cast.wei, kind=EvidenceKind.DIAGNOSIS, at=at - 5 * HOUR,
        value={"classification": "confirmed"}, source="hospital", now=at - 5 * HOUR,
    )  # fmt: skip
    exposed(cast.xia, cast.wei, "close")
    exposed(cast.yun, cast.xia, "secondary")
    site = quarantine.site_open(actor=cast.gao, name="Hotel", area_code=TOWNSHIP_A1, at=at - 4 * HOUR)
    quarantine.rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom("1"), NewRoom("2")], at=at - 4 * HOUR)
    proposal = quarantine.placements_propose(actor=cast.gao, area_path=cast.path(COUNTY_A), at=at - 3 * HOUR)
    quarantine.stays_arrive_bulk(actor=cast.gao, placements=proposal.placements, at=at - 3 * HOUR)
    return cast


def content_hash():
    """One hash over every row of every table."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for model in sorted(apps.get_models(), key=lambda m: m._meta.db_table):
            table = model._meta.db_table
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = sorted(
                repr([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in cursor.fetchall()
            )
            digest.update(table.encode() + "\n".join(rows).encode())
    return digest.hexdigest()


def run(date, at, actor=SYSTEM_ACTOR):
    return services.day_run(actor=actor, date=date, at=at)


def counts(result, name):
    return next(step.counts for step in result.steps if step.name == name)


def test_a_day_twice_changes_nothing(town, at):
    first = run(TODAY, at)
    assert first.changed
    before = content_hash()
    anchors = anchor_path().read_bytes()
    second = run(TODAY, at)
    assert not second.changed
    assert content_hash() == before
    assert anchor_path().read_bytes() == anchors
    # and once more, when the day is long over
    run(TODAY, at + 40 * DAY)
    again = run(TODAY, at + 50 * DAY)
    assert not again.changed


def test_it_says_what_it_found(town, at):
    result = run(TODAY, at)
    document = result.as_json()
    assert list(document) == ["date", "steps", "changed"]
    assert [step["name"] for step in document["steps"]] == [
        "decisions", "appeals", "reconcile", "alarms", "work", "indicators", "anchor",
    ]  # fmt: skip
    assert counts(result, "alarms") == {
        "inside": 2, "still_inside": 0, "arrivals_due": 0, "arrivals_overdue": 0, "appeals_overdue": 0,
        "awaiting_result": 0,
    }  # fmt: skip
    reconciled = dict(counts(result, "reconcile"))
    assert reconciled.pop("checked") > 0
    assert set(reconciled.values()) == {0}
    assert counts(result, "work")["visit_due"] == 1
    assert DayRun.objects.get(date=TODAY).steps == document["steps"][:-1]
    head = AuditEntry.objects.order_by("-seq").first()
    assert anchors_read(anchor_path()) == {head.seq: head.hash}


def test_orders_lapse_and_the_alarm_rings(town, at):
    run(TODAY, at)
    later = run(TODAY + 30 * DAY, at + 30 * DAY)
    assert sum(count for name, count in counts(later, "decisions").items() if name.startswith("closed_")) >= 2
    assert counts(later, "alarms")["still_inside"] >= 1
    value = IndicatorValue.objects.get(indicator="quarantine.still_inside", area_code=CITY, date=TODAY + 30 * DAY)
    assert value.numerator == counts(later, "alarms")["still_inside"]


def test_an_order_that_waits_for_a_result_is_the_authoritys_overdue_item_until_it_lapses(town, at):
    # nobody has tested anybody. The contact of a contact waits from the end of day 7, 26 July, to that of 29 July,
    # the case from the end of 27 July on
    awaited = [counts(run(TODAY + n * DAY, at + n * DAY), "alarms")["awaiting_result"] for n in range(5, 11)]
    assert awaited == [0, 0, 1, 2, 2, 1]


def test_an_unanswered_appeal_is_released(town, at):
    order = Order.objects.get(person_id=town.yun, closed_at=None, kind="quarantine_home")
    appeal_open(actor=town.ning, order_id=order.pk, grounds="I was away.", at=at)
    assert counts(run(TODAY, at), "appeals") == {"released": 0}
    assert selectors.board(SYSTEM_ACTOR, at, "/").decide["appeals_open"] == 1
    assert counts(run(TODAY + DAY, at + 25 * HOUR), "appeals") == {"released": 1}
    order.refresh_from_db()
    assert order.closed_at is not None


def test_a_tampered_ledger_is_reported(town, at):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE control_order SET ends_at = ends_at, until = latest WHERE person_id = %s", [town.xia])
        cursor.execute("UPDATE control_order SET authority = 'me' WHERE person_id = %s", [town.xia])
    assert counts(run(TODAY, at), "reconcile")["forged_orders"] >= 1


@pytest.mark.parametrize("step", ["decisions", "alarms", "indicators"])
def test_a_failed_step_leaves_the_day_to_be_run_again(town, at, monkeypatch, step):
    def broken(day):
        raise RuntimeError("no disk")

    steps = tuple((name, broken if name == step else do) for name, do in services.STEPS)
    with monkeypatch.context() as patch:
        patch.setattr(services, "STEPS", steps)
        with pytest.raises(RuntimeError):
            run(TODAY, at)
    assert not DayRun.objects.exists()
    assert run(TODAY, at).changed
    assert DayRun.objects.count() == 1
    assert not run(TODAY, at).changed


def test_a_clock_set_back_is_refused_and_nothing_is_called_run(town, at):
    run(TODAY, at)
    days = list(DayRun.objects.values())
    for back, day in ((3 * DAY, TODAY - 3 * DAY), (HOUR, TODAY)):
        with pytest.raises(Refused, match="set the clock right"):
            run(day, at - back)
    assert list(DayRun.objects.values()) == days


def test_yesterday_run_late_leaves_decisions_to_today(town, at):
    yesterday = run(TODAY - DAY, at)
    # the log goes on beyond that day
    assert counts(yesterday, "decisions") == {"persons": 0}
    assert not run(TODAY - DAY, at + HOUR).changed


def test_a_day_that_has_not_begun(town, at):
    with pytest.raises(BadInput):
        run(TODAY + DAY, at)


@pytest.mark.parametrize("who", ["bob", "chen", "eva", "gao", "hu", "lin", "ma", "ning", "qiu"])
def test_who_may_not_run_it(town, at, who):
    with pytest.raises(Denied):
        run(TODAY, at, town.actors[who])
    assert AuditEntry.objects.get(action="denied").detail["action"] == "day.run"


@pytest.mark.parametrize("who", ["alice", "fang"])
def test_who_may_run_it(town, at, who):
    assert run(TODAY, at, town.actors[who]).changed
    assert AuditEntry.objects.get(action="day.run").actor_label == who


def test_every_indicator_is_kept_for_every_level(town, at):
    run(TODAY, at)
    names = {indicator.id for indicator in indicators()}
    assert len(names) >= 12
    kept = IndicatorValue.objects.filter(date=TODAY)
    assert set(kept.values_list("area_code", flat=True)) == {
        code for code, ref in town.areas.items() if ref.level in services.LEVELS
    }
    # where nothing has happened yet there may be no value; what these rooms count is never left out
    mine = {name for name in names if name.startswith(("fieldwork.", "quarantine."))}
    assert mine <= set(kept.filter(area_code=CITY).values_list("indicator", flat=True)) <= names


def test_the_board_counts_and_names_nobody(town, at):
    found = selectors.board(town.ma, at, town.path(CITY))
    assert found.persons == 5
    assert found.codes == {"green": 2, "yellow": 0, "red": 3}
    assert found.orders["quarantine_home"] == 1
    assert (found.beds, found.beds_taken, found.still_inside) == (2, 2, 0)
    assert selectors.board(town.dora, at, town.path(COUNTY_B)).persons == 1
    for who, area in (("dora", COUNTY_A), ("alice", CITY)):
        with pytest.raises(Absent):
            selectors.board(town.actors[who], at, town.path(area))


def test_days_that_were_run(town, at):
    run(TODAY, at)
    assert [day.date for day in selectors.list_days(town.ma)] == [TODAY]
    assert selectors.access_day(town.ma, TODAY).steps
    with pytest.raises(Absent):
        selectors.access_day(town.ma, TODAY + DAY)
    nobody = Actor(None, None, (), "nobody")
    with pytest.raises(Denied):
        selectors.list_days(nobody)


def test_the_command(town, at, capsys, monkeypatch):
    monkeypatch.setenv("QIPAN_NOW", at.isoformat())
    assert main(["day", "run", "--json", "--date", TODAY.isoformat()]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["date"], document["changed"]) == (TODAY.isoformat(), True)
    assert main(["day", "run", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["changed"] is False
    assert output.err == ""
    assert main(["day", "run"]) == 0
    assert "nothing was left to do" in capsys.readouterr().out
    assert main(["day", "run", "--date", "2099-01-01"]) == 2
    assert main(["day", "run", "--as", "ma"]) == 1
    assert main(["day", "run", "--as", "nobody"]) == 2
    output = capsys.readouterr()
    assert len(output.err.splitlines()) == 3
    with pytest.raises(SystemExit) as caught:
        main(["day", "run", "--date", "yesterday"])
    assert caught.value.code == 2
