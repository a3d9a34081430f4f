"""The rows of all tables in a form that is the same on both databases, and back.

A row is a JSON array in the order of the model's columns: instants in UTC as ``2022-07-20 04:00:00[.123456]``,
days as ISO dates, bytes as base64, JSON columns as JSON with sorted keys, everything else as it is. Tables are
ordered by name, rows by primary key (bytewise), so that equal content gives equal bytes.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

Codec = Callable[[Any], Any]

_AS_IS = {
    "AutoField", "BigAutoField", "SmallAutoField", "CharField", "TextField", "SlugField", "FloatField",
    "BooleanField", "IntegerField", "BigIntegerField", "SmallIntegerField", "PositiveIntegerField",
    "PositiveSmallIntegerField", "PositiveBigIntegerField",
}  # fmt: skip
#: content types and the framework's own permissions (which nobody here holds) are made anew by `migrate`; who was
#: locked out is a matter of the hour
_PASSING = ("contenttypes", "auth", "axes")
_FETCHED = 2_000
_INSERTED = 10_000

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be backed up."""

    name: str
    model: type[models.Model]
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    key: str
    key_is_text: bool


@dataclass(slots=True)
class Summary:
    """How many rows a table has, and the hash of their lines in order."""

    rows: int
    hash: str


def tables() -> list[Table]:
    """Every table of every installed app that keeps something, by name."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in _PASSING or not model._meta.managed or model._meta.proxy:
            continue
        fields = model._meta.local_concrete_fields
        key = model._meta.pk
        assert key is not None
        found.append(
            Table(
                model._meta.db_table,
                model,
                tuple(str(field.column) for field in fields),
                tuple(_kind(field) for field in fields),
                str(key.column),
                _kind(key) in ("CharField", "TextField", "SlugField"),
            )
        )
    return sorted(found, key=lambda table: table.name)


def _kind(field: Any) -> str:
    while field.remote_field is not None:
        field = field.target_field
    kind: str = field.get_internal_type()
    if kind not in _AS_IS and kind not in _OUT:
        raise TypeError(f"a backup cannot hold {field}: say in foundation.backup.tables how")
    return kind


# --- values out -----------------------------------------------------------------------------------------


def _instant(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(" ")


def _day(value: date) -> str:
    return value.isoformat()


def _bytes(value: bytes | memoryview) -> str:
    return base64.b64encode(value).decode()


def _number(text: str) -> float | int:
    # PostgreSQL keeps numbers as decimals: so large a float comes back from it as an integer, and -0.0 as 0.0
    value = float(text)
    return int(value) if abs(value) >= 1e16 and value.is_integer() else value + 0.0


_loads = json.JSONDecoder(parse_float=_number).decode

_OUT: dict[str, Codec] = {
    "DateTimeField": _instant,
    "DateField": _day,
    "BinaryField": _bytes,
    "JSONField": _loads,
}


def read_table(connection: BaseDatabaseWrapper, table: Table) -> Iterator[bytes]:
    """The lines of a table, in order. Inside a transaction; holds a few thousand rows at a time."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(column) for column in table.columns)
    collation = ' COLLATE "C"' if table.key_is_text and connection.vendor == "postgresql" else ""
    sql = f"SELECT {columns} FROM {quote(table.name)} ORDER BY {quote(table.key)}{collation}"  # noqa: S608
    codecs = [(place, _OUT[kind]) for place, kind in enumerate(table.kinds) if kind in _OUT]
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(_FETCHED):
            for row in rows:
                values = list(row)
                for place, codec in codecs:
                    if values[place] is not None:
                        values[place] = codec(values[place])
                yield _encode(values).encode()


class Counted:
    """Lines passed through, counted and hashed."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._hash = hashlib.sha256()
        self.rows = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self._hash.update(line)
            self._hash.update(b"\n")
            self.rows += 1
            yield line

    @property
    def summary(self) -> Summary:
        """What has passed."""
        return Summary(self.rows, self._hash.hexdigest())


def content_hash(summaries: dict[str, Summary]) -> str:
    """One hash over all tables (64 hex digits)."""
    total = hashlib.sha256()
    for name in sorted(summaries):
        total.update(f"{name} {summaries[name].rows} {summaries[name].hash}\n".encode())
    return total.hexdigest()


def summarise(connection: BaseDatabaseWrapper) -> dict[str, Summary]:
    """Read every table and say what is in it."""
    summaries = {}
    for table in tables():
        counted = Counted(read_table(connection, table))
        for _ in counted:
            pass
        summaries[table.name] = counted.summary
    return summaries


# --- values in -------------------------------------------------------------------------------------------


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _codecs_in(connection: BaseDatabaseWrapper, table: Table) -> list[tuple[int, Codec]]:
    into: dict[str, Codec] = {"BinaryField": base64.b64decode, "JSONField": _json_text}
    if connection.vendor == "postgresql":
        into["DateTimeField"] = lambda text: text + "+00"
    return [(place, into[kind]) for place, kind in enumerate(table.kinds) if kind in into]


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _INSERTED:
            yield batch
            batch = []
    if batch:
        yield batch


def write_table(connection: BaseDatabaseWrapper, table: Table, columns: Sequence[str], lines: Iterable[bytes]) -> None:
    """Insert lines into an empty table, inside the caller's transaction (foreign keys are checked at its end)."""
    place = {column: number for number, column in enumerate(columns)}
    order = [place[column] for column in table.columns]
    codecs = _codecs_in(connection, table)
    fields = table.model._meta.local_concrete_fields
    json_not_null = {n for n, kind in enumerate(table.kinds) if kind == "JSONField" and not fields[n].null}

    def rows() -> Iterator[list[Any]]:
        for line in lines:
            values = json.loads(line)
            row = [values[number] for number in order]
            for number, codec in codecs:
                # JSON null in a column that may not be null is the JSON value null
                if row[number] is not None or number in json_not_null:
                    row[number] = codec(row[number])
            yield row

    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in table.columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            raw: Any = cursor.cursor
            with raw.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
                for row in rows():
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(table.columns))
        for batch in _batches(rows()):
            cursor.executemany(f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})", batch)  # noqa: S608


def is_empty(connection: BaseDatabaseWrapper) -> bool:
    """Whether no table holds a row."""
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table.name)} LIMIT 1")  # noqa: S608
            if cursor.fetchone():
                return False
    return True


def empty(connection: BaseDatabaseWrapper) -> None:
    """Delete every row of every table, inside the caller's transaction; guards must be out of force."""
    names = [connection.ops.quote_name(table.name) for table in tables()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(names)}")
            return
        for name in names:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608


def sequences_reset(connection: BaseDatabaseWrapper) -> None:
    """Let the next row of every table get an id that is free (PostgreSQL; SQLite does so by itself)."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [table.model for table in tables()]):
            cursor.execute(sql)
