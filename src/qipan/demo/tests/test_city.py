"""A small city from its first file to its last verified entry, on whichever database the tests run."""

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from qipan.demo.city import City, city_build, city_open, days_run, require_empty, today_close
from qipan.demo.summary import summary
from qipan.foundation.audit.selectors import list_entries
from qipan.rooms.command.selectors import list_days
from qipan.rooms.control.selectors import codes_count, list_appeals, list_orders, reconcile_ledger
from qipan.rooms.fieldwork.selectors import list_visits
from qipan.rooms.organizations.selectors import list_memberships
from qipan.rooms.persons.selectors import list_persons
from qipan.rooms.quarantine.selectors import list_rooms, list_stays
from qipan.terms.errors import BadInput
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db

PEOPLE, DAYS, SEED = 400, 6, 1
EVERYTHING = Actor(None, None, (Grant(Role.AUDITOR, "/"),))


@pytest.fixture(autouse=True)
def demonstration(settings: Any) -> None:
    settings.DEMO = True


@pytest.fixture
def anchors(settings: Any, tmp_path: Path) -> Path:
    settings.VAR = tmp_path / "var"
    return Path(settings.VAR) / "anchors" / "log.jsonl"


def built(folder: Path, seed: int = SEED) -> City:
    return city_build(people=PEOPLE, seed=seed, folder=folder)


def told(city: City, anchors: Path) -> dict[str, Any]:
    return summary(at=today_close(city), anchors=anchors)


def test_a_small_city_runs_and_its_summary_adds_up(tmp_path: Path, anchors: Path) -> None:
    city = built(tmp_path / "demo")
    assert days_run(city, days=DAYS) == DAYS
    report, at = told(city, anchors), today_close(city)

    assert report["people"] == PEOPLE
    assert report["days"] == DAYS
    assert report["cases"] > 0
    assert report["contacts"]["close"] > 0
    assert report["facts"] > report["cases"] + sum(report["contacts"].values())
    assert sum(report["codes"].values()) == PEOPLE
    assert report["codes"]["red"] > 0
    for counts in report["orders"].values():
        closed = counts["lapsed"] + counts["released"] + counts["replaced"]
        assert counts["opened"] == closed + counts["open"]
    assert report["orders"]["isolate"]["opened"] >= report["cases"]
    assert report["work"]["done"] > 0
    assert report["audit"]["verified"] is True
    assert report["audit"]["entries"] > 0

    for order in list_orders(SYSTEM_ACTOR, at=at, active=False):
        assert order.rule
        assert order.authority
        assert order.evidence_id
        assert order.ends_at > order.starts_at
        assert order.appeal_to
    assert reconcile_ledger().agrees
    assert not list_persons(SYSTEM_ACTOR).filter(synthetic=False).exists()
    assert set(list_memberships(SYSTEM_ACTOR).values_list("role", flat=True)) == {
        role.value for role in Role if role is not Role.SYSTEM
    }


def test_the_stations_did_their_work(tmp_path: Path, anchors: Path) -> None:
    city = built(tmp_path / "demo")
    days_run(city, days=DAYS)
    assert list_rooms(SYSTEM_ACTOR).count() >= 7
    assert list_stays(SYSTEM_ACTOR).count() > 0
    assert "well" in set(list_visits(SYSTEM_ACTOR).values_list("outcome", flat=True))
    states = list(list_appeals(SYSTEM_ACTOR).order_by("pk").values_list("state", flat=True))
    # one answered for the person, one that nobody answered and the next day's cycle released, one upheld
    assert states == ["granted", "released", "upheld"]
    # the laboratory's mix-up of day 3 was taken back on day 4, with the reason in the log
    assert list_entries(EVERYTHING, action="evidence.void").count() == 1


def decided(city: City) -> list[tuple[Any, ...]]:
    """Every order by the number of its person, without the database's ids."""
    rows = list_orders(SYSTEM_ACTOR, at=today_close(city), active=False).values_list(
        "person_id", "kind", "rule", "starts_on", "until", "awaiting", "opened_at", "closed_at", "closed_as"
    )
    numbers = city.people.numbers({row[0] for row in rows})
    return sorted((numbers[row[0]], *row[1:-2], str(row[-2]), row[-1]) for row in rows)


def test_the_same_seed_gives_the_same_city_in_one_go_or_in_two(tmp_path: Path, anchors: Path) -> None:
    with transaction.atomic():
        first = built(tmp_path / "first")
        days_run(first, days=DAYS)
        once, orders = told(first, anchors), decided(first)
        transaction.set_rollback(True)
    anchors.unlink()

    days_run(built(tmp_path / "second"), days=2)
    second = city_open(tmp_path / "second")
    assert second is not None
    assert days_run(second, days=DAYS) == DAYS - 2
    assert told(second, anchors) == once
    assert decided(second) == orders

    # and running it again finds nothing to do
    assert days_run(second, days=DAYS) == 0
    assert told(second, anchors) == once


def test_a_run_that_was_killed_goes_on_with_its_plan(
    tmp_path: Path, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qipan.demo import days

    city = built(tmp_path / "demo")
    days_run(city, days=2)

    def killed(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(days, "day_run", killed)
        with pytest.raises(KeyboardInterrupt):
            days_run(city, days=3)
    planned = (tmp_path / "demo" / "day-03" / "tests.csv").read_bytes()
    facts = told(city, anchors)["facts"]

    again = city_open(tmp_path / "demo")
    assert again is not None
    assert (again.state.planned, again.state.done) == (2, 1)

    def replanned(*_: object) -> None:
        raise AssertionError("the day was planned already")

    with monkeypatch.context() as patch:
        patch.setattr(days, "plan_day", replanned)
        assert days_run(again, days=3) == 1
    assert (tmp_path / "demo" / "day-03" / "tests.csv").read_bytes() == planned
    # the files were taken in before: sent again they add nothing (the round at the doors may find another door)
    report = told(again, anchors)
    assert report["facts"] >= facts
    assert report["days"] == 3
    assert report["audit"]["verified"] is True


def test_the_folder_of_another_database_is_not_taken_up(tmp_path: Path, anchors: Path) -> None:
    with transaction.atomic():
        built(tmp_path / "demo")
        transaction.set_rollback(True)
    with pytest.raises(BadInput):
        city_open(tmp_path / "demo")


def test_a_database_in_use_is_left_alone(tmp_path: Path, anchors: Path) -> None:
    require_empty()
    city = built(tmp_path / "demo")
    with pytest.raises(BadInput):
        require_empty()
    with pytest.raises(BadInput):
        city_build(people=99, seed=1, folder=tmp_path / "other")
    assert city_open(tmp_path / "other") is None
    assert list_days(SYSTEM_ACTOR).count() == 0
    untouched = codes_count(SYSTEM_ACTOR, at=today_close(city), persons=PEOPLE)
    assert untouched == {"green": PEOPLE, "yellow": 0, "red": 0}
