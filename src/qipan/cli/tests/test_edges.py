"""The edges of the commands: junk, wrong dates, wrong words, no tables: one line, exit code 2, no traceback."""

import io
import json
import os
import random
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError

from qipan.cli import django_setup, evidence_file, main, replay
from qipan.foundation.audit import verify_log
from qipan.rulebooks.loader import book_text

ROOT = Path(__file__).resolve().parents[4]
AT = "2022-07-20T12:00:00+08:00"
HEAD = b"evidence_id,person_id,kind,at,value\n"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The line that `qipan` answers bad input with."""
    try:
        code = main.main([str(argument) for argument in arguments])
    except SystemExit as done:  # as argparse leaves
        code = int(done.code or 0)
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("qipan: ")
    assert said.err.count("\n") == 1
    return said.err


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", random.Random(1).randbytes(3000), "is no text: it holds a NUL in row"),
        ("a.csv", random.Random(1).randbytes(3000).replace(b"\0", b"\1"), "not UTF-8"),
        ("a.csv", HEAD + b"1,A\0B,recovery,2022-07-01T18:00:00Z,\n", "a NUL in row 2"),
        ("a.csv", HEAD + b"1,A\xff,recovery,2022-07-01T18:00:00Z,\n", "row 2: not UTF-8"),
        ("a.csv", HEAD + b'1,"A,recovery\n' + b"x" * 200_000 + b"\xff", "cannot be read"),
        ("a.csv", b"", "empty"),
        ("a.xlsx", b"PK\3\4" + random.Random(2).randbytes(500), "a damaged workbook"),
        ("a.csv", b"PK\3\4" + random.Random(2).randbytes(500), "a damaged workbook"),
        ("a.xlsx", workbook(), "is a workbook: save it as CSV UTF-8 or Parquet"),
        ("a.parquet", b"PAR1" + random.Random(3).randbytes(500), "not a Parquet file, or is damaged"),
        ("a.csv", b"PAR1" + random.Random(3).randbytes(500), "not a Parquet file, or is damaged"),
        ("a.parquet", HEAD, "not a Parquet file, or is damaged"),
    ],
)
def test_junk_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    said = refused(capsys, "decide", "--evidence", path, "--rulebook", "covid19-cn-9", "--at", AT)
    assert message in said
    assert name in said


def test_parquet_is_known_by_its_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"evidence_id": "1", "person_id": "A", "kind": "recovery", "at": "2022-07-01T18:00:00Z", "value": None}
    path = tmp_path / "evidence.csv"
    pl.DataFrame([row], schema=dict.fromkeys(row, pl.String)).write_parquet(path)
    assert main.main(["decide", "--evidence", str(path), "--rulebook", "covid19-cn-9", "--at", AT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["persons"] == 1


def test_a_reader_that_panics_is_a_damaged_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("inside")

    path = tmp_path / "a.parquet"
    pl.DataFrame({name: ["x"] for name in HEAD.decode().strip().split(",")}).write_parquet(path)
    monkeypatch.setattr(evidence_file, "_check_kinds", panic)
    said = refused(capsys, "decide", "--evidence", path, "--rulebook", "covid19-cn-9", "--at", AT)
    assert "a.parquet is not a Parquet file, or is damaged" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "invalid choice: 'nosuch'"),
        (["day", "run", "--date", "20 July"], "20 July is not a date (YYYY-MM-DD, for example 2022-07-20)"),
        (["day", "run", "--date", "2022-02-30"], "is not a date"),
        (["replay", "--rulebook", "x", "--from", "20220720"], "argument --from: 20220720 is not a date"),
        (["replay", "--rulebook", "x", "--to", "2022-W29-3"], "argument --to: 2022-W29-3 is not a date"),
        (["replay"], "--rulebook (see qipan replay --help)"),
        (["user", "add", "x", "--until", "tomorrow"], "argument --until: tomorrow is not a date"),
        (["decide", "--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert message in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QIPAN_LANGUAGE", "xx"),
        ("QIPAN_LANGUAGE", "zh_CN"),
        ("QIPAN_NOW", "noon"),
        ("QIPAN_NOW", "2022-07-20T12:00:00"),
        ("QIPAN_NOW", "0001-01-01T00:00:00+08:00"),
        ("QIPAN_ZONE", "Asia/Nowhere"),
        ("QIPAN_ZONE", "../etc"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    said = refused(capsys, "decide", "--kinds")
    assert name in said
    assert value in said


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "1899-12-31T00:00:00Z", "3000-01-01T00:00:00Z"])
def test_a_moment_beyond_the_calendar_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEAD + b"1,A,recovery,2022-07-01T18:00:00Z,\n")
    said = refused(
        capsys, "decide", "--evidence", path, "--rulebook", "covid19-cn-9", "--at", at, "--what-if"
    )
    assert "is not an instant" in said


@pytest.mark.django_db
def test_a_rulebook_that_is_not_published_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "replay", "--rulebook", "covid19-cn-10")
    assert "no published rulebook covid19-cn-10. Published:" in said


@pytest.mark.django_db
def test_a_book_that_is_refused_is_named_by_its_own_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "county.toml"
    path.write_text(book_text("covid19-cn-9").replace('code = "red"', 'code = "green"'), encoding="utf-8")
    assert "county.toml, line " in refused(capsys, "rulebook", "publish", path)


_ANCHORS = {
    "random": random.Random(4).randbytes(3000),
    "words": b"not an anchor\n",
    "number": b"1\n",
    "list": b'{"seq": [1], "hash": "x"}\n',
    "types": b'{"seq": "1", "hash": 2}\n{"seq": 1, "hash": "x"}\n',
    "deep": b"[" * 100_000,
    "empty": b"",
}


@pytest.mark.django_db
@pytest.mark.parametrize("content", _ANCHORS.values(), ids=_ANCHORS)
def test_anchors_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(content)
    assert "junk" in refused(capsys, "audit", "verify", "--anchor", path)
    assert verify_log.main([str(path), "--anchor", str(path)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("verify_log: ")
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert verify_log.main([str(path)]) == (2 if content else 0)  # nor is it a log; an empty one is
    assert capsys.readouterr().err.count("\n") == (1 if content else 0)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `qipan` where nothing was ever installed (SQLite, whatever the tests use)."""
    environment = os.environ | {
        "DATABASE_URL": "", "DATABASE_OWNER_URL": "", "QIPAN_VAR": str(tmp_path / "var"), "QIPAN_LANGUAGE": "en",
        "QIPAN_KEYS": str(tmp_path / "var" / "keys"), "PYTHONPATH": str(ROOT / "src"), "QIPAN_NOW": AT,
    }  # fmt: skip

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        program = "import os, sys; os.umask(0o022); from qipan.cli.main import main; sys.exit(main(sys.argv[1:]))"
        return subprocess.run([sys.executable, "-c", program, *arguments], env=environment | settings,
                              capture_output=True, text=True, check=False, cwd=tmp_path)  # fmt: skip

    return run


@pytest.mark.own_database
def test_without_tables_init_is_named_and_what_it_makes_is_private(
    fresh: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = fresh("audit", "verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such table" in done.stderr
    assert "run `qipan init`" in done.stderr
    assert done.stderr.count("\n") == 1
    assert fresh("init").returncode == 0
    assert fresh("audit", "anchor", "anchors").returncode == 0
    made = [path for path in (tmp_path, *tmp_path.rglob("*")) if path != tmp_path]
    assert {"var", "qipan.sqlite3", "anchors"} <= {path.name for path in made}
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.mark.parametrize(
    "address", ["mysql://root:secret@h/x", "postgres://root:secret@h:port/x", "postgres://[root:secret@h/x"]
)
def test_an_address_of_no_database_is_refused_without_its_password(
    fresh: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    done = fresh("init", DATABASE_URL=address)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "DATABASE_URL is no address of a database" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.own_database
def test_folders_that_are_none_and_files_that_are_no_database(
    fresh: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no database\n" * 100)
    for settings, message in (
        ({"QIPAN_VAR": str(tmp_path / "file")}, "file: "),
        ({"QIPAN_KEYS": str(tmp_path / "file")}, "file"),
        ({"DATABASE_URL": f"sqlite:///{tmp_path}/file"}, "file is not a database"),
    ):
        done = fresh("init", **settings)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert message in done.stderr


class _Told(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "cause", "code"),
    [
        (OperationalError("no such table: audit_auditentry"), None, 2),
        (OperationalError("no such column: x"), None, 2),
        (ProgrammingError('relation "audit_auditentry" does not exist\nLINE 1: SELECT'), _Told("42P01"), 2),
        (ProgrammingError('column "x" does not exist'), _Told("42703"), 2),
        (OperationalError('connection failed: FATAL: database "q" does not exist'), _Told("3D000"), 1),
        (OperationalError("database is locked"), None, 1),
    ],
)
def test_only_missing_tables_ask_for_init(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: DatabaseError,
    cause: Exception | None, code: int,
) -> None:  # fmt: skip
    def fail(_: object) -> int:
        raise error from cause

    monkeypatch.setattr(replay, "run", fail)
    assert main.main(["replay", "--rulebook", "x"]) == code
    said = capsys.readouterr().err
    assert ("qipan init" in said) == (code == 2)
    assert said.count("\n") == 1


@pytest.mark.usefixtures("db")
def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> int:
        raise ProgrammingError("syntax error")

    monkeypatch.setattr(replay, "run", fail)
    with pytest.raises(ProgrammingError):
        main.main(["replay", "--rulebook", "x"])


def test_files_are_private_from_the_setup_on(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        django_setup.setup()
        (tmp_path / "file").touch()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
