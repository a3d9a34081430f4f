"""`qipan decide` and `qipan rulebook` as a user meets them; and the benchmark's engines on a small ledger."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from django.utils import translation

from qipan.cli import decide, rulebook
from qipan.cli.benchmarks.decide import run as run_benchmark
from qipan.cli.main import main
from qipan.terms.errors import BadInput

HEAD = "evidence_id,person_id,linked_person_id,kind,at,recorded_at,value,voids,note\n"
ROWS = [
    '1,A,B,exposure,2022-07-01T18:00:00+08:00,2022-07-02T09:00:00+08:00,"{""first"":""2022-06-30"",'
    '""last"":""2022-07-01"",""setting"":""home"",""class"":""close""}",,x\n',
    '2,C,,test,2022-07-01T18:00:00Z,,"{""result"":""negative"",""method"":""pcr""}",,\n',
    "3,D,,recovery,2022-07-01T18:00:00.5Z,,,,\n",
    '4,E,,test,2022-07-09T18:00:00+08:00,,"{""result"":""positive"",""method"":""pcr""}",,\n',
]
AT = "2022-07-04T12:00:00+08:00"


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    decide.add_parser(commands)
    rulebook.add_parser(commands)
    args = parser.parse_args(arguments)
    return args.run(args)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.csv"
    path.write_text(HEAD + "".join(ROWS), encoding="utf-8")
    return path


def test_json_has_the_contracts_keys(evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    command = ["decide", "--evidence", str(evidence), "--rulebook", "covid19-cn-9", "--at", AT]
    assert run(*command, "--out", str(out), "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert list(document) == [
        "rulebook", "at", "persons", "not_yet", "codes", "orders", "cpu_seconds", "peak_mb",
    ]  # fmt: skip
    assert (document["persons"], document["not_yet"]) == (4, 1)
    assert document["codes"] == {"green": 3, "yellow": 0, "red": 1}
    assert document["orders"]["quarantine_central"] == 1
    assert "note" in printed.err
    table = pl.read_csv(out)
    assert table.columns == ["person_id", "code", "orders", "reasons", "next_change_at"]
    assert json.loads(table["orders"][0])[0]["kind"] == "quarantine_central"
    assert table["next_change_at"][0] == "2022-07-08T16:00:00Z"


def test_parquet_in_and_out_with_reasons(evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "e.parquet", tmp_path / "o.parquet"
    frame = pl.read_csv(evidence, infer_schema=False).with_columns(pl.col("at").str.to_datetime("%+", time_zone="UTC"))
    frame.write_parquet(source)
    command = ["decide", "--evidence", str(source), "--rulebook", "covid19-cn-9", "--at", AT, "--explain"]
    assert run(*command, "--out", str(out)) == 0
    table = pl.read_parquet(out)
    assert "close contact" in table["explanation"][0]
    assert table["explanation"][1] == ""
    assert run(*command) == 0
    assert "A: red" in capsys.readouterr().out
    assert run(*command, "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["explanations"]) == {"A"}


@pytest.mark.parametrize(
    ("row", "old", "new", "message"),
    [
        (2, "pcr", 'pcr"",""', "row 3, column value: not JSON"),
        (2, '""method""', '""methods""', "row 3, column value: test needs method"),
        (1, "2022-06-30", "30 June", "row 2, column value: first is"),
        (1, '""last"":""2022-07-01""', '""last"":""2022-06-29""', "ends on 2022-06-29, before it begins on 2022-06-30"),
        (4, "positive", "maybe", "row 5, column value: result is"),
        (3, "recovery", "recovered", "row 4, column kind: recovered"),
        (2, "T18:00:00Z", "T18:00:00", "row 3, column at: 2022-07-01T18:00:00"),
        (1, "2022-07-02T09:00:00+08:00", "yesterday", "row 2, column recorded_at: yesterday"),
        (2, ",C,", ",,", "row 3, column person_id: empty"),
        (0, "kind", "sort", "no column kind"),
        (2, ",,\n", ",,,more\n", "row 3: 10 fields, but the header has 9"),
        (2, ",C,", ",\udcff,", "row 3: not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, row: int, old: str, new: str, message: str) -> None:
    lines = [HEAD, *ROWS]
    lines[row] = lines[row].replace(old, new, 1)
    path = tmp_path / "bad.csv"
    path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=r"bad\.csv") as caught:
        run("decide", "--evidence", str(path), "--rulebook", "covid19-cn-9", "--at", AT)
    assert message in str(caught.value)


def test_rows_of_parquet_count_from_one_and_reasons_speak_the_readers_language(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [HEAD, *ROWS]
    lines[2] = lines[2].replace("method", "methods")
    evidence.write_text("".join(lines), encoding="utf-8")
    pl.read_csv(evidence, infer_schema=False).write_parquet(tmp_path / "e.parquet")
    for file, row in ((evidence, 3), (tmp_path / "e.parquet", 2)):
        command = ["decide", "--evidence", str(file), "--rulebook", "covid19-cn-9", "--at", AT]
        with translation.override("zh-hans"):
            assert main(command) == 2
        assert capsys.readouterr().err.splitlines()[-1] == f"qipan: {file} 第 {row} 行，列 value：test 需要 method。"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--at", "2021-07-04T12:00:00+08:00", "in force from 2022-06-28"),
        ("--at", "2022-07-04T12:00:00", "not an instant with an offset"),
        ("--rulebook", "covid19-cn-10", "no rulebook"),
        ("--evidence", "nowhere.csv", "no file nowhere.csv"),
        ("--out", "/nowhere/at/all.csv", "no folder"),
    ],
)
def test_bad_usage_is_refused(evidence: Path, option: str, value: str, message: str) -> None:
    options = {"--evidence": str(evidence), "--rulebook": "covid19-cn-9", "--at": AT, option: value}
    with pytest.raises(BadInput, match=message):
        run("decide", *(word for pair in options.items() for word in pair))


def test_what_if_allows_another_time(evidence: Path) -> None:
    command = ["decide", "--evidence", str(evidence), "--rulebook", "covid19-cn-8", "--at", AT]
    assert run(*command, "--what-if", "--json") == 0


def test_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("decide", "--kinds") == 0
    assert "exposure    first, last, setting, [minutes]" in capsys.readouterr().out


def test_rulebook_check_and_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rulebook", "show", "covid19-cn-9-henan") == 0
    text = capsys.readouterr().out
    assert "Extends: covid19-cn-9" in text
    assert "河南" in text
    bad = tmp_path / "bad.toml"
    bad.write_text("[book]\nid = 'x'\n", encoding="utf-8")
    assert run("rulebook", "check", str(bad)) == 2
    assert "bad.toml, line 1" in capsys.readouterr().err
    assert run("rulebook", "check", str(bad), "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["file"] == "bad.toml"


def test_no_django_is_loaded() -> None:
    code = "import sys, qipan.cli.decide, qipan.cli.rulebook; sys.exit('django' in sys.modules)"
    source = Path(decide.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(source)}, check=False).returncode == 0


def test_the_benchmarks_engines_agree() -> None:
    figures = run_benchmark(json_output=True, people=20_000)
    assert set(figures["engines"]) == {"rulebook", "polars_by_hand", "duckdb_by_hand"}
    assert figures["engines"]["rulebook"]["codes"]["red"] > 50
