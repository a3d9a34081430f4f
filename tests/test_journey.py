"""The loop, as an office types it: files in, decisions, orders, work, a day, a replay, a log that verifies."""

import json
from pathlib import Path
from typing import Any

import pytest

from qipan.cli.main import main

AREAS = Path(__file__).resolve().parents[1] / "src/qipan/demo/data/sanmenxia_areas.csv"

#: row 3 has a wrong check digit, row 5 a day that does not exist, row 6 an area that does not
PERSONS = """\ufeff编号,name,document_kind,document_number,birth_date,sex,phone,area,address,household
R1,王一,id,11010519491231002X,1949-12-31,female,13800000001,411202001,演示路1号,H1
R2,李二,id,110105194912310021,1949-12-31,female,13800000002,411202001,演示路1号,H1
R3,张三,none,,1980-02-28,male,13800000003,411202001,演示路2号,H2
R4,赵四,none,,1980-02-30,male,13800000004,411202001,演示路2号,H2
R5,孙五,passport,E12345678,1980-02-28,male,13800000005,999999,演示路2号,H2
"""
CASES = """case_id,person_id,onset_date,report_date,classification
C1,,2022-07-17,2022-07-19,confirmed
"""
CONTACTS = """from_case_id,to_person_id,first_exposure,last_exposure,setting
C1,registry:R1,2022-07-16,2022-07-18,household
C1,registry:R3,2022-07-16,2022-07-18,work
"""


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIPAN_NOW", "2022-07-20T12:00:00+08:00")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("noon")
def test_the_loop_from_files_to_work_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def qipan(*words: object, code: int = 0) -> Any:
        assert main([str(word) for word in words]) == code
        out = capsys.readouterr()
        return json.loads(out.out) if "--json" in words else out.out + out.err

    def file(name: str, text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    qipan("init", "--areas", AREAS)
    qipan("rulebook", "publish", "covid19-cn-9")
    qipan("rulebook", "publish", "covid19-cn-20")

    # a Chinese export with errors: nothing half, every reject named, totals that add up
    mapping = file("map.toml", '[columns]\nsource_id = "编号"\n')
    persons = file("persons.csv", PERSONS.removeprefix("\ufeff"), "gb18030")
    done = qipan("import", "persons", persons, "--source", "registry", "--map", mapping, "--json")
    assert (done["declared"], done["accepted"], done["rejected"], done["duplicate"]) == (5, 2, 3, 0)
    assert done["encoding"] == "gb18030"
    assert [(r["row"], r["column"]) for r in done["rejects"]] == [
        (3, "document_number"), (5, "birth_date"), (6, "area"),
    ]  # fmt: skip
    again = qipan("import", "persons", file("bom.csv", PERSONS), "--source", "registry", "--map", mapping, "--json")
    assert (again["accepted"], again["rejected"], again["duplicate"]) == (0, 3, 2)

    # the rejects come out with their reasons, are mended, and go in
    rejects = tmp_path / "rejects.csv"
    qipan("import", "--rejects", done["batch"], rejects)
    text = rejects.read_text(encoding="utf-8-sig")
    mended = text.replace("110105194912310021", "").replace(",id,", ",none,").replace("1980-02-30", "1980-02-27")
    mended = mended.replace("999999", "411202001")
    fixed = qipan(
        "import", "persons", file("mended.csv", mended), "--source", "registry", "--map", mapping, "--json"
    )
    assert (fixed["accepted"], fixed["rejected"]) == (3, 0), fixed

    # a case and its contacts: exposures become evidence, evidence is decided, orders follow
    case = CASES.replace("C1,,", "C1,registry:R5,")
    assert qipan("import", "cases", file("cases.csv", case), "--source", "cdc", "--json")["accepted"] == 1
    contacts = qipan("import", "contacts", file("contacts.csv", CONTACTS), "--source", "cdc", "--json")
    assert contacts["accepted"] == 2

    first = qipan("day", "run", "--json")
    steps = {step["name"]: step["counts"] for step in first["steps"]}
    assert first["changed"]
    # two contacts and the case wait for a room
    assert steps["alarms"]["arrivals_due"] == 3
    assert steps["reconcile"]["without_entry"] == 0
    second = qipan("day", "run", "--json")
    assert not second["changed"]

    replayed = qipan(
        "replay", "--rulebook", "covid19-cn-9", "--rulebook", "covid19-cn-20", "--from", "2022-07-20", "--to",
        "2022-07-26", "--json",
    )  # fmt: skip
    ninth, twenty = replayed["rulebooks"]
    # last exposure 18 July: central through the 25th under the 9th edition, through the 23rd under the twenty measures
    assert ninth["person_days"]["quarantine_central"] == 2 * 6
    assert twenty["person_days"]["quarantine_central"] == 2 * 4
    assert replayed["changed_persons"] == 2

    # the contacts file was wrong: taken back, and the orders with it
    voided = qipan("import", "--void", contacts["batch"], "--json")
    assert voided["state"] == "voided"
    after = {s["name"]: s["counts"] for s in qipan("day", "run", "--json")["steps"]}
    assert after["alarms"]["arrivals_due"] == 1

    anchor = tmp_path / "anchor.txt"
    qipan("audit", "anchor", anchor)
    qipan("audit", "verify", "--anchor", anchor)
    assert qipan("audit", "verify", "--json")["verified"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "persons", "nowhere.csv", "--source", "x"], "nowhere.csv"),
        (["import", "horses", "nowhere.csv", "--source", "x"], "horses"),
        (["replay", "--rulebook", "covid19-cn-9", "--from", "2022-07-20", "--to", "2022-07-01"], "rulebook"),
        (["import", "--void", "123456"], "123456"),
        (["user", "add", "x", "--role", "tracer", "--area", "999999"], "999999"),
        (["rulebook", "publish", "no-such-book"], "no-such-book"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(words)
    out = capsys.readouterr()
    assert code in (1, 2)
    assert out.out == ""
    assert len(out.err.strip().splitlines()) == 1
    assert said in out.err or "Not found" in out.err
    assert "Traceback" not in out.err
