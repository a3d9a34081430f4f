"""`qipan export`: tables out that come in again; who may, what never leaves, what the log says."""

import csv
import json
import stat

import polars as pl
import pytest
from tests.cast import COUNTY_A, COUNTY_B, GRID_A1, TOWNSHIP_A1

from qipan.cli.main import main
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.foundation.exports.kinds import export_kinds
from qipan.foundation.exports.services import table_export
from qipan.foundation.intake.kinds import file_kind
from qipan.foundation.intake.services import file_import
from qipan.terms.errors import Denied
from qipan.terms.identity import person_code
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db
WHY = "Round trip in the tests"


@pytest.fixture
def town(cast, at, tmp_path, monkeypatch):
    """A few rows of every table."""
    monkeypatch.setenv("QIPAN_NOW", at.isoformat())
    xia, tao, wei = (person_code(cast.persons[name]) for name in ("xia", "tao", "wei"))
    files = {
        "population": "area,sex,age_from,age_to,count\n" + f"{COUNTY_A},male,0,4,10\n{COUNTY_A},male,5,,90\n",
        "cases": f"case_id,person_id,onset_date,report_date,classification\nC1,{xia},2022-07-15,2022-07-16,confirmed\n"
        f"C2,{tao},2022-07-15,2022-07-17,confirmed\n",
        "contacts": "from_case_id,to_person_id,first_exposure,last_exposure,setting,minutes,distance_m,class\n"
        f"C1,{wei},2022-07-14,2022-07-15,dinner,45,1.5,close\n",
        "tests": "specimen_id,person_id,sampled_at,resulted_at,method,result,ct,lab\n"
        f"S1,{xia},2022-07-16T08:00:00+08:00,2022-07-16T18:00:00+08:00,pcr,positive,21.5,演示\n"
        f"S2,{tao},2022-07-16T08:00:00+08:00,2022-07-16T18:00:00+08:00,pcr,negative,,\n",
        "rooms": f"site,room,kind,area,capacity\n演示·一号,101,single,{TOWNSHIP_A1},1\n"
        f"演示·一号,102,family,{TOWNSHIP_A1},3\n",
        "evidence": "evidence_id,person_id,kind,at,value\n"
        f'V1,{wei},symptom,2022-07-18T08:00:00+08:00,"{{""symptoms"":[""fever""]}}"\n',
    }
    for kind, text in files.items():
        path = tmp_path / f"in-{kind}.csv"
        path.write_text(text)
        result = file_import(actor=SYSTEM_ACTOR if kind != "population" else cast.fang, kind=kind, path=path,
                             source="s", at=at)  # fmt: skip
        assert result.rejected == 0, result.rejects
    return cast


def test_every_table_has_the_columns_with_which_it_comes_in():
    assert [kind.name for kind in export_kinds()] == [
        "areas", "cases", "contacts", "evidence", "persons", "population", "rooms", "tests",
    ]  # fmt: skip
    for kind in export_kinds():
        assert list(kind.columns) == [column.name for column in file_kind(kind.name).columns], kind.name


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "jsonl"])
@pytest.mark.parametrize(
    ("kind", "rows"),
    [("areas", 14), ("population", 2), ("persons", 5), ("cases", 2), ("contacts", 1), ("tests", 2), ("rooms", 2),
     ("evidence", 6)],
)  # fmt: skip
def test_what_leaves_comes_in_again(town, at, tmp_path, kind, rows, suffix):
    path = tmp_path / f"out.{suffix}"
    done = table_export(actor=SYSTEM_ACTOR, kind=kind, path=path, purpose=WHY, at=at)
    assert done.rows == rows
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    importer = town.fang if kind in ("areas", "population") else SYSTEM_ACTOR
    # contacts find their cases, and rooms their own, only within the source that sent them
    source = "s" if kind in ("contacts", "rooms") else "copy"
    again = file_import(actor=importer, kind=kind, path=path, source=source, at=at, dry_run=True)
    assert (again.declared, again.columns_aside) == (rows, [])
    # the province lies above the administrator's city
    assert again.rejected == (1 if kind == "areas" else 0), again.rejects


def test_values_come_back_as_they_were(town, at, tmp_path):
    path = tmp_path / "tests.jsonl"
    table_export(actor=SYSTEM_ACTOR, kind="tests", path=path, purpose=WHY, at=at)
    first, second = map(json.loads, path.read_text().splitlines())
    assert first["specimen_id"] == "S1"
    assert first["sampled_at"] == "2022-07-16T00:00:00+00:00"
    assert (first["ct"], first["lab"], second["ct"], second["pool_id"]) == (21.5, "演示", None, None)
    path = tmp_path / "c.parquet"
    table_export(actor=SYSTEM_ACTOR, kind="contacts", path=path, purpose=WHY, at=at)
    [row] = pl.read_parquet(path).to_dicts()
    assert (row["from_case_id"], row["class"], row["minutes"], row["distance_m"]) == ("C1", "close", 45, 1.5)


def test_people_leave_as_pseudonyms(town, at, tmp_path):
    path = tmp_path / "persons.csv"
    table_export(actor=SYSTEM_ACTOR, kind="persons", path=path, purpose=WHY, at=at)
    text = path.read_text("utf-8-sig")
    assert "演示·xia" not in text
    assert "SYN-CAST" not in text
    row = next(csv.DictReader(text.splitlines()))
    assert (row["source_id"], row["name"], row["area"]) == (f"qipan-{person_code(town.persons['xia'])}", "", GRID_A1)


def test_each_actor_takes_what_is_his_and_the_log_says_so(town, at, tmp_path):
    path = tmp_path / "a.csv"
    done = table_export(actor=town.alice, kind="cases", path=path, purpose=WHY, at=at)
    assert done.rows == 1
    assert "C2" not in path.read_text()
    entry = AuditEntry.objects.get(action="rows.export", actor_label="alice")
    assert (entry.subject_id, entry.detail["rows"], entry.detail["what"]) == (done.code, 1, "cases")
    assert open_reason(entry.detail["reason"], write_id=entry.write_id) == WHY
    # no right to export; a right to export and none to see these rows
    for actor, kind in ((town.chen, "persons"), (town.bob, "cases"), (town.ma, "cases"), (town.gao, "tests")):
        with pytest.raises(Denied):
            table_export(actor=actor, kind=kind, path=tmp_path / "denied.csv", purpose=WHY, at=at)
    assert not (tmp_path / "denied.csv").exists()
    assert AuditEntry.objects.filter(action="denied").count() == 4


def qipan(capsys, *arguments: object) -> tuple[int, str, str]:
    code = main(["export", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_and_its_document(town, tmp_path, capsys):
    path = tmp_path / "cases.csv"
    code, out, err = qipan(capsys, "cases", path, "--purpose", WHY, "--area", COUNTY_B, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["rows"] == 1
    code, out, _ = qipan(capsys, "cases", tmp_path / "b.csv", "--purpose", WHY, "--as", "alice")
    assert (code, out.split()[0]) == (0, "1")
    code, out, _ = qipan(capsys, "--kinds")
    assert code == 0
    assert len(out.splitlines()) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cases"], "needs KIND, FILE and --purpose"),
        (["cases", "x.csv"], "Say for what purpose"),
        (["cases", "x.csv", "--purpose", "why"], "Say for what purpose"),
        (["nonsense", "x.csv", "--purpose", WHY], "no export called nonsense"),
        (["cases", "x.doc", "--purpose", WHY], "the suffix says which form"),
        (["cases", "x.csv", "--purpose", WHY, "--profile", "godata"], "profile godata is not there yet"),
        (["cases", "there.csv", "--purpose", WHY], "exists"),
        (["cases", "x.csv", "--purpose", WHY, "--as", "nobody"], "no active user called nobody"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(cast, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("")
    code, out, err = qipan(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "x.csv").exists()
