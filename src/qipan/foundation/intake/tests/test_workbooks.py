"""Workbooks: what spreadsheets do to cells, and archives that are weapons."""

import resource
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from qipan.foundation.intake.checking import Rules, check_columns
from qipan.foundation.intake.kinds import Column, ColumnType, FileKind
from qipan.foundation.intake.mapping import apply, bind, make_mapping
from qipan.foundation.intake.opening import open_file
from qipan.foundation.intake.tests.toy import AT
from qipan.terms.errors import BadInput

KIND = FileKind(
    "sheet", "Sheet",
    (
        Column("id", exact=True, required=False),
        Column("day", ColumnType.DATE, required=False),
        Column("age", ColumnType.INT, required=False),
        Column("moment", ColumnType.INSTANT, required=False),
        Column("place", ColumnType.AREA, required=False),
        Column("note", required=False),
    ),
    lambda ctx, frame: None, lambda ctx, batch: {},
)  # fmt: skip
DAY = "yyyy-mm-dd"


def workbook(path: Path, rows, *, mac: bool = False, formats=()) -> Path:
    book = openpyxl.Workbook()
    if mac:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for cell, form in formats:
        sheet[cell].number_format = form
    book.save(path)
    return path


def checked(path: Path, zone: str = ""):
    reader = open_file(path)
    plan = bind(make_mapping({"time_zone": zone} if zone else {}, KIND), KIND, reader.header, path.name)
    [block] = reader.blocks()
    ours, _ = apply(plan, block.frame)
    return check_columns(KIND, ours, Rules(AT, time_zone=zone, epoch_1904=reader.epoch_1904))


def reasons(result):
    return [(reject.row, reject.column, reject.reason) for reject in result.rejects]


def test_identity_numbers_stored_as_numbers_are_refused(tmp_path):
    rows = [["id", "note"], ["411202199001011234", "text"], [411202199001011234, "number"], [12, "short"]]
    result = checked(workbook(tmp_path / "b.xlsx", rows))
    assert result.frame["id"].to_list() == ["411202199001011234"]
    assert [(row, column) for row, column, _ in reasons(result)] == [(3, "id"), (4, "id")]
    assert "stored as a number" in result.rejects[0].reason


def test_long_numbers_are_refused_in_any_column_of_text_and_short_ones_are_text(tmp_path):
    rows = [["id", "place", "note"], ["a", 411202, 12.5], ["b", 411202001001, 1e16], ["c", 41120200100100123, 3]]
    result = checked(workbook(tmp_path / "b.xlsx", rows))
    assert result.frame.select("place", "note").rows() == [("411202", "12.5")]
    assert [(row, column) for row, column, _ in reasons(result)] == [(4, "place"), (3, "note")]


@pytest.mark.parametrize(("mac", "day"), [(False, date(2022, 1, 1)), (True, date(2026, 1, 2))])
def test_day_numbers_follow_the_workbooks_system(tmp_path, mac, day):
    path = workbook(tmp_path / "b.xlsx", [["id", "day"], ["a", 44562], ["b", 44562]], mac=mac, formats=[("B3", DAY)])
    reader = open_file(path)
    plan = bind(make_mapping({}, KIND), KIND, reader.header, "b.xlsx")
    ours, _ = apply(plan, next(reader.blocks()).frame)
    result = check_columns(KIND, ours, Rules(datetime(2030, 1, 1, tzinfo=AT.tzinfo), epoch_1904=reader.epoch_1904))
    assert result.frame["day"].to_list() == [day, day]


def test_the_day_that_spreadsheets_invented_and_those_before_are_refused(tmp_path):
    rows = [["id", "day"], ["a", 60], ["b", 60], ["c", 1], ["d", 61], ["e", 61], ["f", 59]]
    path = workbook(tmp_path / "b.xlsx", rows, formats=[("B3", DAY), ("B6", DAY), ("B7", DAY)])
    result = checked(path)
    assert result.frame["day"].to_list() == [date(1900, 3, 1)] * 2
    assert sorted(row for row, _, _ in reasons(result)) == [2, 3, 4, 7]
    assert all("1 March 1900" in reason for _, _, reason in reasons(result))


def test_compact_dates_stored_as_numbers_and_date_times(tmp_path):
    rows = [["id", "day", "moment"], ["a", 20220720, datetime(2022, 7, 20, 8, 30)], ["b", date(2022, 7, 19), 44562.5]]
    assert len(checked(workbook(tmp_path / "b.xlsx", rows)).rejects) == 2
    result = checked(workbook(tmp_path / "b.xlsx", rows), "Asia/Shanghai")
    assert result.frame["day"].to_list() == [date(2022, 7, 20), date(2022, 7, 19)]
    assert [m.isoformat() for m in result.frame["moment"]] == ["2022-07-20T00:30:00+00:00", "2022-01-01T04:00:00+00:00"]


def test_identifiers_that_became_dates_are_refused(tmp_path):
    rows = [["id", "note"], [date(2022, 3, 1), "was 3-1"], ["x", date(2022, 3, 1)]]
    result = checked(workbook(tmp_path / "b.xlsx", rows))
    assert result.frame["note"].to_list() == ["2022-03-01"]
    assert reasons(result)[0][:2] == (2, "id")


def test_errors_and_formulas_without_a_value_are_refused(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["id", "age", "note"])
    for row in ["a", "b", "c", "d"]:
        sheet.append([row, 1, "x"])
    sheet["B3"].value, sheet["B3"].data_type = "#N/A", "e"
    sheet["C4"] = "=1/0"
    sheet["C5"] = "#REF!"
    book.save(tmp_path / "b.xlsx")
    result = checked(tmp_path / "b.xlsx")
    assert result.frame["id"].to_list() == ["a"]
    assert [(row, column) for row, column, _ in reasons(result)] == [(3, "age"), (4, "note"), (5, "note")]
    assert {reason for *_, reason in reasons(result)} == {"The cell holds a spreadsheet's error."}


def test_cells_that_lie_under_a_merged_one_are_refused_and_not_taken_for_empty(tmp_path):
    path = tmp_path / "b.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    rows = [["id", "age", "note", None], ["a", 1, "family", "aside"], ["b", 2, None, None], ["c", 3, "x", None],
            ["d", 4, "y", None], [None, None, None, None], ["e", 5, "z", None]]  # fmt: skip
    for row in rows:
        sheet.append(row)
    # a family's note over two rows; something beside the table; an empty row; a row across; the header
    for area in ("C2:C3", "D2:D4", "A5:A6", "B7:C7", "C1:D1"):
        sheet.merge_cells(area)
    sheet["D2"] = None
    book.save(path)
    result = checked(path)
    assert result.frame["id"].to_list() == ["a", "c", "d"]
    reason = "The cell is merged with another one: separate them and fill in each of them."
    assert reasons(result) == [(3, "note", reason), (7, "note", reason)]
    reader = open_file(path)
    assert (reader.header, len(next(reader.blocks()).frame), reader.blank) == (["id", "age", "note"], 5, 1)


def test_a_table_that_begins_elsewhere_and_other_sheets(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["B3"], sheet["C3"], sheet["B4"], sheet["C4"] = "id", "age", "a", 7
    sheet["C6"].value, sheet["C6"].data_type = "#N/A", "e"
    sheet["B6"] = "b"
    book.create_sheet("更多")["A1"] = "more"
    book.create_sheet("empty")
    book.save(tmp_path / "b.xlsx")
    reader = open_file(tmp_path / "b.xlsx", header_row=3)
    assert reader.header == ["id", "age"]
    assert reader.aside == ["[更多]"]
    [block] = reader.blocks()
    assert block.frame["_line"].to_list() == [4, 6]
    assert block.frame["age"].to_list() == ["\0n:7", "\0e:"]
    assert reader.blank == 1


def repacked(source: Path, target: Path, change=lambda name, data: data, extra=()) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in extra:
            new.writestr(name, data)
    return target


@pytest.fixture
def plain(tmp_path) -> Path:
    return workbook(tmp_path / "plain.xlsx", [["id", "age"], ["a", 1]])


def test_bombs_are_refused_before_they_are_opened(tmp_path, plain):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = repacked(plain, tmp_path / "ratio.xlsx", extra=[("xl/worksheets/sheet9.xml", b" " * 150_000_000)])
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInput, match="to 1 is opened"):
        open_file(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(made, before) < 50_000
    many = repacked(plain, tmp_path / "many.xlsx", extra=[(f"xl/x{n}.xml", b"<a/>") for n in range(1001)])
    with pytest.raises(BadInput, match="1000 parts"):
        open_file(many)


def test_an_archive_that_lies_about_its_sizes(tmp_path, plain):
    bomb = repacked(plain, tmp_path / "b.xlsx", extra=[("xl/worksheets/sheet9.xml", b" " * 50_000_000)])
    data = bomb.read_bytes().replace((50_000_000).to_bytes(4, "little"), (500).to_bytes(4, "little"))
    bomb.write_bytes(data)
    with pytest.raises(BadInput, match="damaged workbook"):
        open_file(bomb)


@pytest.mark.parametrize("name", ["../../evil.xml", "/etc/evil.xml", "C:/evil.xml", "..\\evil.xml"])
def test_paths_that_leave_the_archive(tmp_path, plain, name):
    with pytest.raises(BadInput, match="opened safely"):
        open_file(repacked(plain, tmp_path / "b.xlsx", extra=[(name, b"<a/>")]))


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
    ],
)
def test_entities_are_refused_in_any_part_and_encoding(tmp_path, plain, prolog):
    def poison(name, data):
        return data.replace(b"<worksheet", prolog + b"<worksheet", 1) if name.endswith("sheet1.xml") else data

    with pytest.raises(BadInput, match="opened safely"):
        open_file(repacked(plain, tmp_path / "b.xlsx", poison))

    def hidden(name, data):
        return poison(name, data).decode().encode("utf-16") if name.endswith("sheet1.xml") else data

    with pytest.raises(BadInput, match="opened safely"):
        open_file(repacked(plain, tmp_path / "c.xlsx", hidden))


def test_no_workbook_at_all(tmp_path):
    path = tmp_path / "b.xlsx"
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(BadInput, match="damaged workbook"):
        open_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "x")
    with pytest.raises(BadInput, match="opened safely"):
        open_file(path)


def test_a_workbook_goes_the_whole_way(tmp_path):
    result = checked(
        workbook(tmp_path / "b.xlsx", [["id", "age", "day"], ["一", 30.0, "2022年7月1日"], ["二", 30.5, None]])
    )
    assert result.frame.select("id", "age", "day").rows() == [("一", 30, date(2022, 7, 1))]
    assert isinstance(result.frame, pl.DataFrame)
    assert reasons(result) == [(3, "age", "The cell is not a whole number.")]
