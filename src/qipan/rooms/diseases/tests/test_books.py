"""Rulebooks in force by place and day, never edited; tables revised with author and source."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.diseases.models import PublishedRulebook, TableRow
from qipan.rooms.diseases.selectors import access_book, book_in_force, published_books, tables_in_force
from qipan.rooms.diseases.services import rulebook_publish, table_row_add
from qipan.rulebooks.loader import book_text
from qipan.rulebooks.tables import area_risk
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.roles import Actor, Grant, Role

if TYPE_CHECKING:
    from datetime import datetime

    from tests.cast import Cast

pytestmark = pytest.mark.django_db
ROOT = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
VILLAGE = "/410000/411200/411202/411202001/411202001001/"


def publish(book: str, at: datetime, area_path: str = "/") -> PublishedRulebook:
    return rulebook_publish(actor=ROOT, text=book_text(book), area_path=area_path, at=at)


def test_the_book_of_the_day_and_of_the_place(at: datetime) -> None:
    for book in ("covid19-cn-8", "covid19-cn-9", "covid19-cn-20"):
        publish(book, at)
    publish("covid19-cn-9-henan", at, "/410000/")

    def book(area_path: str, day: date) -> str | None:
        found = book_in_force(disease="covid19", area_path=area_path, day=day)
        return found.id if found else None

    shanxi = "/140000/140100/"
    assert book(shanxi, date(2021, 5, 10)) is None
    assert book(shanxi, date(2022, 6, 27)) == "covid19-cn-8"
    assert book(shanxi, date(2022, 6, 28)) == "covid19-cn-9"
    assert book(shanxi, date(2022, 11, 10)) == "covid19-cn-9"
    assert book(shanxi, date(2022, 11, 11)) == "covid19-cn-20"
    # the province's own layer is deeper than the national book
    assert book(VILLAGE, date(2022, 7, 20)) == "covid19-cn-9-henan"
    assert book_in_force(disease="measles", area_path=VILLAGE, day=date(2022, 7, 20)) is None
    assert len(published_books()) == 4


def test_a_published_book_is_never_edited(at: datetime) -> None:
    first = publish("covid19-cn-9", at)
    entries = AuditEntry.objects.count()
    assert publish("covid19-cn-9", at).pk == first.pk
    assert AuditEntry.objects.count() == entries
    changed = book_text("covid19-cn-9") + "\n# a word more\n"
    with pytest.raises(Refused):
        rulebook_publish(actor=ROOT, text=changed, area_path="/", at=at)


def test_a_book_whose_own_example_fails_is_refused(at: datetime) -> None:
    text = book_text("covid19-cn-9").replace("until_day = 7", "until_day = 6")
    with pytest.raises(BadInput, match="line"):
        rulebook_publish(actor=ROOT, text=text, area_path="/", at=at)
    assert not PublishedRulebook.objects.exists()


def test_who_may_publish_and_read(cast: Cast, at: datetime) -> None:
    text = book_text("covid19-cn-9")
    for actor in (cast.alice, cast.ma, cast.fang):  # Fang administers the city, not the country
        with pytest.raises(Denied):
            rulebook_publish(actor=actor, text=text, area_path="/", at=at)
    assert AuditEntry.objects.filter(action="denied").count() == 3
    published = rulebook_publish(actor=cast.fang, text=text, area_path=cast.path("411200"), at=at)
    assert access_book(cast.alice, "covid19-cn-9").id == published.rulebook
    with pytest.raises(Absent):
        access_book(cast.alice, "covid19-cn-8")
    with pytest.raises(Denied):
        access_book(Actor(1, None, (), "nobody"), "covid19-cn-9")


def line_of(at: datetime) -> dict[str, Any]:
    return {
        "disease": "covid19", "table": "risk_area", "place": "411202", "level": "high", "starts_on": date(2022, 7, 18),
        "ends_on": date(2022, 7, 25), "author": "city headquarters", "source": "notice 7", "at": at,
    }  # fmt: skip


def test_a_line_of_a_table_has_author_source_and_revision(cast: Cast, at: datetime) -> None:
    line = line_of(at)
    assert tables_in_force("covid19").revision == "0"
    assert table_row_add(actor=ROOT, **line).revision == 1
    assert table_row_add(actor=ROOT, **{**line, "place": "411203"}).revision == 2
    tables = tables_in_force("covid19")
    assert tables.revision == "2"
    assert area_risk(tables, "411202001", date(2022, 7, 24)) == "high"
    assert area_risk(tables, "411202001", date(2022, 7, 25)) is None
    for wrong in ({"source": " "}, {"author": ""}, {"table": "weather"}):
        with pytest.raises(BadInput):
            table_row_add(actor=ROOT, **{**line, **wrong})
    with pytest.raises(Denied):
        table_row_add(actor=cast.ma, **line)


def test_a_revision_is_given_once(db: None, at: datetime) -> None:
    row = table_row_add(actor=ROOT, **line_of(at))
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    row.disease = "measles"
    row.save(force_insert=True)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time: nothing can meet")
@pytest.mark.django_db(transaction=True)
def test_revisions_made_at_once_are_numbered_one_after_the_other(at: datetime) -> None:
    writers, each = 4, 8
    barrier = threading.Barrier(writers)
    failures: list[Exception] = []

    def run() -> None:
        try:
            barrier.wait()
            for _ in range(each):
                table_row_add(actor=ROOT, **line_of(at))
        except Exception as error:  # noqa: BLE001 - told below, in the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    revisions = TableRow.objects.order_by("revision").values_list("revision", flat=True)
    assert list(revisions) == list(range(1, writers * each + 1))
