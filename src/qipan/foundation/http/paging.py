"""Paging by cursor: the next page starts after the last row that was seen, however many were added before it.

A cursor holds the sort value and key of one row. It is not secret and not trusted: its values go into the query as
parameters, and one of another list is refused.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet

from qipan.terms.errors import BadInput

T = TypeVar("T")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Sort:
    """By which field rows are listed. Rows without a value come last, both ways."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of rows; `next` and `previous` are cursors, "" where there is nothing."""

    rows: Sequence[T]
    next: str
    previous: str


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(type(value).__name__)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else date.fromisoformat(value["d"])
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("value")


def _encode(**parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> dict[str, Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, dict):
            raise ValueError("cursor")
    except (ValueError, binascii.Error, RecursionError):
        raise BadInput("This is no marker of a page of this list: start from its beginning.") from None
    return parts


def _value(row: Any, field: str) -> Any:
    for name in field.split("__"):
        row = getattr(row, name)
    return row


def _beyond(sort: Sort, value: Any, key: Any, *, forward: bool) -> Q:
    """The rows on the far side of (value, key) in the direction of reading."""
    field = sort.field
    rising = sort.descending is not forward
    side = "gt" if rising else "lt"
    if field == "pk":
        return Q(**{f"pk__{side}": key})
    ties = Q(**{f"pk__{side}": key})
    if value is None:
        empty = Q(**{f"{field}__isnull": True}) & ties
        return empty if forward else empty | Q(**{f"{field}__isnull": False})
    further = Q(**{f"{field}__{side}": value}) | (Q(**{field: value}) & ties)
    return further | Q(**{f"{field}__isnull": True}) if forward else further


def page_of(queryset: QuerySet[M], *, sort: Sort, size: int, cursor: str = "") -> Slice[M]:
    """One page of a queryset in the order of `sort`, then of the primary key; two queries: which rows, then those.

    (Sorting keys alone, a database reads an index; sorting whole rows with what they are joined to, it reads them all.)
    Raises BadInput for a cursor that is none, or one of another list or order.
    """
    forward = True
    if cursor:
        parts = _decode(cursor)
        if parts.get("s") != sort.field or parts.get("r") != sort.descending:
            raise BadInput("This is no marker of a page of this list: start from its beginning.")
        forward = parts.get("f") is not False
        try:
            value, key = _read(parts.get("v")), int(parts["k"])
            queryset = queryset.filter(_beyond(sort, value, key, forward=forward))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BadInput("This is no marker of a page of this list: start from its beginning.") from None
    downward = sort.descending if forward else not sort.descending
    first = F(sort.field).desc(nulls_last=forward or None, nulls_first=None if forward else True) if downward else (
        F(sort.field).asc(nulls_last=forward or None, nulls_first=None if forward else True)
    )  # fmt: skip
    tie = "-pk" if downward else "pk"
    ordered = queryset.order_by(tie) if sort.field == "pk" else queryset.order_by(first, tie)
    try:
        keys = list(ordered.values_list("pk", flat=True)[: size + 1])
        found = {row.pk: row for row in queryset.order_by().filter(pk__in=keys)} if keys else {}
        rows = [found[key] for key in keys if key in found]
    except (TypeError, ValueError, OverflowError):
        raise BadInput("This is no marker of a page of this list: start from its beginning.") from None
    more = len(rows) > size
    rows = rows[:size]
    if not forward:
        rows.reverse()

    def mark(row: M, ahead: bool) -> str:
        return _encode(s=sort.field, r=sort.descending, f=ahead, v=_plain(_value(row, sort.field)), k=row.pk)

    after, before = (more, bool(cursor)) if forward else (True, more)
    return Slice(
        rows, mark(rows[-1], True) if rows and after else "", mark(rows[0], False) if rows and before else ""
    )


def page_of_sequence(
    rows: Sequence[T], *, size: int, cursor: str = "", key: Callable[[T], Any] | None = None, descending: bool = False
) -> Slice[T]:
    """One page of rows that are computed, not stored; `key` sorts them (those without a value come last)."""
    if key is not None:
        filled = sorted((row for row in rows if key(row) is not None), key=key, reverse=descending)
        rows = [*filled, *(row for row in rows if key(row) is None)]
    start = 0
    if cursor:
        start = _decode(cursor).get("o", 0)
        if not isinstance(start, int) or start < 0:
            raise BadInput("This is no marker of a page of this list: start from its beginning.")
    return Slice(
        rows[start : start + size],
        _encode(o=start + size) if len(rows) > start + size else "",
        _encode(o=max(start - size, 0)) if start else "",
    )
