"""Rows that the log does not know, and entries whose rows are not there (U8)."""

from datetime import UTC, datetime

import pytest

from qipan.foundation.audit.reconcile import Reconciled, content_hash, reconcile
from qipan.foundation.audit.services import audited
from qipan.terms.roles import SYSTEM_ACTOR

AT = datetime(2022, 7, 20, 4, tzinfo=UTC)


def covered(rows):
    with audited(actor=SYSTEM_ACTOR, action="rows.add", at=AT) as entry:
        entry.covers(len(rows), content_hash(rows))
    return entry.write_id, len(rows), content_hash(rows)


@pytest.fixture
def state(db):
    return [covered([b"a", b"b"]), covered([b"c"])]


def test_the_hash_of_rows_does_not_depend_on_their_order_but_on_each():
    assert content_hash([b"a", b"b"]) == content_hash([b"b", b"a"])
    assert content_hash([b"a", b"b"]) != content_hash([b"a", b"c"])
    assert content_hash([b"ab"]) != content_hash([b"a", b"b"])
    assert content_hash([b"a", b"a"]) != content_hash([b"a"])


def test_what_the_services_wrote_agrees(state):
    found = reconcile(state, actions=["rows.add"])
    assert found == Reconciled(checked=2)
    assert found.agrees


def test_a_row_without_an_entry_is_found(state):
    found = reconcile([*state, ("past the services", 1, "")])
    assert found.without_entry == ["past the services"]
    assert not found.agrees


def test_a_row_added_under_a_known_write_id_is_found(state):
    (write_id, count, content), other = state
    assert reconcile([(write_id, count + 1, content), other]).count_differs == [write_id]


def test_a_changed_row_is_found(state):
    (write_id, count, _), other = state
    assert reconcile([(write_id, count, content_hash([b"a", b"x"])), other]).content_differs == [write_id]


def test_rows_that_are_gone_are_found_unless_a_purge_took_them(state):
    (write_id, _, _), other = state
    assert reconcile([other], actions=["rows.add"]).without_rows == [write_id]
    assert reconcile([other], actions=["rows.add"], removed={write_id: 2}).agrees
    assert reconcile([(write_id, 1, content_hash([b"a"])), other], removed={write_id: 1}).agrees
    assert reconcile([(write_id, 1, content_hash([b"a"])), other]).count_differs == [write_id]


def test_the_number_of_queries_does_not_grow_with_the_rows(state, django_assert_num_queries):
    unknown = [(f"{number:032d}", 1, "") for number in range(1500)]
    with django_assert_num_queries(2):
        found = reconcile(unknown)
    assert len(found.without_entry) == found.checked == 1500
