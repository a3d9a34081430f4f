"""`qipan chains` as a user meets it: files in, JSON out, one line and exit code 2 for what is wrong."""

import argparse
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from qipan.cli import chains
from qipan.cli.main import main
from qipan.terms.errors import BadInput

CASES = """case_id,onset_date,person_id,source_case_id,note
A,2022-07-20,p1,,x
B,2022-07-24,p2,A,
C,,p3,elsewhere,
"""
CONTACTS = "from_case_id,to_case_id,to_person_id\nA,B,\nB,,p3\nB,,p9\n"


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    chains.add_parser(parser.add_subparsers())
    args = parser.parse_args(["chains", *arguments])
    return args.run(args)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    cases, contacts = tmp_path / "cases.csv", tmp_path / "contacts.csv"
    cases.write_text(CASES, encoding="utf-8")
    contacts.write_text(CONTACTS, encoding="utf-8")
    return cases, contacts


def test_json_and_out(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases, contacts = files
    out = tmp_path / "pairs.parquet"
    assert run("--cases", str(cases), "--contacts", str(contacts), "--out", str(out), "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    # A -> B is in both files, B -> C by C's person, p9 is no case, "elsewhere" is another list's case
    assert (document["cases"], document["pairs"], document["chains"], document["generations"]) == (3, 2, 1, 3)
    assert document["serial_interval"] == {"n": 1, "mean": 4.0, "sd": None, "negative": 0}
    assert document["reproduction"]["mean"] == pytest.approx(2 / 3)
    assert (document["unknown_sources"], document["contacts_not_cases"], document["repeated"]) == (1, 1, 1)
    assert "note" in printed.err
    assert pl.read_parquet(out)["to_case_id"].to_list() == ["B", "C"]


def test_parquet_with_real_dates_and_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.parquet"
    pl.DataFrame(
        {"case_id": [1, 2], "onset_date": [date(2022, 7, 1), date(2022, 7, 4)], "source_case_id": [None, 1]}
    ).write_parquet(cases)
    assert run("--cases", str(cases)) == 0
    assert "n 1, mean 3.00 d" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("which", "text", "told"),
    [
        ("cases", "case_id,onset_date\nA,2022-07-20\nB,20.7.2022\n", "row 3, column onset_date: 20.7.2022"),
        ("cases", "case_id,onset_date\nA,2022-07-20\nB,2022-02-30\n", "row 3, column onset_date"),
        ("cases", "case_id,onset_date\nA,\nA,\n", "row 3, column case_id"),
        ("cases", "case_id,onset_date\nA,\n,2022-07-20\n", "row 3, column case_id: empty"),
        ("cases", "id,onset_date\nA,\n", "no column case_id"),
        ("cases", "", "cannot be read"),
        ("contacts", "from_case_id,to_case_id\nA,B\nA,X\n", "row 3, column to_case_id: X"),
        ("contacts", "from_case_id,to_case_id\nA,B\n,B\n", "row 3, column from_case_id"),
        ("contacts", "from_case_id,to_case_id\nA,\n", "row 2, column to_case_id"),
        ("contacts", "to_case_id\nA\n", "no column from_case_id"),
    ],
)
def test_what_is_wrong_is_named(files: tuple[Path, Path], which: str, text: str, told: str) -> None:
    cases, contacts = files
    wrong = cases if which == "cases" else contacts
    wrong.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        run("--cases", str(cases), "--contacts", str(contacts), "--json")
    assert str(wrong) in str(caught.value)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_missing_contacts(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        run("--cases", str(tmp_path / "none.csv"))
    files[0].write_text("case_id\nA\n", encoding="utf-8")
    with pytest.raises(BadInput, match="--contacts"):
        run("--cases", str(files[0]))


def test_at_the_edge_one_line_and_exit_code_2(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    cases, contacts = files
    assert main(["chains", "--cases", str(cases), "--contacts", str(contacts), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 2
    cases.write_text("case_id,onset_date\nA,yesterday\n", encoding="utf-8")
    assert main(["chains", "--cases", str(cases), "--contacts", str(contacts), "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "row 2, column onset_date" in printed.err
