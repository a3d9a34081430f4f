"""An import that is killed, starved or interrupted ends, once resumed, where an undisturbed one does."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

PROGRAM = Path(__file__).with_name("faults.py")


def run(folder: Path, rows: int, kills: int, chunk: int, seed: int) -> dict:
    owner = settings.DATABASE_OWNER
    url = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL", "")
    if not urlsplit(url).scheme.startswith("postgres"):
        url = f"sqlite:///{folder}/unused.sqlite3"
    environment = os.environ | {
        "DATABASE_URL": url,
        "DATABASE_OWNER_URL": url,
        "QIPAN_VAR": str(folder),
        "QIPAN_KEYS": str(settings.KEYS),
        "DJANGO_SETTINGS_MODULE": "qipan.config.settings",
        "FAULTS_CHUNK": str(chunk),
    }
    assert owner
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), str(rows), str(kills), str(seed)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def check_kills(out: dict, kills: int) -> None:
    clean = out["undisturbed"]
    assert clean["states"] == ["complete"]
    assert clean["entries"] == clean["chunks"] > 1
    assert len(out["killed"]) == kills
    for trial in out["killed"]:
        assert trial["death"] == {"killed": 9}, trial
        # whole chunks or nothing, each with its entry
        assert trial["left"]["entries"] == trial["left"]["chunks"]
        after = trial["after"]
        assert after["hash"] == clean["hash"], trial
        assert after["states"] == ["complete"] or after["states"] == ["complete", "complete"], trial
        assert after["rows"] == clean["rows"]
    # the points are spread over the work: some early, some late
    left = {trial["left"]["chunks"] for trial in out["killed"]}
    assert len(left) > 3


@pytest.fixture(scope="module")
def out() -> dict:
    """10,000 rows in twenty chunks, killed at twenty points, and the other faults once each."""
    # memory, where there is some: a killed process leaves what it wrote to the system either way
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base) as folder:
        return run(Path(folder), 10_000, 20, 500, 20220720)


def test_killed_at_twenty_points_it_resumes_to_the_same_content(out):
    check_kills(out, 20)


@pytest.mark.long
def test_killed_in_a_hundred_thousand_rows_it_resumes_to_the_same_content(tmp_path):
    check_kills(run(tmp_path, 100_000, 20, 5_000, 7), 20)


@pytest.mark.parametrize("name", ["locked", "unlocked"])
def test_two_processes_with_one_file_take_every_row_once(out, name):
    """With the lock one of them is told so; without it the database's constraints see to it."""
    first, second, again, after = out[name]
    assert not {"error", "killed"} & (set(first) | set(second)), (first, second)
    assert after["hash"] == out["undisturbed"]["hash"]
    assert after["rows"] == out["undisturbed"]["rows"]
    assert again["duplicate"] + again["accepted"] + again["rejected"] == 10_000


def test_two_overlapping_files_at_the_same_time_take_every_row_once(out):
    first, second, after = out["overlapping"]
    assert not {"error", "killed"} & (set(first) | set(second)), (first, second)
    assert first["accepted"] + second["accepted"] == after["rows"] == out["undisturbed"]["rows"]
    assert after["states"] == ["complete", "complete"]


def test_a_database_that_goes_away_leaves_an_open_batch(out):
    disturbed, after = out["away"]
    assert "stays open" in disturbed["refused"]
    assert disturbed["states"] == ["open"]
    assert disturbed["entries"] == disturbed["chunks"] >= 3
    assert after["hash"] == out["undisturbed"]["hash"]


@pytest.mark.parametrize("name", ["no_room_for_staging", "no_room"])
def test_a_full_disk_stores_nothing_half(out, name):
    disturbed, after = out[name]
    if "refused" in disturbed:
        assert disturbed["entries"] == disturbed["chunks"]
    else:
        # PostgreSQL's files are not this process's, so this limit does not reach them
        assert name == "no_room"
        assert "postgres" in os.environ.get("DATABASE_URL", "")
    assert after["hash"] == out["undisturbed"]["hash"]
    assert after["states"][0] == "complete"
