"""Pages of the area tree, as somebody at a browser meets them."""

import pytest
from tests.cast import CITY, COUNTY_A, COUNTY_B, GRID_A1, TOWNSHIP_A1, VILLAGE_A1

from qipan.rooms.geography.selectors import area_labels, area_line, areas_named, areas_offered, search_areas
from qipan.terms.errors import Absent

pytestmark = pytest.mark.django_db


def test_the_list_is_narrowed_to_what_the_reader_holds(browse):
    page = browse("alice").get("/areas/?level=county")
    assert page.status_code == 200
    assert "Hubin District" in page.content.decode()
    assert "Shanzhou" not in page.content.decode()


def test_the_area_of_another_county_looks_absent(browse):
    assert browse("alice").get(f"/areas/{COUNTY_B}/").status_code == 404
    assert browse("alice").get(f"/areas/?area={COUNTY_B}").status_code == 404
    assert browse("dora").get(f"/areas/{COUNTY_B}/").status_code == 200


def test_chinese_names_for_readers_of_chinese(browse):
    assert "湖滨区" in browse("alice", language="zh-hans").get(f"/areas/{COUNTY_A}/").content.decode()


def test_nobody_reads_without_signing_in(client):
    answer = client.get("/areas/", secure=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in?next=%2Fareas%2F")


@pytest.mark.parametrize("query", ["level=planet", "sort=parent", "page=zzz", "sort=-population&page=e30"])
def test_a_wrong_address_is_answered_in_words(browse, query):
    assert browse("alice").get(f"/areas/?{query}").status_code == 400


def test_export_asks_for_the_second_factor_and_a_purpose(browse):
    assert browse("alice", verified=False).get("/areas/?export=1").headers["Location"].startswith("/second-factor")
    assert browse("chen").get("/areas/?export=1").status_code == 404
    alice = browse("alice")
    assert alice.get("/areas/?export=1").status_code == 200
    assert alice.post("/areas/?export=1", {"act": "export", "purpose": "x"}).status_code == 400
    file = alice.post("/areas/?level=county", {"act": "export", "purpose": "Map of the county for the duty room"})
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "name,code,level,population,qipan_export"
    assert len(lines) == 2
    assert lines[1].startswith(f"Hubin District,{COUNTY_A},county,284641,X")


def test_a_view_is_saved_and_forgotten_by_its_owner(browse):
    alice = browse("alice")
    assert alice.post("/areas/?level=county", {"act": "save-view", "name": "Counties"}).status_code == 302
    assert "Counties" in alice.get("/areas/").content.decode()
    assert "Counties" not in browse("dora").get("/areas/").content.decode()
    assert alice.post("/areas/?level=county", {"act": "save-view", "name": "Counties"}).status_code == 409


def test_the_line_above_an_area_stops_where_the_reader_sees_nothing(cast):
    assert [area.code for area in area_line(cast.alice, TOWNSHIP_A1)] == [COUNTY_A, TOWNSHIP_A1]
    assert [area.code for area in area_line(cast.ma, TOWNSHIP_A1)] == [CITY, COUNTY_A, TOWNSHIP_A1]
    with pytest.raises(Absent):
        area_line(cast.alice, COUNTY_B)


def test_areas_are_searched_within_what_the_reader_holds(cast):
    assert [area.code for area in search_areas(cast.ma, "hubin")] == [COUNTY_A, TOWNSHIP_A1]
    assert [area.code for area in search_areas(cast.alice, "第一社区")] == [VILLAGE_A1]
    assert [area.code for area in search_areas(cast.alice, COUNTY_B)] == []


def test_labels_name_the_area_above_a_small_one(cast):
    labels = area_labels([cast.path(GRID_A1), cast.path(COUNTY_A), "/nowhere/"])
    assert labels == {
        cast.path(GRID_A1): "Demonstration Cell 01 · Demonstration Community 1",
        cast.path(COUNTY_A): "Hubin District",
    }


def test_the_tree_is_read_within_what_the_reader_holds(cast):
    """`area_line`, `search_areas` and `areas_offered` behind the frame's area switch and the forms."""
    assert [area.code for area in area_line(cast.bob, VILLAGE_A1)] == [TOWNSHIP_A1, VILLAGE_A1]
    assert [area.code for area in area_line(cast.eva, COUNTY_A)] == [CITY, COUNTY_A]
    with pytest.raises(Absent):
        area_line(cast.dora, COUNTY_A)
    assert [area.code for area in search_areas(cast.fang, "湖滨区")] == [COUNTY_A]
    assert list(search_areas(cast.dora, "湖滨区")) == []
    assert next(code for code, _ in areas_offered(cast.dora, "/")) == COUNTY_B
    assert COUNTY_A not in dict(areas_offered(cast.dora, "/"))
    assert areas_named(COUNTY_A) == areas_named("hubin district") == [(COUNTY_A, cast.path(COUNTY_A))]
    assert len(areas_named("演示·网格01")) == 3
    assert areas_named("nowhere") == []


@pytest.mark.parametrize(
    ("address", "status"),
    [("/areas/?area=%00", 400), ("/areas/?code=%00", 400), ("/area?name=%00", 400), ("/units/unit/%00/", 404),
     ("/r/%00/", 404)],
)  # fmt: skip
def test_a_zero_character_is_answered_in_words(browse, address, status):
    assert browse("alice").get(address).status_code == status
