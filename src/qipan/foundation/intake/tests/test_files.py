"""Files as they come: encodings, delimiters, broken tables, row limits, JSON lines, Parquet."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qipan.foundation.intake.encoding import decide_encoding
from qipan.foundation.intake.opening import open_file
from qipan.foundation.intake.totals import check_row_limits
from qipan.terms.errors import BadInput

HEADER = "身份证号,姓名\n"


def put(folder: Path, data: bytes | str, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read(path: Path):
    reader = open_file(path)
    blocks = list(reader.blocks())
    frame = pl.concat([block.frame for block in blocks]) if blocks else pl.DataFrame()
    return reader, frame, [bad for block in blocks for bad in block.bad]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ((HEADER + "1,王").encode(), "utf-8"),
        ((HEADER + "1,王").encode("utf-8-sig"), "utf-8-sig"),
        ((HEADER + "1,王").encode("gb18030"), "gb18030"),
        ((HEADER + "1,𠮷龘").encode("gb18030"), "gb18030"),
    ],
)
def test_the_encoding_is_decided_and_a_mark_never_enters_a_header(tmp_path, data, encoding):
    reader, frame, _ = read(put(tmp_path, data))
    assert reader.encoding == encoding
    assert reader.header == ["身份证号", "姓名"]
    assert frame["姓名"][0] in ("王", "𠮷龘")


def test_the_whole_file_decides_not_its_beginning(tmp_path):
    """Two-character GBK names that are valid UTF-8 for a megabyte; then one that is not."""
    start = b"a,b\n" + b"x,\xc4\x82\n" * 300_000
    path = put(tmp_path, start + "y,张三\n".encode("gb18030"))
    assert decide_encoding(path).name == "gb18030"
    assert decide_encoding(put(tmp_path, start, "g.csv")).name == "utf-8"


def test_neither_is_refused_with_offset_and_line(tmp_path):
    with pytest.raises(BadInput, match="byte 10 in line 3"):
        decide_encoding(put(tmp_path, b"a,b\nc,d\ne,\xff\xff\n"))
    # the offset is right beyond the first block too, where a character is cut by the block's end
    data = b"a" * (2**20 - 1) + "王".encode() + b"\n" + b"\xff"
    with pytest.raises(BadInput, match=f"byte {len(data) - 1} in line 2"):
        decide_encoding(put(tmp_path, data))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_an_encoding_that_is_decided_decodes_the_file(tmp_path_factory, data):
    path = put(tmp_path_factory.mktemp("f"), data)
    try:
        name = decide_encoding(path).name
    except BadInput:
        return
    assert data.decode(name, errors="strict") is not None


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_recognised_and_said(tmp_path, codec):
    with pytest.raises(BadInput, match="UTF-16"):
        open_file(put(tmp_path, "code,name,age\n1,x,2\n".encode(codec)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_alone_tells_the_delimiter(tmp_path, delimiter):
    text = delimiter.join(["a", '"b;,x"', "c"]) + "\r\n" + delimiter.join(["1", '"x;,y;,z;,"', "3"]) + "\r\n"
    reader, frame, _ = read(put(tmp_path, text))
    assert reader.header == ["a", "b;,x", "c"]
    assert frame.row(0)[:3] == ("1", "x;,y;,z;,", "3")


def test_quoted_line_ends_are_part_of_a_cell_and_rows_count_as_in_a_spreadsheet(tmp_path):
    _, frame, bad = read(put(tmp_path, 'a,b\n"1\n2",x\n3,y\n4\n'))
    assert frame["a"].to_list() == ["1\n2", "3"]
    assert frame["_line"].to_list() == [2, 3]
    assert [(row.line, row.parameters["cells"]) for row in bad] == [(4, 1)]


def test_ragged_rows_keep_what_was_in_them_and_empty_rows_are_counted(tmp_path):
    reader, frame, bad = read(put(tmp_path, "a,b\n1,2\n\n,\n3,4,5\n6\n"))
    assert len(frame) == 1
    assert [row.line for row in bad] == [5, 6]
    assert bad[0].raw == {"a": "3", "b": "4", "(extra 1)": "5"}
    assert reader.blank == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (",,\n1,2,3\n", "is empty"),
        ("a,a\n1,2\n", "more than one column called a"),
        ("_row,a\n1,2\n", "underscore"),
    ],
)
def test_files_without_a_usable_header(tmp_path, text, message):
    with pytest.raises(BadInput, match=message):
        open_file(put(tmp_path, text))


@pytest.mark.parametrize("text", ['a,b\n1,2\n3,"4\n5,6\n', 'a,b\n1,2\n3,"4"x\n', "a,b\n1,2\n3," + "x" * 200_000 + "\n"])
def test_quoting_that_breaks_the_table_refuses_the_file_naming_the_row(tmp_path, text):
    with pytest.raises(BadInput, match="after row 2"):
        read(put(tmp_path, text))


def test_an_absent_file(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        open_file(tmp_path / "absent.csv")


@pytest.mark.parametrize("rows", [65_535, 65_536, 1_048_575, 1_048_576])
def test_counts_at_which_spreadsheets_cut_off_need_the_senders_count(rows):
    with pytest.raises(BadInput, match="confirm-rows"):
        check_row_limits("f.csv", rows, None)
    check_row_limits("f.csv", rows, rows)
    with pytest.raises(BadInput, match="the sender counted"):
        check_row_limits("f.csv", rows, rows + 70)
    check_row_limits("f.csv", rows + 2, None)


def test_json_lines_keep_long_numbers_and_say_which_line_is_none(tmp_path):
    lines = ['{"a": 41120219900101001, "b": {"x": 1.50, "y": [1]}}', "", "[1]", "{", '{"a": "x", "c": true, "b": null}']
    reader, frame, bad = read(put(tmp_path, "\n".join(lines) + "\n", "f.jsonl"))
    assert reader.header == ["a", "b", "c"]
    assert frame["a"].to_list() == ["41120219900101001", "x"]
    assert json.loads(frame["b"][0]) == {"x": 1.5, "y": [1]}
    assert frame["c"].to_list() == ["", "true"]
    assert [row.line for row in bad] == [3, 4]
    assert reader.blank == 1


def test_parquet_columns_become_text(tmp_path):
    path = tmp_path / "f.parquet"
    frame = pl.DataFrame({"n": [1, None], "t": ["x", "y"], "s": [{"k": 1}, {"k": 2}], "b": [True, None]})
    frame = frame.with_columns(d=pl.date(2022, 7, 20), m=pl.datetime(2022, 7, 20, 8, time_zone="Asia/Shanghai"))
    frame.write_parquet(path)
    reader, read_back, _ = read(path)
    assert read_back.drop("_line").row(0) == (
        "1",
        "x",
        '{"k":1}',
        "true",
        "2022-07-20",
        "2022-07-20T00:00:00.000000+00:00",
    )
    assert read_back["n"].to_list() == ["1", ""]
    assert read_back["_line"].to_list() == [1, 2]
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(BadInput, match="not a Parquet file"):
        open_file(path)


def test_whole_numbers_that_parquet_stores_as_floats_keep_their_digits_and_long_ones_show_their_loss(tmp_path):
    path = tmp_path / "f.parquet"
    column = [411202001.0, None, float("nan"), 35.5, -3.0, 110105194912310020.0, float("inf"), 0.0]
    pl.DataFrame({"f": column, "g": ["x"] * len(column)}, strict=False).write_parquet(path)
    _, told, _ = read(path)
    assert told["f"].to_list() == ["411202001", "", "", "35.5", "-3", "1.1010519491231002e+17", "inf", "0"]


def test_an_old_workbook_is_named_as_such(tmp_path):
    with pytest.raises(BadInput, match=r"old \(.xls\)"):
        open_file(put(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "f.xls"))
