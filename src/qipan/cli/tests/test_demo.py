"""`qipan demo` as it is typed, in a process of its own, because it points Django at its own folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.own_database


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QIPAN_") and "DATABASE" not in k}
    return subprocess.run(
        [sys.executable, "-m", "qipan", "demo", "--no-serve", *arguments],
        env=kept | {"QIPAN_VAR": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_city_is_built_once_and_taken_up_again(tmp_path: Path) -> None:
    first = demo(tmp_path, "--people", "120", "--days", "1", "--json")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    report = json.loads(first.stdout)
    assert set(report) == {
        "people", "days", "facts", "cases", "contacts", "codes", "orders", "work", "audit", "seconds",
    }  # fmt: skip
    assert (report["people"], report["days"], report["audit"]["verified"]) == (120, 1, True)
    assert (tmp_path / "demo" / "qipan.sqlite3").exists()

    again = demo(tmp_path, "--days", "1")
    assert again.returncode == 0, again.stderr
    assert "people: 120" in again.stdout
    assert "Without --no-serve its pages are served" in again.stdout
    assert "QIPAN_NOW='2022-07-20T14:00:00+00:00'" in again.stdout

    few = demo(tmp_path, "--people", "99", "--fresh")
    assert few.returncode == 2
    assert (tmp_path / "demo" / "qipan.sqlite3").exists()

    other = demo(tmp_path, "--people", "121")
    assert other.returncode == 2
    assert "--fresh" in other.stderr
    assert "Traceback" not in other.stderr


def test_fresh_throws_away_only_its_own(tmp_path: Path) -> None:
    refused = demo(tmp_path, "--fresh", DATABASE_URL=f"sqlite:///{tmp_path}/real.sqlite3")
    assert refused.returncode == 2
    assert "DATABASE_URL" in refused.stderr
    assert not (tmp_path / "real.sqlite3").exists()
