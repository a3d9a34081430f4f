"""The board and the numbers, as somebody at a browser meets them."""

from datetime import timedelta

import pytest
from django.conf import settings
from tests.cast import CITY, COUNTY_A, COUNTY_B, TODAY, TOWNSHIP_A1, TOWNSHIP_A2, TOWNSHIP_B1

from qipan.foundation.audit.selectors import activity
from qipan.foundation.indicators.registry import indicators
from qipan.rooms.command.selectors import counting_in
from qipan.rooms.command.services import day_run
from qipan.rooms.command.web.tile_map import positions, step_of
from qipan.rooms.control.models import Order
from qipan.rooms.control.services import appeal_open, evidence_record
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.investigation.models import Case
from qipan.rulebooks.loader import book_text
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Anchors are written to a folder of each test's own."""
    monkeypatch.setattr(settings, "VAR", tmp_path)


@pytest.fixture
def day(cast, at):
    """A day was run."""
    return day_run(actor=SYSTEM_ACTOR, date=TODAY - timedelta(days=1), at=at - 12 * HOUR)


def test_the_board_of_a_fresh_installation_says_what_to_do(browse):
    page = browse("ma").get("/").content.decode()
    assert "No daily cycle has run yet" in page
    assert "Nothing waits" in page


@pytest.mark.usefixtures("day")
def test_everybody_sees_the_board_of_his_own_area(browse, cast):
    for name in cast.users:
        page = browse(name).get("/")
        assert page.status_code == 200, name
        assert "No daily cycle" not in page.content.decode(), name
    assert "no figures of days" in browse("chen").get("/").content.decode()
    assert browse("alice").get(f"/?area={COUNTY_A}").status_code == 200
    assert browse("alice").get(f"/?area={COUNTY_B}").status_code == 404
    assert browse("alice").get(f"/?area={CITY}").status_code == 404


@pytest.mark.usefixtures("day")
def test_the_board_costs_at_most_thirty_queries(browse, django_assert_max_num_queries):
    for name in ("ma", "alice"):
        client = browse(name)
        client.get("/")
        with django_assert_max_num_queries(30):
            client.get("/")


@pytest.mark.usefixtures("day")
def test_what_waits_is_told_to_whoever_commands_without_saying_who(browse, cast, at):
    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    rulebook_publish(actor=root, text=book_text("covid19-cn-9"), area_path="/", at=at - 24 * HOUR)
    evidence_record(
        actor=cast.ning, person_id=cast.xia, kind=EvidenceKind.DIAGNOSIS, at=at - 2 * HOUR,
        value={"classification": "confirmed"}, source="hospital", now=at - 2 * HOUR,
    )  # fmt: skip
    order = Order.objects.get(person_id=cast.xia, kind="isolate")
    appeal_open(actor=cast.bob, order_id=order.pk, grounds="I was not there.", at=at - HOUR)
    page = browse("ma").get("/").content.decode()
    assert "An appeal waits for an answer" in page
    assert "in 23 hours" in page
    assert "P0000" not in page
    assert "An appeal waits" not in browse("dora").get("/").content.decode()


@pytest.mark.usefixtures("day")
def test_the_map_shows_the_areas_below(browse):
    page = browse("ma").get("/?map=quarantine.occupancy").content.decode()
    assert page.count("data-code=") == 2
    assert browse("ma").get("/?map=weather").status_code == 400
    assert browse("ma").get("/?day=tomorrow").status_code == 400


@pytest.mark.usefixtures("day")
def test_the_wall_has_no_chrome(browse):
    page = browse("ma").get("/?wall=1").content.decode()
    assert "frame-nav" not in page
    assert 'class="figures"' in page


@pytest.mark.usefixtures("day")
def test_every_indicator_has_a_page(browse, django_assert_max_num_queries):
    client = browse("ma")
    page = client.get("/indicators/").content.decode()
    for indicator in indicators():
        assert f"/indicators/{indicator.id}/" in page
        with django_assert_max_num_queries(30):
            assert client.get(f"/indicators/{indicator.id}/").status_code == 200
    assert client.get("/indicators/weather/").status_code == 404
    assert browse("alice").get(f"/indicators/testing.positive/?area={COUNTY_B}").status_code == 404


@pytest.mark.usefixtures("day")
def test_the_board_speaks_chinese(browse):
    page = browse("ma", language="zh-hans").get("/").content.decode()
    assert "待处理事项" in page
    assert "湖滨区" in page


def test_cases_are_counted_by_class(browse, cast, at):
    Case.objects.create(
        source="t", case_id="1", person_id=cast.xia, area_id=cast.areas[COUNTY_A].id, area_path=cast.path(COUNTY_A),
        disease="covid19", classification="confirmed", report_date=TODAY, recorded_at=at,
    )  # fmt: skip
    assert '"values": [1]' in browse("ma").get("/").content.decode()
    assert '"values": [1]' not in browse("dora").get("/").content.decode()


def test_activity_is_counts_of_the_area_only(cast, at):
    evidence_record(
        actor=cast.ning, person_id=cast.xia, kind=EvidenceKind.SYMPTOM, at=at - HOUR, value={"symptoms": ["fever"]},
        source="clinic", now=at - HOUR,
    )  # fmt: skip
    window = {"since": at - 24 * HOUR, "until": at}
    assert activity(cast.ma, area_path=cast.path(COUNTY_A), **window) == [("evidence.record", 1, at - HOUR)]
    assert activity(cast.ma, area_path=cast.path(COUNTY_B), **window) == []
    with pytest.raises(Absent):
        activity(cast.dora, area_path=cast.path(COUNTY_A), **window)


def test_steps_of_the_scale():
    assert [step_of(v, 8) for v in (None, 0, 1, 2, 4, 6, 8)] == [0, 1, 2, 2, 3, 4, 5]
    assert step_of(0.0, 0.0) == 1


def test_tiles_never_lie_on_one_another():
    for n in (1, 7, 18, 100):
        codes = [f"{n}{i:04d}" for i in range(n)]
        assert len(set(positions(codes).values())) == n
    known = positions(["411202", "411203", "411221", "411224", "411271", "411281", "411282"])
    assert len(set(known.values())) == 7


def test_who_has_roles_in_two_places_is_counted_both_and_nothing_between(cast, at):
    here, there = cast.path(TOWNSHIP_A1), cast.path(TOWNSHIP_B1)
    both = Actor(1, None, (Grant(Role.TRACER, here), Grant(Role.COMMAND, there)))
    assert [grant.area_path for grant in counting_in(both, "/").grants] == [here, there]
    assert [grant.area_path for grant in counting_in(both, cast.path(COUNTY_B)).grants] == [there]
    assert {grant.role for grant in counting_in(both, "/").grants} == {Role.SYSTEM}
    assert activity(both, area_path="/", since=at - HOUR, until=at) == []
    for nobody, path in ((both, cast.path(TOWNSHIP_A2)), (Actor(1, None, ()), "/")):
        with pytest.raises(Absent):
            counting_in(nobody, path)
        with pytest.raises(Absent):
            activity(nobody, area_path=path, since=at - HOUR, until=at)
