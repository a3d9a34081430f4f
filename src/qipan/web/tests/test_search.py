"""The global search: what may be found by whom, and that no number of a person gets into an address."""

import pytest
from tests.cast import AT, COUNTY_A, COUNTY_B

from qipan.terms.identity import person_code
from qipan.web.search import personal_kind

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("11010519491231002X", "document"), ("11010519491231002x", "document"), ("110105491231002", "document"),
        ("E12345678", "document"), ("SYN-CAST-XIA", "document"), ("13800001234", "phone"), ("138-0000-1234", "phone"),
        ("+86 138 0000 1234", "phone"), ("(0398) 2823456", "phone"), ("00012340000", "phone"), ("2823456", "phone"),
        ("411202", ""), ("411202001", ""), ("411202001001", ""), ("411202001001-01", ""), ("#123", ""), ("123", ""),
        (person_code(123), ""), ("C-0001", ""), ("湖滨区", ""), ("Areas", ""), ("", ""),
    ],
)  # fmt: skip
def test_numbers_of_people_are_known_from_ids_of_ours(text, kind):
    assert personal_kind(text) == kind


def test_places_units_and_pages_are_found(browse, django_assert_max_num_queries):
    alice = browse("alice")
    with django_assert_max_num_queries(30):
        text = alice.post("/search", {"q": "Hubin D"}).content.decode()
    assert f"/areas/{COUNTY_A}/" in text
    assert f"/areas/{COUNTY_B}/" not in alice.post("/search", {"q": "Shanzhou D"}).content.decode()
    assert "/areas/" in alice.get("/search?q=areas").content.decode()


def test_an_exact_id_is_opened_at_once(browse):
    answer = browse("dora").post("/search", {"q": COUNTY_B})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/areas/{COUNTY_B}/?area={COUNTY_B}")
    # not hers: nothing is opened, nothing is said
    answer = browse("alice").post("/search", {"q": COUNTY_B})
    assert answer.headers["Location"].startswith("/search?q=")
    assert "Nothing of yours" in browse("alice").get(answer.headers["Location"]).content.decode()


@pytest.mark.parametrize("number", ["11010519491231002X", "13800001234", "+86 138 0000 1234"])
def test_a_number_of_a_person_leaves_the_address_at_once(browse, number):
    alice = browse("alice")
    answer = alice.get("/search", {"q": number})
    assert answer.status_code == 302
    assert number.replace(" ", "+") not in answer.headers["Location"]
    assert "0000" not in answer.headers["Location"]
    assert "1949" not in answer.headers["Location"]
    assert number not in alice.get(answer.headers["Location"]).content.decode()
    asked = alice.post("/search", {"q": number})
    assert asked.status_code == 200  # shown, not sent on: it never is in an address


def test_a_name_typed_into_the_search_box_stays_out_of_the_address(browse):
    assert browse("alice").post("/search", {"q": "王小明"}).status_code == 200


@pytest.mark.parametrize("name", ["ma", "eva", "fang"])
def test_who_may_not_look_people_up_is_not_offered_it(browse, name):
    assert 'name="purpose"' not in browse(name).post("/search", {"q": "13800001234"}).content.decode()


@pytest.mark.parametrize("text", ["x" * 61, "a\0b"])
def test_nonsense_is_answered_in_words(browse, text):
    assert browse("alice").post("/search", {"q": text}).status_code == 400
    assert browse("alice").get("/search", {"q": text}).status_code == 400


def test_the_empty_search_says_what_to_type(browse, client):
    assert "(#123)" in browse("alice").get("/search").content.decode()
    assert browse("alice").get("/search?person=junk").status_code == 200
    assert client.get("/search", secure=True).status_code == 302


def test_finders_give_only_what_is_the_readers(cast, monkeypatch):
    from qipan.foundation.pages import searching

    monkeypatch.setattr(searching, "address", lambda name, *args: f"/{name}/{args[0]}")
    everybody = {
        name: [found.title for group in searching.search(actor, text) for found in group.found]
        for name, actor, text in (
            ("alice finds xia", cast.alice, person_code(cast.xia)),
            ("alice finds tao", cast.alice, person_code(cast.tao)),
            ("fang finds an account", cast.fang, "alice"),
            ("alice finds an account", cast.alice, "alice"),
            ("alice finds her unit", cast.alice, "CDC-A"),
            ("dora finds alice's unit", cast.dora, "CDC-A"),
        )
    }
    assert everybody == {
        "alice finds xia": [person_code(cast.xia)],
        "alice finds tao": [],
        "fang finds an account": ["Alice"],
        "alice finds an account": [],
        "alice finds her unit": ["Demonstration Hubin CDC"],
        "dora finds alice's unit": [],
    }
    assert AT
