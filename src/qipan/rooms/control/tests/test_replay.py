"""Replay under a book gives that book's decisions; the difference is counted; nothing is written."""

from datetime import date, datetime
from typing import Any, cast

import pytest
from tests.cast import Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.control.models import Order, StoredDecision
from qipan.rooms.control.selectors import ledger_items
from qipan.rooms.control.selectors.ledger import ledger_frame, persons_with_grounds
from qipan.rooms.control.services import replay
from qipan.rooms.control.services.replays import _day_of
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, swabbed
from qipan.rooms.diseases.selectors import access_book, tables_in_force
from qipan.rulebooks.population import decide_population
from qipan.rulebooks.single import decide
from qipan.terms.errors import BadInput, Denied

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(town: Cast, at: datetime) -> Cast:
    diagnosed(town.ning, town.yun, now=at)
    exposed(town.alice, town.xia, last=at - days(1), now=at, to=town.yun)
    exposed(town.alice, town.wei, last=at - days(1), now=at, to=town.xia, contact_class="secondary")
    swabbed(town.hu, town.zhu, "negative", now=at)
    swabbed(town.hu, town.xia, "negative", now=at + days(1))
    return town


def test_each_book_decides_as_decide_does(story: Cast, at: datetime) -> None:
    books = [access_book(story.alice, f"covid19-cn-{edition}") for edition in ("8", "9", "20")]
    end = date(2022, 7, 24)
    result = replay(actor=story.alice, books=books, start=date(2022, 7, 20), end=end, at=at + days(5))
    tables = tables_in_force("covid19")
    for book, replayed in zip(books, result.books, strict=True):
        moment = _day_of(book, end)
        for person in (story.xia, story.yun, story.wei, story.zhu, story.tao):
            expected = decide(book, tables, ledger_items(person, disease="covid19"), str(person), moment)
            got = replayed.final.get(str(person))
            if got is None:
                assert (expected.code, expected.orders) == ("green", ())
            else:
                assert (got.code, got.orders, got.reasons) == (expected.code, expected.orders, expected.reasons)


def test_the_difference_by_hand(story: Cast, at: datetime) -> None:
    books = [access_book(story.alice, "covid19-cn-8"), access_book(story.alice, "covid19-cn-20")]
    result = replay(actor=story.alice, books=books, start=date(2022, 7, 20), end=date(2022, 7, 26), at=at + days(7))
    eighth, twenty = result.books
    # the contact: 8th edition 14 days central, all seven days of the period; twenty measures 5 days from 19 July,
    # so central through 24 July (five days) and at home on the last two
    assert eighth.person_days["quarantine_central"] == 7 + 7  # the contact and, under the 8th, the contact's contact
    assert twenty.person_days["quarantine_central"] == 5
    assert twenty.person_days["quarantine_home"] == 2
    # the contact, the contact's contact, and the case, whose isolation runs longer under the 8th edition
    assert result.changed_persons == 3
    assert sum(eighth.codes.values()) == sum(twenty.codes.values()) == eighth.persons == 4


def test_the_document_names_every_code_and_kind_and_counts_what_binds_as_decide_does(story: Cast, at: datetime) -> None:
    end = date(2022, 7, 24)
    books = [access_book(story.alice, f"covid19-cn-{edition}") for edition in ("9", "20")]
    document = replay(actor=story.alice, books=books, start=date(2022, 7, 20), end=end, at=at + days(5)).as_json()
    tables, frame = tables_in_force("covid19"), ledger_frame(persons_with_grounds("covid19"), disease="covid19")
    for book, told in zip(books, cast(list[dict[str, Any]], document["rulebooks"]), strict=True):
        decided = decide_population(book, tables, frame, _day_of(book, end))
        assert told["orders"] == decided.orders_binding(book)
        assert told["codes"].keys() == {"green", "yellow", "red"}
        assert told["person_days"].keys() == told["orders"].keys()
        assert (told["codes"]["red"], told["codes"]["yellow"]) == (decided.codes()["red"], decided.codes()["yellow"])


def test_replay_writes_nothing_but_its_entry(story: Cast, at: datetime) -> None:
    def state() -> list[object]:
        return [*Order.objects.order_by("pk").values(), *StoredDecision.objects.order_by("pk").values()]

    before, entries = state(), AuditEntry.objects.count()
    book = access_book(story.alice, "covid19-cn-8")
    replay(actor=story.alice, books=[book], start=date(2022, 7, 20), end=date(2022, 7, 21), at=at + days(2))
    assert state() == before
    assert AuditEntry.objects.count() == entries + 1


def test_who_may_replay(story: Cast, at: datetime) -> None:
    book = access_book(story.alice, "covid19-cn-8")
    day = date(2022, 7, 20)
    for actor in (story.alice, story.ma, story.eva):
        replay(actor=actor, books=[book], start=day, end=day, at=at)
    for actor in (story.chen, story.hu, story.fang):
        with pytest.raises(Denied):
            replay(actor=actor, books=[book], start=day, end=day, at=at)
    with pytest.raises(BadInput):
        replay(actor=story.alice, books=[book], start=day, end=date(2022, 7, 19), at=at)
