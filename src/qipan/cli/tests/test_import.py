"""`qipan import` as a user meets it."""

import json
import stat

import pytest

from qipan.cli.import_ import add_parser
from qipan.cli.main import main
from qipan.foundation.intake.exporting import neutralise
from qipan.foundation.intake.tests.toy import HEADER, READINGS, line

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def meter(monkeypatch):
    from qipan.cli import commands
    from qipan.foundation.intake import kinds

    monkeypatch.setitem(kinds._kinds, READINGS.name, READINGS)
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T12:00:00+08:00")
    if add_parser not in commands.ADD_PARSERS:
        monkeypatch.setattr(commands, "ADD_PARSERS", (*commands.ADD_PARSERS, add_parser))


def qipan(capsys, *arguments: object) -> tuple[int, str, str]:
    code = main(["import", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_file_with_the_document_of_the_interface(tmp_path, capsys):
    path = tmp_path / "f.csv"
    path.write_text(HEADER + line(1) + "R2,nowhere,2022-07-01,1,\n")
    code, out, err = qipan(capsys, "readings", path, "--source", "s", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert (document["declared"], document["accepted"], document["rejected"], document["duplicate"]) == (2, 1, 1, 0)
    assert document["rejects"] == [{"row": 3, "column": "area", "reason": "There is no such area."}]
    code, out, _ = qipan(capsys, "readings", path, "--source", "s", "--dry-run")
    assert code == 0
    assert "2 declared = 0 accepted + 1 rejected + 1 duplicate; checked" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense", "f.csv", "--source", "s"], "no kind of file called nonsense"),
        (["readings", "absent.csv", "--source", "s"], "absent.csv cannot be read"),
        (["readings", "f.csv"], "needs KIND, FILE and --source"),
        (["readings", "f.csv", "--source", "s"], "f.csv lacks the columns reading, area, day, value"),
        (["readings", "f.csv", "--source", "s", "--map", "absent"], "no mapping file"),
        (["--rejects", "x", "out.csv"], "not the number of a batch"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text("x,y\n1,2\n")
    code, out, err = qipan(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_template_can_be_filled_and_taken_in(tmp_path, capsys):
    path = tmp_path / "t.csv"
    assert qipan(capsys, "--template", "readings", path)[0] == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfreading,area,day,value")
    assert qipan(capsys, "--template", "readings", path)[0] == 1  # never over a file that is there
    with path.open("a") as file:
        file.write("R1,411202,2022-07-01,1,,,,,\n")
    assert "1 accepted" in qipan(capsys, "readings", path, "--source", "s")[1]


def test_rejects_go_out_mended_and_in_again(tmp_path, capsys):
    path, out = tmp_path / "f.csv", tmp_path / "rejects.csv"
    path.write_text(HEADER + "R1,nowhere,2022-07-01,1,=1+1\n" + line(2))
    batch = json.loads(qipan(capsys, "readings", path, "--source", "s", "--json")[1])["batch"]
    assert qipan(capsys, "--rejects", batch, out)[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    out.chmod(0o644)
    assert qipan(capsys, "--rejects", batch, out)[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    text = out.read_text("utf-8-sig")
    assert text.splitlines() == [
        "reading,area,day,value,note,rejected_row,rejected_column,rejected_reason",
        "R1,nowhere,2022-07-01,1,'=1+1,2,area,There is no such area.",
    ]
    out.write_text(text.replace("nowhere", "411202"))
    document = json.loads(qipan(capsys, "readings", out, "--source", "s", "--json")[1])
    assert (document["accepted"], document["columns_aside"]) == (1, [])
    # the formula came home without the apostrophe: the same row written plainly is its duplicate
    path.write_text(HEADER + "R1,411202,2022-07-01,1,=1+1\n")
    assert json.loads(qipan(capsys, "readings", path, "--source", "s", "--json")[1])["duplicate"] == 1


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|x", "-x", "@SUM", "\tx", "＝1", "＋x", "-2+3+cmd"])
def test_formulas_are_neutralised(cell):
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["+8613800000000", "-5", "-5.25", "+86 398-123 4567", "1e-3", "张三", ""])
def test_numbers_phones_and_texts_stay_as_they_are(cell):
    assert neutralise(cell) == cell


def test_a_batch_is_voided_once_and_a_finished_one_is_not_resumed(tmp_path, capsys):
    path = tmp_path / "f.csv"
    path.write_text(HEADER + line(1))
    batch = json.loads(qipan(capsys, "readings", path, "--source", "s", "--json")[1])["batch"]
    assert qipan(capsys, "--resume", batch)[::2] == (1, f"qipan: Batch {batch} is complete.\n")
    code, out, _ = qipan(capsys, "--void", batch, "--json")
    assert (code, json.loads(out)) == (0, {"batch": batch, "state": "voided", "counts": {"readings": 1}})
    assert qipan(capsys, "--void", batch)[::2] == (1, f"qipan: Batch {batch} is voided.\n")


def test_a_clock_that_was_set_back_is_said(tmp_path, capsys, monkeypatch):
    path = tmp_path / "f.csv"
    path.write_text(HEADER + line(0))
    assert qipan(capsys, "readings", path, "--source", "s")[0] == 0
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T11:00:00+08:00")
    code, _, err = qipan(capsys, "readings", path, "--source", "t")
    assert code == 1
    assert "set the clock right" in err
    # another process may have written a moment ago: the log's moment is taken, never an earlier one
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T11:59:30+08:00")
    path.write_text(HEADER + line(5))
    assert qipan(capsys, "readings", path, "--source", "t")[0] == 0
