"""The clock: real, stopped, or going on from a moment of its own, the same in every process."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from qipan.foundation import clock

THEN = datetime(2022, 8, 18, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv("QIPAN_NOW", raising=False)
    monkeypatch.delenv("QIPAN_NOW_FROM", raising=False)


def test_it_stands_where_it_is_stopped(monkeypatch):
    monkeypatch.setenv("QIPAN_NOW", "2022-08-18T22:00:00+08:00")
    monkeypatch.setenv("QIPAN_NOW_FROM", clock.starting_from(THEN + timedelta(days=9)))
    assert clock.now() == clock.now() == THEN


def test_it_goes_on_from_its_own_moment(monkeypatch):
    monkeypatch.setenv("QIPAN_NOW_FROM", clock.starting_from(THEN))
    first = clock.now()
    second = clock.now()
    assert THEN <= first <= second < THEN + timedelta(minutes=1)
    command = "from qipan.foundation import clock; print(clock.now().isoformat())"
    elsewhere = datetime.fromisoformat(
        subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    )
    assert second <= elsewhere <= clock.now()


def test_an_hour_later_it_shows_an_hour_more(monkeypatch):
    ours = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setenv("QIPAN_NOW_FROM", f"{THEN.isoformat()}|{ours.isoformat()}")
    assert timedelta(hours=1) <= clock.now() - THEN < timedelta(hours=1, minutes=1)


def test_it_never_goes_behind_its_beginning(monkeypatch):
    ours = datetime.now(UTC) + timedelta(hours=1)  # the machine's clock was set back
    monkeypatch.setenv("QIPAN_NOW_FROM", f"{THEN.isoformat()}|{ours.isoformat()}")
    assert clock.now() == THEN


@pytest.mark.parametrize("value", ["2022-08-18T22:00:00|2022-08-18T22:00:00", "soon", "2022-08-18T22:00:00+08:00"])
def test_what_is_no_instant_is_refused(monkeypatch, value):
    monkeypatch.setenv("QIPAN_NOW_FROM", value)
    with pytest.raises(ValueError, match=r"offset|isoformat"):
        clock.now()
