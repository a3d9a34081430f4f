"""Paging by cursor: every row once, in order, whatever the sort and wherever values are missing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from qipan.foundation.http.paging import Sort, page_of, page_of_sequence
from qipan.foundation.jobs.models import Job
from qipan.terms.errors import BadInput

AT = datetime(2022, 7, 20, 4, tzinfo=UTC)
_FIELDS = {"heartbeat_at": lambda n: None if n == 0 else AT + timedelta(hours=n), "attempts": lambda n: n,
           "progress_total": lambda n: n or None, "kind": lambda n: f"k{n}"}  # fmt: skip


def rows_of(values):
    Job.objects.bulk_create(
        Job(kind=_FIELDS["kind"](n), run_after=AT, created_at=AT, attempts=n, heartbeat_at=_FIELDS["heartbeat_at"](n),
            progress_total=_FIELDS["progress_total"](n))
        for n in values
    )  # fmt: skip


def walk(sort, size, backward=False):
    """All pages one after the other; backward: to the end, then back again."""
    pages, cursor = [], ""
    while True:
        part = page_of(Job.objects.all(), sort=sort, size=size, cursor=cursor)
        pages.append([row.pk for row in part.rows])
        if not part.next:
            break
        cursor = part.next
    if not backward:
        return pages
    back = [pages[-1]]
    while part.previous:
        part = page_of(Job.objects.all(), sort=sort, size=size, cursor=part.previous)
        back.insert(0, [row.pk for row in part.rows])
    return back


class Walks(TestCase):
    @given(
        st.lists(st.integers(0, 4), max_size=14), st.sampled_from([*_FIELDS, "pk"]), st.booleans(), st.integers(1, 5)
    )
    def test_every_row_comes_once_and_in_order(self, values, field, descending, size):
        Job.objects.all().delete()
        rows_of(values)
        sort = Sort(field, descending)
        seen = [pk for page in walk(sort, size) for pk in page]
        every = list(Job.objects.all())
        filled = [row for row in every if getattr(row, field) is not None]
        filled.sort(key=lambda row: (getattr(row, field), row.pk), reverse=descending)
        empty = sorted((row.pk for row in every if getattr(row, field) is None), reverse=descending)
        assert seen == [row.pk for row in filled] + empty
        # and back again to the first page, without a gap
        assert [pk for page in walk(sort, size, backward=True) for pk in page] == seen

    def test_a_row_that_comes_meanwhile_moves_nobody(self):
        Job.objects.all().delete()
        rows_of([1, 2, 3, 4])
        first = page_of(Job.objects.all(), sort=Sort("attempts"), size=2)
        rows_of([0])
        second = page_of(Job.objects.all(), sort=Sort("attempts"), size=2, cursor=first.next)
        assert [row.attempts for row in second.rows] == [3, 4]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["x", "e30", "bnVsbA", "eyJzIjoiYXR0ZW1wdHMiLCJyIjpmYWxzZSwidiI6eyJ0IjoieCJ9LCJrIjoxfQ", "é", "A" * 500]
)
def test_a_marker_that_is_none_is_refused(cursor):
    with pytest.raises(BadInput):
        page_of(Job.objects.all(), sort=Sort("attempts"), size=2, cursor=cursor)


@pytest.mark.django_db
def test_a_marker_of_another_order_is_refused():
    rows_of([1, 2, 3])
    part = page_of(Job.objects.all(), sort=Sort("attempts"), size=1)
    for other in (Sort("attempts", True), Sort("kind")):
        with pytest.raises(BadInput):
            page_of(Job.objects.all(), sort=other, size=1, cursor=part.next)


@given(st.lists(st.one_of(st.none(), st.dates(date(2022, 1, 1), date(2022, 1, 9))), max_size=12), st.integers(1, 5))
def test_computed_rows_page_alike(values, size):
    rows = list(enumerate(values))
    seen, cursor = [], ""
    while True:
        part = page_of_sequence(rows, size=size, cursor=cursor, key=lambda row: row[1])
        seen += part.rows
        if not part.next:
            break
        cursor = part.next
    known = [row[1] for row in seen if row[1] is not None]
    assert known == sorted(known)
    assert sorted(seen, key=lambda row: row[0]) == rows
    assert all(row[1] is None for row in seen[len(known) :])
