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

from django.core.exceptions import FieldDoesNotExist
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


def _may_be_empty(model: type[Model], path: str) -> bool:
    """Whether rows may have no value there. What is no stored field (it was annotated) may."""
    nullable = False
    try:
        for name in path.split("__"):
            field: Any = model._meta.get_field(name)
            nullable = nullable or bool(field.null)
            model = field.related_model or model
    except FieldDoesNotExist:
        return True
    return nullable


def _parts(rows: QuerySet[M], sort: Sort, after: tuple[Any, Any] | None, *, forward: bool) -> list[QuerySet[M]]:
    """What a page is read from, one after the other: rows with a value in their order, then those without one (backward
    the other way round), from behind the row `after` (value, key) on.

    A database reads each by an index of the field. Asked for both at once, or for "empty ones last" of a field that
    is never empty, it would sort every row; asked for "greater, or equal with a greater key" alone, read every row
    from the beginning.
    """
    field, rising = sort.field, sort.descending is not forward
    side, tie = ("gt", "pk") if rising else ("lt", "-pk")
    value, key = after if after is not None else (None, None)
    further = Q(**{f"pk__{side}": key})
    if field == "pk":
        return [(rows if after is None else rows.filter(further)).order_by(tie)]
    nullable = _may_be_empty(rows.model, field)
    filled = rows.filter(**{f"{field}__isnull": False}) if nullable else rows
    filled = filled.order_by(F(field).asc() if rising else F(field).desc(), tie)
    empty = rows.filter(**{f"{field}__isnull": True}).order_by(tie)
    if after is None:
        return [filled, empty] if nullable else [filled]
    if value is None:
        return [empty.filter(further)] if forward else [empty.filter(further), filled]
    filled = filled.filter(Q(**{f"{field}__{side}e": value}) & (Q(**{f"{field}__{side}": value}) | further))
    return [filled, empty] if nullable and forward else [filled]


def page_of(queryset: QuerySet[M], *, sort: Sort, size: int, cursor: str = "") -> Slice[M]:
    """One page of a queryset in the order of `sort`, then of the primary key; two queries: which rows, then those (one
    more where the page has to be filled with rows without a value).

    (Sorting keys alone, a database reads an index; sorting whole rows with what they are joined to, it reads them all.)
    Raises BadInput for a cursor that is none, or one of another list or order.
    """
    forward, after = True, None
    if cursor:
        parts = _decode(cursor)
        if parts.get("s") != sort.field or parts.get("r") != sort.descending:
            raise BadInput("This is no marker of a page of this list: start from its beginning.")
        forward = parts.get("f") is not False
    try:
        if cursor:
            after = _read(parts.get("v")), int(parts["k"])
        keys: list[Any] = []
        for part in _parts(queryset, sort, after, forward=forward):
            keys += part.values_list("pk", flat=True)[: size + 1 - len(keys)]
            if len(keys) > size:
                break
        found = {row.pk: row for row in queryset.order_by().filter(pk__in=keys)} if keys else {}
        rows = [found[key] for key in keys if key in found]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BadInput("This is no marker of a page of this list: start from its beginning.") from None
    more = len(rows) > size
    rows = rows[:size]
    if not forward:
        rows.reverse()

    def mark(row: M, ahead: bool) -> str:
        return _encode(s=sort.field, r=sort.descending, f=ahead, v=_plain(_value(row, sort.field)), k=row.pk)

    behind, before = (more, bool(cursor)) if forward else (True, more)
    return Slice(
        rows, mark(rows[-1], True) if rows and behind else "", mark(rows[0], False) if rows and before else ""
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
