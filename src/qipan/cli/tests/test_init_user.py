"""`qipan init` and `qipan user`, as somebody would type them, on a database of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cast import CITY, COUNTY_A

import qipan.demo

pytestmark = pytest.mark.own_database

AREAS = Path(qipan.demo.__file__).parent / "data" / "sanmenxia_areas.csv"
ROOT = Path(__file__).resolve().parents[4]
Run = Callable[..., subprocess.CompletedProcess[str]]

PROGRAM = """
import argparse, sys
from qipan.cli import main, init, user
parser = argparse.ArgumentParser(prog="qipan")
subparsers = parser.add_subparsers(dest="command", required=True)
init.add_parser(subparsers)
user.add_parser(subparsers)
main.build_parser = lambda: parser
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.fixture
def qipan_(tmp_path: Path) -> Run:
    """Runs a command on an empty installation under `tmp_path` (SQLite, whatever the tests use)."""
    environment = os.environ | {
        "DATABASE_URL": "",
        "DATABASE_OWNER_URL": "",
        "QIPAN_VAR": str(tmp_path / "var"),
        "QIPAN_KEYS": str(tmp_path / "keys"),
        "QIPAN_LANGUAGE": "en",
        "QIPAN_NOW": "2022-07-20T12:00:00+08:00",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
    }

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True,
                              text=True, check=False, cwd=tmp_path)  # fmt: skip
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return run


def test_from_nothing_to_an_installation_with_people(qipan_: Run, tmp_path: Path) -> None:
    first = json.loads(qipan_("init", "--areas", str(AREAS), "--json").stdout)
    assert first["areas"] == {"accepted": 90, "duplicate": 0}
    assert "vault" in first["keys"]
    assert first["administrator"]["name"] == "admin"
    assert len(first["administrator"]["password"]) == 20
    assert oct((tmp_path / "keys").stat().st_mode)[-3:] == "700"
    assert first["administrator"]["password"].encode() not in (tmp_path / "var" / "qipan.sqlite3").read_bytes()

    again = json.loads(qipan_("init", "--areas", str(AREAS), "--json").stdout)
    assert again == {"keys": [], "areas": {"accepted": 0, "duplicate": 90}, "administrator": None}

    added = json.loads(qipan_("user", "add", "alice", "--role", "epidemiologist", "--area", COUNTY_A, "--json").stdout)
    assert (added["name"], added["role"], added["unit"]) == ("alice", "epidemiologist", "INSTALLATION")
    assert len(added["password"]) == 20
    shown = qipan_("user", "add", "alice", "--role", "auditor", "--area", CITY, "--as", "admin")
    assert "password" not in shown.stdout  # the account was there
    people = json.loads(qipan_("user", "list", "--json").stdout)
    roles = {row["name"]: sorted(grant["role"] for grant in row["roles"]) for row in people}
    assert roles == {"admin": ["administrator"], "alice": ["auditor", "epidemiologist"]}

    assert re.search(r"is \S{20}$", qipan_("user", "password", "alice").stdout, re.MULTILINE)
    # nobody helps himself, and nobody else helps him
    assert "himself" in qipan_("user", "add", "admin", "--role", "epidemiologist", "--area", CITY, "--as", "admin",
                               code=1).stderr  # fmt: skip
    refused = qipan_("user", "add", "eve", "--role", "auditor", "--area", CITY, "--as", "alice", code=1)
    assert refused.stderr.count("\n") == 1
    assert "eve" not in qipan_("user", "list").stdout

    qipan_("user", "disable", "alice")
    people = json.loads(qipan_("user", "list", "--json").stdout)
    assert [row["active"] for row in people] == [True, False]
    qipan_("user", "add", "eve", "--role", "auditor", "--area", CITY, "--as", "alice", code=2)


def test_an_installation_without_areas_and_wrong_input(qipan_: Run, tmp_path: Path) -> None:
    shown = qipan_("init", "--admin", "root")
    assert re.search(r"root, with the password \S{20}$", shown.stdout, re.MULTILINE)
    for arguments in (
        ("user", "add", "bob", "--role", "tracer", "--area", "411202"),
        ("user", "add", "bob", "--role", "tracer", "--area", "411202", "--unit", "NONE"),
        ("user", "add", "bob", "--role", "emperor", "--area", "411202"),
        ("user", "add", "bob", "--role", "tracer", "--area", "411202", "--from", "yesterday"),
        ("init", "--areas", str(tmp_path / "missing.csv")),
    ):
        qipan_(*arguments, code=2)
    bad = tmp_path / "bad.csv"
    bad.write_text("code,parent,level,name_zh,name_en,population\n410000,,province,河南省,Henan,\n411202,411200,county,x,x,\n",
                   encoding="utf-8")  # fmt: skip
    refused = qipan_("init", "--areas", str(bad), code=2)
    assert "bad.csv, row 3, column parent" in refused.stderr
    assert qipan_("user", "disable", "nobody", code=1).stderr.startswith("qipan: Not found")
