"""The guide inside the application."""

import pytest

from qipan.web.guide import CHAPTERS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_is_shown(browse, language, chapter):
    text = browse("ma", language=language).get(f"/guide/{chapter}").content.decode()
    assert "<article" in text
    assert '<pre tabindex="0">' in text
    assert "style=" not in text
    assert ".md" not in text.replace("cases.md", "")


def test_the_chapter_of_the_readers_role_comes_first(browse):
    assert "<h1>Laboratory</h1>" in browse("hu").get("/guide").content.decode()
    assert "<h1>网格员</h1>" in browse("chen", language="zh-hans").get("/guide").content.decode()
    help_panel = browse("hu").get("/areas/").content.decode().partition('id="help"')[2]
    assert help_panel.index("/guide/laboratory") < help_panel.index("/guide/first-hour")


def test_no_such_chapter_and_nobody_signed_in(browse, client):
    assert browse("ma").get("/guide/secrets").status_code == 404
    assert client.get("/guide", secure=True).status_code == 302
