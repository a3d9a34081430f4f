"""No page asks more than thirty questions, and none asks more of them because there is more to show.

The pages come from the list of addresses: one that this test cannot open, or that nobody here may open, fails it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.organizations.selectors import INSTALLER
from qipan.rulebooks import book_text
from tests.cast import AT, Cast
from tests.crowd import Crowd

MOST = 30
FEW, MANY = 5, 60
#: a list page's HTML, in bytes
MOST_BYTES = 200_000
#: who looks; each page is opened by all who may
READERS = ("alice", "chen", "eva", "fang", "gao", "hu", "lin", "ma", "ning", "qiu")
#: pages that nobody opens by GET alone, and why
NOT_OPENED = {
    "log-export": "only for those who see the whole log", "second-factor": "only before it was given",
    "sign-out": "only posted", "visits-send": "only posted", "language": "only posted",
    "import-read": "needs a file on its way", "import-preview": "needs a file on its way",
    "import-run": "needs a file on its way", "field-cell": "leads on to the list of the area",
    "token-revoke": "needs a token of one's own",
}  # fmt: skip


def pages() -> list[Any]:
    """Every address that is a page (the API has its own tests)."""

    def walk(patterns: Any) -> Iterator[Any]:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    return [each for each in walk(get_resolver().url_patterns) if hasattr(each.callback, "view_class")]


def address_of(pattern: Any, samples: dict[str, dict[str, Any]]) -> str:
    """The address with samples of what stands in it. Raises KeyError for a parameter that is not known here."""
    from django.urls import reverse

    values = samples[""] | samples.get(pattern.name, {})
    return reverse(pattern.name, kwargs={name: values[name] for name in pattern.pattern.converters})


@pytest.fixture
def crowd(cast: Cast) -> Crowd:
    rulebook_publish(actor=INSTALLER, text=book_text("covid19-cn-9"), area_path="/", at=AT)
    return Crowd(cast)


def opened(browsers: dict[str, Client], crowd: Crowd) -> dict[tuple[str, str], tuple[int, int, list[str]]]:
    """(page, reader) -> (questions, bytes, the questions) of every page that a reader may open."""
    samples, found = crowd.samples(), {}
    for pattern in pages():
        url = address_of(pattern, samples)
        # a resident has no account
        readers = {"nobody": browsers["nobody"]} if pattern.name == "resident" else browsers
        for name, browser in readers.items():
            connection.queries_log.clear()  # it keeps the last 9,000 only
            with CaptureQueriesContext(connection) as asked:
                answer = browser.get(url)
            assert answer.status_code in (200, 302, 404, 405, 409, 422), f"{name} {url}: {answer.status_code}"
            if answer.status_code == 200:
                size = 0 if answer.streaming else len(answer.content)
                found[pattern.name, name] = (len(asked), size, [query["sql"] for query in asked.captured_queries])
    return found


@pytest.mark.django_db
def test_pages_ask_few_questions_and_no_more_of_them_when_there_is_more(
    crowd: Crowd, browse: Callable[..., Client]
) -> None:
    browsers = {name: browse(name) for name in READERS} | {"nobody": Client()}
    crowd.fill(FEW)
    opened({"alice": browsers["alice"], "nobody": browsers["nobody"]}, crowd)  # warm: what is asked once a process
    few = opened(browsers, crowd)
    crowd.fill(MANY)
    many = opened(browsers, crowd)

    known = {name for name, _ in many}
    unopened = {pattern.name for pattern in pages()} - known
    assert not unopened - set(NOT_OPENED), f"pages that nobody here could open: {sorted(unopened - set(NOT_OPENED))}"
    opens = sorted(set(NOT_OPENED) - unopened)
    assert not opens, f"pages of NOT_OPENED that can be opened: {opens}"
    over = {page: (asked, repeated(sqls)) for page, (asked, _, sqls) in many.items() if asked > MOST}
    assert not over, f"more than {MOST} questions: {over}"
    grown = {page: more_of(few[page][2], many[page][2]) for page in few if many[page][0] > few[page][0]}
    assert not grown, f"more questions with {MANY} than with {FEW} of everything: {grown}"
    large = {page: size for page, (_, size, _) in many.items() if size > MOST_BYTES}
    assert not large, f"more than {MOST_BYTES} bytes: {large}"


def shape(sql: str) -> str:
    """A question without what was asked for."""
    return re.sub(r"'[^']*'|\d+", "?", sql)[:300]


def repeated(asked: list[str]) -> list[tuple[str, int]]:
    """The questions that came several times."""
    return [(sql, count) for sql, count in Counter(map(shape, asked)).most_common() if count > 1]


def more_of(few: list[str], many: list[str]) -> list[tuple[str, int]]:
    """The questions that came more often, and how much."""
    return list((Counter(map(shape, many)) - Counter(map(shape, few))).items())
