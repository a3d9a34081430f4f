"""Cells that fit and cells that do not, and mappings from other people's columns."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qipan.foundation.intake.checking import Rules, check_columns
from qipan.foundation.intake.kinds import Column, ColumnType, FileKind
from qipan.foundation.intake.mapping import apply, bind, load_mapping, make_mapping
from qipan.foundation.intake.tests.toy import AT, READINGS
from qipan.terms.errors import BadInput


def one(column: Column, *cells: str, zone: str = "", formats=(), what_if: bool = False):
    """(values of the good rows, reason by row) of cells of one column."""
    kind = FileKind("one", "One", (column,), lambda ctx, frame: None, lambda ctx, batch: {})
    rows = range(len(cells))
    frame = pl.DataFrame({column.name: pl.Series(list(cells), dtype=pl.String), "_line": rows, "_row": rows})
    rules = Rules(AT, what_if, zone, {column.name: formats} if formats else {})
    checked = check_columns(kind, frame, rules)
    return checked.frame[column.name].to_list(), {r.row: r.reason % r.parameters for r in checked.rejects}


@pytest.mark.parametrize(
    "text", ["2022-07-20", "2022/7/20", "20220720", "2022年7月20日", "2022.7.20", " 2022-7-20 ", "２０２２年７月２０日"]
)
def test_dates_as_people_write_them(text):
    assert one(Column("d", ColumnType.DATE), text) == ([date(2022, 7, 20)], {})


@pytest.mark.parametrize(
    "text", ["2022-02-30", "20-07-2022", "03/04/2022", "2022-07-20x", "0022-07-20", "2022-13-01", "x"]
)
def test_what_is_no_date(text):
    values, reasons = one(Column("d", ColumnType.DATE), text)
    assert (values, list(reasons)) == ([], [0])


def test_day_numbers_in_text_files_are_refused_because_they_mean_two_days():
    assert "day number" in one(Column("d", ColumnType.DATE), "44562")[1][0]


def test_the_future_begins_at_the_moment_in_the_files_zone():
    column = Column("d", ColumnType.DATE)
    late = datetime(2022, 7, 20, 17, tzinfo=UTC)  # the 21st in Shanghai
    kind = FileKind("one", "One", (column,), lambda ctx, frame: None, lambda ctx, batch: {})
    frame = pl.DataFrame({"d": ["2022-07-21"], "_line": [2], "_row": [2]})
    assert not check_columns(kind, frame, Rules(late)).rejects
    assert check_columns(kind, frame, Rules(late, time_zone="UTC")).rejects
    assert "future" in one(column, "2022-07-21")[1][0]
    assert one(column, "2022-07-21", what_if=True)[0] == [date(2022, 7, 21)]
    assert one(Column("d", ColumnType.DATE, future=True), "2022-07-21")[0] == [date(2022, 7, 21)]


def test_formats_of_the_mapping_replace_the_usual_ones():
    assert one(Column("d", ColumnType.DATE), "03/04/2022", "2022-04-03", formats=["%d/%m/%Y"]) == (
        [date(2022, 4, 3)],
        {1: "The cell is not a date, or there is no such day (2022-07-20 is one)."},
    )


def test_instants_need_an_offset_or_a_zone():
    column = Column("t", ColumnType.INSTANT)
    moment = datetime(2022, 7, 20, 0, 30, tzinfo=UTC)
    with_offset = ["2022-07-20T08:30:00+08:00", "2022-07-20 08:30+0800", "2022-07-20T00:30:00Z"]
    assert one(column, *with_offset)[0] == [moment] * 3
    values, reasons = one(column, *with_offset, "2022-07-20 08:30", "2022-07-20")
    assert values == [moment] * 3
    assert "no offset" in reasons[3]
    assert "day with a time" in reasons[4]
    assert one(column, "2022/7/20 8:30", zone="Asia/Shanghai")[0] == [moment]
    assert "future" in one(column, "2022-07-20T12:00:01+08:00")[1][0]


def test_local_times_that_do_not_exist_or_exist_twice():
    column = Column("t", ColumnType.INSTANT)
    reasons = one(column, "2021-03-28 02:30", "2021-10-31 02:30", "2021-03-28 03:30", zone="Europe/Berlin")[1]
    assert set(reasons) == {0, 1}
    assert all("no such local time" in reason for reason in reasons.values())


@pytest.mark.parametrize("name", ["张三", "阿卜杜拉·买买提", "𠮷田", "龘䶮", "e\u0301", "Zoë-O'Neil", "两\n行"])
def test_names_are_stored_exactly_in_nfc(name):
    import unicodedata

    assert one(Column("n"), name)[0] == [unicodedata.normalize("NFC", name)]


@pytest.mark.parametrize(
    "mark", ["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\x00", "\x07", "\x9f", "\ufffd", "\U000e0041"]
)
def test_invisible_characters_are_refused_with_a_reason(mark):
    assert "invisible" in one(Column("n"), f"张{mark}三")[1][0]


def test_text_too_long_and_text_of_ten_thousand_characters():
    assert one(Column("n", max_length=5), "一二三四五")[0] == ["一二三四五"]
    assert "5 characters" in one(Column("n", max_length=5), "一二三四五六")[1][0]
    assert "200 characters" in one(Column("n"), "x" * 10_000)[1][0]


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#DIV/0!"])
def test_spreadsheet_errors_are_no_text(text):
    assert "error" in one(Column("n"), text)[1][0]


@given(st.integers(-(10**17), 10**17))
@settings(deadline=None, max_examples=30)
def test_whole_numbers(number):
    assert one(Column("i", ColumnType.INT), str(number), f"{number}.0")[0] == [number] * 2


@pytest.mark.parametrize("text", ["1.5", "1e3", "1,000", "x", "--1", "0x10", "9" * 19])
def test_what_is_no_whole_number(text):
    assert list(one(Column("i", ColumnType.INT), text)[1]) == [0]


def test_numbers_and_their_bounds():
    column = Column("f", ColumnType.FLOAT, minimum=0, maximum=60)
    values, reasons = one(column, "31.5", "1e1", "-1", "61", "nan", "inf", "1e999", ".5")
    assert values == [31.5, 10.0, 0.5]
    assert set(reasons) == {2, 3, 4, 5, 6}


def test_choices_in_any_case_and_by_other_spellings():
    column = Column("s", ColumnType.CHOICE, choices=("male", "female"), values={"男": "male"})
    assert one(column, "Male", "男", "FEMALE", "x") == (
        ["male", "male", "female"],
        {3: "The value is none of: male, female."},
    )


def test_json_objects_in_one_form():
    column = Column("j", ColumnType.JSON)
    values, reasons = one(column, '{"b": 1, "a": "张"}', "[1]", "{", '{"a": NaN}')
    assert values == ['{"a":"张","b":1}']
    assert set(reasons) == {1, 2, 3}


def test_empty_cells():
    assert list(one(Column("n"), "", " ", "\u3000", "x")[1]) == [0, 1, 2]
    assert one(Column("n", required=False), "", "x") == ([None, "x"], {})
    assert one(Column("n", nullable=True), "", "x") == ([None, "x"], {})


def test_no_reason_repeats_the_cell():
    for kind in (ColumnType.INT, ColumnType.DATE, ColumnType.INSTANT, ColumnType.JSON, ColumnType.FLOAT):
        assert "411202199001011234x" not in str(one(Column("c", kind), "411202199001011234x")[1])


# --- mappings ---------------------------------------------------------------------------------------------

CASES = FileKind(
    "cases", "Cases",
    (Column("case_id"), Column("onset", ColumnType.DATE, nullable=True), Column("sex", required=False),
     Column("source_case", required=False), Column("kind")),
    lambda ctx, frame: None, lambda ctx, batch: {}, id_columns=("case_id",),
)  # fmt: skip


def mapped(mapping: dict, rows: list[dict], kind: FileKind = CASES):
    frame = pl.DataFrame(rows)
    plan = bind(make_mapping(mapping, kind), kind, frame.columns, "f.csv")
    ours, without = apply(plan, frame.with_columns(_line=pl.int_range(2, len(rows) + 2)))
    return plan, ours, without


def test_renaming_constants_values_and_a_case_id_from_free_text():
    mapping = {
        "columns": {"case_id": "ID", "onset": "onset"},
        "constants": {"kind": "confirmed"},
        "values": {"sex": {"F": "female", "M": "male", "": "unknown", "*": "other"}},
        "derive": {"source_case": {"from": "story", "pattern": r"wife of (TJ\d+)"}},
    }
    rows = [
        {"ID": "TJ1", "onset": "2020-01-14", "sex": "F", "story": "", "age": "5"},
        {"ID": "TJ2", "onset": "", "sex": "", "story": "the wife of TJ1, train", "age": "5"},
        {"ID": "TJ3", "onset": "", "sex": "X", "story": "none", "age": "5"},
    ]
    plan, ours, _ = mapped(mapping, rows)
    assert ours["sex"].to_list() == ["female", "unknown", "other"]
    assert ours["source_case"].to_list() == ["", "TJ1", ""]
    assert set(ours["kind"]) == {"confirmed"}
    assert plan.aside == ("age",)


def test_one_wide_row_becomes_two_records():
    mapping = {
        "constants": {"kind": "confirmed"},
        "explode": [
            {"columns": {"case_id": "a_id", "onset": "a_on"}, "when": "a_id"},
            {"columns": {"case_id": "b_id", "onset": "b_on"}, "when": "b_id", "constants": {"kind": "suspected"}},
        ],
    }
    rows = [
        {"a_id": "1", "a_on": "x", "b_id": "2", "b_on": "y"},
        {"a_id": "", "a_on": "", "b_id": "3", "b_on": "z"},
        {"a_id": "", "a_on": "", "b_id": " ", "b_on": "z"},
    ]
    _, ours, without = mapped(mapping, rows)
    assert ours.select("case_id", "onset", "kind", "_line").rows() == [
        ("1", "x", "confirmed", 2), ("2", "y", "suspected", 2), ("3", "z", "suspected", 3),
    ]  # fmt: skip
    assert ours["_row"].n_unique() == 3
    assert without == [4]


def test_the_small_vocabulary_of_derived_columns():
    mapping = {
        "constants": {"kind": "x"},
        "derive": {
            "case_id": {"join": ["p", "n"], "separator": "-"},
            "onset": {"first_of": ["d1", "d2"]},
            "sex": {"from": "list", "split": ",", "index": 1, "lower": True},
            "source_case": {"from": "p", "replace": ["[0-9]", ""]},
        },
    }
    _, ours, _ = mapped(mapping, [{"p": "A1", "n": "7", "d1": " ", "d2": "2020-01-01", "list": "x,Male"}])
    assert ours.row(0)[:4] == ("A1-7", "2020-01-01", "male", "A")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"colums": {}}, "colums"),
        ({"columns": {"nothing": "x"}}, "no column of cases"),
        ({"derive": {"sex": {"from": "x", "pattern": "("}}}, "unusable pattern"),
        ({"derive": {"sex": {"from": "x", "pattern": "y"}}}, "with a group"),
        ({"derive": {"sex": {"from": "x", "eval": "y"}}}, "may hold only"),
        ({"derive": {"sex": {}}}, "needs one of"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"header_row": 0}, "header_row"),
        ({"kind": "tests"}, "not cases"),
        ({"values": {"other": {"a": "b"}}}, "no column"),
    ],
)
def test_mappings_that_cannot_be_used_say_why(mapping, message):
    with pytest.raises(BadInput, match=message):
        make_mapping(mapping, CASES)


def test_missing_columns_are_named_at_once():
    with pytest.raises(BadInput, match=r"f.csv lacks the columns case_id, kind \(a file of cases"):
        bind(make_mapping({}, CASES), CASES, ["onset", "x"], "f.csv")
    with pytest.raises(BadInput, match="lacks the columns ID"):
        bind(make_mapping({"columns": {"case_id": "ID"}, "constants": {"kind": "x"}}, CASES), CASES, ["onset"], "f.csv")


def test_mapping_files_by_path_and_by_name(tmp_path, settings):
    path = tmp_path / "m.toml"
    path.write_text('[columns]\nreading = "R"\n', encoding="utf-8")
    assert load_mapping(str(path), READINGS).parts[0].columns == {"reading": "R"}
    folder = tmp_path / "rooms" / "meter" / "mappings"
    folder.mkdir(parents=True)
    path.rename(folder / "ours.toml")
    settings.PACKAGE = tmp_path
    assert load_mapping("ours", READINGS).parts[0].columns == {"reading": "R"}
    for wrong in ("absent", "../meter/mappings/ours"):
        with pytest.raises(BadInput, match="no mapping file"):
            load_mapping(wrong, READINGS)
    (tmp_path / "bad.toml").write_text("= x")
    with pytest.raises(BadInput, match="is not a mapping"):
        load_mapping(str(tmp_path / "bad.toml"), READINGS)
