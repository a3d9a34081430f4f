"""The steps of ``qipan bench pages``: write the city, then open its pages through all middleware."""

import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from qipan.cli.django_setup import setup

#: what is typed into the text filters, by their name
_TYPED = {
    "action": "visit.record", "who": "demo010", "source": "bench", "born": "1980-1989", "case": "C000010",
    "laboratory": "演示实验室1", "specimen": "SYN000000001", "site": "演示隔离点", "room": "0001",
}  # fmt: skip
_COUNT = re.compile(r'class="count"[^>]*>([^<]*)<')
_NEXT = re.compile(r'rel="next" href="([^"]*)"')
_PREVIOUS = re.compile(r'rel="prev" href="([^"]*)"')


def prepare(people: int, seed: int) -> dict[str, Any]:
    """Tables, keys, and the city."""
    from django.core.management import call_command
    from django.db import connection

    from qipan.cli.benchmarks.pages_world import World
    from qipan.foundation import crypto

    call_command("migrate", verbosity=0, interactive=False)
    crypto.keys_create()
    made = World(people, seed).build()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made._asdict()


class Browser:
    """One signed-in reader."""

    def __init__(self, name: str) -> None:
        from django.test import Client

        from qipan.foundation.access.models import User

        self.name = name
        self.client = Client(SERVER_NAME="localhost")
        if name:
            self.client.force_login(
                User.objects.get(username=name), backend="qipan.foundation.access.backends.PasswordBackend"
            )
        self.client.cookies["qipan_language"] = "en"

    def text(self, url: str) -> str:
        """The page; "" where this reader may not open it. Raises RuntimeError where it breaks."""
        answer = self.client.get(url)
        if answer.status_code in (302, 404):
            return ""
        if answer.status_code != 200:
            raise RuntimeError(f"{url}: {answer.status_code}")
        return str(answer.content.decode())

    def measure(self, page: str, variant: str, url: str, repeats: int) -> dict[str, Any] | None:
        """The median of some openings, after one that counts queries; None where the page is not this reader's."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        connection.queries_log.clear()  # it keeps the last 9,000 only
        with CaptureQueriesContext(connection) as queries:
            body = self.text(url)
        asked = queries.captured_queries  # now: the next request forgets them
        if not body:
            return None
        taken, cpu = [], []
        for _ in range(repeats):
            started, used = time.perf_counter(), time.process_time()
            self.text(url)
            taken.append(1000 * (time.perf_counter() - started))
            cpu.append(1000 * (time.process_time() - used))
        found = _COUNT.search(body)
        slowest = max(asked, key=lambda query: float(query["time"]), default={"time": "0", "sql": ""})
        return {
            "page": page, "variant": variant, "reader": self.name, "ms": round(statistics.median(taken), 1),
            "cpu_ms": round(statistics.median(cpu), 1), "queries": len(asked),
            "rows": found.group(1).strip() if found else "",
            "kb": round(len(body.encode()) / 1000), "url": url,
            "slowest_query_ms": round(1000 * float(slowest["time"])), "slowest_query": slowest["sql"][:2000],
        }  # fmt: skip


def _cursor(url: str) -> str:
    return parse_qs(urlsplit(url.replace("&amp;", "&")).query)["page"][0]


def last_page(browser: Browser, url: str) -> str:
    """The address of a list's last page as one comes to it from the page before; "" where there is but one page.

    There is no link to it: a marker from behind the last row reads backward, and the page it gives names its first row.
    """
    from qipan.foundation.http import paging

    first = _NEXT.search(browser.text(url))
    if first is None:
        return ""
    join = "&" if "?" in url else "?"
    mark = paging._decode(_cursor(first.group(1)))
    if "o" in mark:  # computed rows: walk to the end
        while True:
            page = url + join + urlencode({"page": paging._encode(**mark)})
            following = _NEXT.search(browser.text(page))
            if following is None:
                return page
            mark = paging._decode(_cursor(following.group(1)))
    behind = {**mark, "f": False, "v": None, "k": 0 if mark["r"] else 2**62}
    found = _PREVIOUS.search(browser.text(url + join + urlencode({"page": paging._encode(**behind)})))
    if found is None:
        return ""
    return url + join + urlencode({"page": paging._encode(**{**paging._decode(_cursor(found.group(1))), "f": True})})


def list_pages() -> Iterator[tuple[str, str, Any]]:
    """(name, address, class) of every list page."""
    from django.urls import get_resolver, reverse

    from qipan.foundation.pages.list_page import ListPage

    def walk(patterns: Any) -> Iterator[Any]:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    for pattern in walk(get_resolver().url_patterns):
        view = getattr(pattern.callback, "view_class", None)
        if view is not None and issubclass(view, ListPage) and "<" not in str(pattern.pattern):
            yield pattern.name, reverse(pattern.name), view


def variants(view: Any, person: str, today: Any) -> Iterator[tuple[str, str]]:
    """(what, query) of a list: by each filter, sorted by each column both ways."""
    for filter in view().filters:
        if filter.kind == "choice":
            for value, _ in list(filter.choices())[:1]:
                yield f"{filter.name}={value}", urlencode({filter.name: value})
        elif filter.kind == "days":
            days = {f"{filter.name}_from": today - timedelta(days=6), f"{filter.name}_to": today}
            yield f"{filter.name} of a week", urlencode(days)
        else:
            value = _TYPED.get(filter.name, person)
            yield f"{filter.name}={value}", urlencode({filter.name: value})
    for column in view.columns:
        if column.sort:
            yield f"by {column.key}", urlencode({"sort": column.key})
            yield f"by {column.key}, downward", urlencode({"sort": f"-{column.key}"})


def measure(made: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Open the pages."""
    from qipan.cli.benchmarks.pages_world import NOW, READERS
    from qipan.foundation import clock
    from qipan.terms.identity import person_code

    browsers = [Browser(name) for name, *_ in READERS]
    person = person_code(made["person_id"])
    today = clock.local_date(NOW, clock.civil_zone())
    found: list[dict[str, Any] | None] = []
    for name, url, view in list_pages():
        known: Browser | None = None
        for browser in browsers:
            opened = browser.measure(name, "first page", url, repeats)
            found.append(opened)
            if opened is not None and known is None:
                known = browser
        if known is None:
            continue
        last = last_page(known, url)
        if last:
            found.append(known.measure(name, "last page", last, repeats))
        for what, query in variants(view, person, today):
            found.append(known.measure(name, what, f"{url}?{query}", repeats))
    single = {
        "board": "/", "person": f"/people/{person}/", "decision": f"/decisions/{person}/", "chains": "/chains/",
        "case": f"/cases/{made['case_id']}/", "order": f"/orders/{made['order_id']}/", "site": "/quarantine/1/",
        "field-work": "/field/",
    }  # fmt: skip
    for name, url in single.items():
        found += [browser.measure(name, "", url, repeats) for browser in browsers]
    found.append(Browser("").measure("resident", "", f"/r/{made['link']}/", repeats))
    return {"pages": [each for each in found if each is not None]}


def main() -> None:
    """``pages_steps prepare PEOPLE SEED`` or ``pages_steps measure MADE REPEATS``; prints JSON."""
    step, first, second = sys.argv[1:]
    setup()
    if step == "prepare":
        print(json.dumps(prepare(int(first), int(second))))
    else:
        print(json.dumps(measure(json.loads(first), int(second))))


if __name__ == "__main__":
    main()
