"""Rulebooks and tables as people at a browser meet them; publishing."""

import re
from datetime import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.cast import COUNTY_A, Cast

from qipan.rooms.diseases.models import PublishedRulebook, TableRow
from qipan.rooms.diseases.selectors import (
    BookCalendar,
    access_published,
    book_in_force,
    list_books,
    list_table_rows,
    published_book,
)
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rulebooks.loader import book_text
from qipan.terms.errors import Absent, Denied
from qipan.terms.roles import Actor, Grant, Role

pytestmark = pytest.mark.django_db
ROOT = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
NOBODY = Actor(None, None, (), "nobody")


@pytest.fixture
def books(cast: Cast, at: datetime) -> Cast:
    """The 8th and 9th editions, the twenty measures, Henan's layer."""
    for book, path in (
        ("covid19-cn-8", "/"), ("covid19-cn-9", "/"), ("covid19-cn-20", "/"), ("covid19-cn-9-henan", "/410000/")
    ):  # fmt: skip
        rulebook_publish(actor=ROOT, text=book_text(book), area_path=path, at=at)
    return cast


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def file(content: str, name: str = "book.toml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode(), "text/plain")


@pytest.fixture
def root(cast: Cast, browse):
    """Fang as the administrator of everything: books are published for the whole installation."""
    from qipan.rooms.organizations.models import Membership

    Membership.objects.filter(user=cast.users["fang"]).update(area=None, area_path="/")
    return browse("fang")


def test_the_list_in_force_and_not(browse, books, django_assert_max_num_queries):
    alice = browse("alice")
    with django_assert_max_num_queries(30):
        page = text(alice.get("/rulebooks/"))
    for said in ("covid19-cn-8", "covid19-cn-20", "no longer in force", "not in force yet"):
        assert said in page
    assert "/rulebooks/covid19-cn-8/" not in text(alice.get("/rulebooks/?state=in_force"))
    assert "/rulebooks/covid19-cn-8/" in text(alice.get("/rulebooks/?state=past"))
    assert "/rulebooks/covid19-cn-20/" in text(alice.get("/rulebooks/?state=later"))
    assert "Publish a rulebook" not in page
    assert "Publish a rulebook" in text(browse("fang").get("/rulebooks/"))


def test_empty(browse, cast):
    assert "nobody is restricted" in text(browse("alice").get("/rulebooks/"))
    assert "no place carries a risk" in text(browse("alice").get("/rulebooks/tables/"))


def test_a_book_in_plain_words_and_both_languages(browse, books, django_assert_max_num_queries):
    chen = browse("chen")
    with django_assert_max_num_queries(30):
        page = text(chen.get("/rulebooks/covid19-cn-9-henan/"))
    for said in ("A close contact: 7 days of central quarantine", "密切接触者", "Authority", "Which order gives which",
                 "in force", "Its own examples"):  # fmt: skip
        assert said in page, said
    chinese = text(browse("chen", language="zh-hans").get("/rulebooks/covid19-cn-9/"))
    assert "第0天至第7天24时" in chinese
    got = browse("chen").get("/rulebooks/covid19-cn-9/file/")
    assert got.content.decode() == book_text("covid19-cn-9")


@pytest.mark.parametrize("url", ["/rulebooks/none/", "/rulebooks/none/file/", "/rulebooks/%00/"])
def test_absent_books(browse, books, url):
    assert browse("alice").get(url).status_code == 404


@pytest.mark.parametrize("query", ["state=red", "sort=text", "page=x"])
def test_wrong_addresses(browse, books, query):
    assert browse("alice").get(f"/rulebooks/?{query}").status_code == 400
    assert browse("alice").get("/rulebooks/tables/?table=people").status_code == 400


def test_nobody_signed_out_reads(client, books):
    for url in ("/rulebooks/", "/rulebooks/covid19-cn-9/", "/rulebooks/tables/", "/rulebooks/publish/"):
        assert client.get(url, secure=True).status_code == 302


def test_a_book_is_published_after_its_consequences_were_shown(root, at):
    asked = root.post("/rulebooks/publish/", {"file": file(book_text("covid19-cn-9")), "area": ""})
    assert asked.status_code == 200
    assert "Before you confirm" in text(asked)
    assert "2022-06-28" in text(asked)
    assert PublishedRulebook.objects.count() == 0
    kept = re.search(r'name="text" value="([^"]*)"', asked.content.decode(), re.DOTALL)
    assert kept is not None
    import html

    form = {"text": html.unescape(kept[1]), "name": "book.toml", "area": "", "confirmed": "1"}
    done = root.post("/rulebooks/publish/", form)
    assert done.status_code == 302
    assert PublishedRulebook.objects.get().text == book_text("covid19-cn-9")


def test_what_is_not_accepted_is_said_with_file_line_and_rule(root):
    url = "/rulebooks/publish/"
    broken = book_text("covid19-cn-9").replace("until_day = 7", "until_day = -7", 1)
    answer = root.post(url, {"file": file(broken, "mine.toml"), "area": ""})
    assert answer.status_code == 400
    assert re.search(r"mine\.toml, line \d+: rule [\w-]+: ", text(answer))
    for each in ({"file": file(""), "area": ""}, {"area": ""}, {"file": file("x = ["), "area": ""},
                 {"file": file(book_text("covid19-cn-9")), "area": "999999"},
                 {"file": SimpleUploadedFile("b.toml", b"\xff\xfe\x00"), "area": ""}):  # fmt: skip
        assert root.post(url, each).status_code == 400
    assert PublishedRulebook.objects.count() == 0


def test_a_published_book_is_not_replaced_under_its_id(root, at):
    rulebook_publish(actor=ROOT, text=book_text("covid19-cn-9"), area_path="/", at=at)
    other = book_text("covid19-cn-9") + "\n# changed\n"
    answer = root.post("/rulebooks/publish/", {"text": other, "name": "b.toml", "area": "", "confirmed": "1"})
    assert answer.status_code == 400
    assert "give it a new id" in text(answer)


def test_who_may_publish(browse, books):
    for name in ("alice", "ma", "eva", "lin", "chen"):
        for url in ("/rulebooks/publish/", "/rulebooks/tables/add/"):
            assert browse(name).get(url).status_code == 404, name
            assert browse(name).post(url, {"confirmed": "1"}).status_code == 404, name
    for url in ("/rulebooks/publish/", "/rulebooks/tables/add/"):
        assert browse("fang", verified=False).get(url).headers["Location"].startswith("/second-factor")
    # an administrator of the city does not decide for the country
    form = {"text": book_text("covid19-cn-8"), "area": "", "confirmed": "1"}
    PublishedRulebook.objects.all().delete()
    assert browse("fang").post("/rulebooks/publish/", form).status_code == 404
    assert browse("fang").post("/rulebooks/publish/", {**form, "area": COUNTY_A}).status_code == 302


def test_a_line_of_a_table(root, browse):
    form = {"table": "risk_area", "place": "310115", "level": "high", "starts_on": "2022-07-20", "ends_on": "",
            "author": "City headquarters", "source": "Notice 12"}  # fmt: skip
    asked = root.post("/rulebooks/tables/add/", form)
    assert "decided again" in text(asked)
    assert TableRow.objects.count() == 0
    assert root.post("/rulebooks/tables/add/", {**form, "confirmed": "1"}).status_code == 302
    assert TableRow.objects.get().revision == 1
    page = text(browse("alice").get("/rulebooks/tables/?table=risk_area"))
    assert "310115" in page
    assert "Notice 12" in page
    assert "310115" not in text(browse("alice").get("/rulebooks/tables/?table=key_post"))
    assert root.post("/rulebooks/tables/add/", {**form, "ends_on": "2022-07-01"}).status_code == 400
    assert root.post("/rulebooks/tables/add/", {**form, "table": "people"}).status_code == 400


def test_selectors(books, at):
    assert access_published(books.alice, "covid19-cn-9").rulebook == "covid19-cn-9"
    for actor_call in (lambda: list_books(NOBODY), lambda: list_table_rows(NOBODY),
                       lambda: access_published(NOBODY, "covid19-cn-9")):  # fmt: skip
        with pytest.raises(Denied):
            actor_call()
    with pytest.raises(Absent):
        access_published(books.alice, "none")
    assert published_book("none") is None
    calendar, path = BookCalendar("covid19"), books.path(COUNTY_A)
    for day in (at.date(), at.date().replace(month=6, day=1), at.date().replace(month=12)):
        expected = book_in_force(disease="covid19", area_path=path, day=day)
        found = calendar.at(path, day)
        assert (found and found.id) == (expected and expected.id)
    assert calendar.at(path, at.date().replace(year=2001)) is None
