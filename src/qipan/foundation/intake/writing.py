"""Bulk writing: COPY on PostgreSQL, a temporary table and one INSERT from it on SQLite; the same call for both.

Neither goes through model instances: `save()`, defaults and signals do not run, constraints do. On SQLite an
INSERT into a guarded table keeps a journal of its own, page by page, in case its trigger aborts: for each
row where each row is a statement. One statement for all rows takes a third of the time.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any, cast

import polars as pl
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction

_SQLITE_ROWS = 10_000
Adapter = Callable[[Any], Any]


def _json(value: Any) -> Any:
    return None if value is None else json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)


def _sqlite_moment(value: datetime | None) -> str | None:
    # as Django stores it: naive UTC, a space, microseconds only where there are any
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))


def _sqlite_text(value: date | time | None) -> str | None:
    return None if value is None else value.isoformat()


def _adapter(field: "models.Field[Any, Any]", vendor: str) -> Adapter | None:
    if isinstance(field, models.JSONField):
        return _json
    if vendor == "sqlite":
        if isinstance(field, models.DateTimeField):
            return _sqlite_moment
        if isinstance(field, models.DateField | models.TimeField):
            return _sqlite_text
    return None


def _fields(model: type[models.Model], columns: Sequence[str]) -> "list[models.Field[Any, Any]]":
    by_name: dict[str, models.Field[Any, Any]] = {}
    for field in model._meta.concrete_fields:
        by_name[field.name] = by_name[field.attname] = field
    unknown = [name for name in columns if name not in by_name]
    if unknown:
        raise ValueError(f"{model.__name__} has no {', '.join(unknown)}")
    return [by_name[name] for name in columns]


def _target(model: type[models.Model], fields: "Sequence[models.Field[Any, Any]]") -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(cast(str, field.column)) for field in fields)
    return f"{quote(model._meta.db_table)} ({names})"


def bulk_insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert `rows` (values in the order of `columns`: field names or attnames); returns how many.

    Values are Python values: aware datetimes, dates, bytes, str, numbers, bool, None; JSON fields take any
    JSON value. All columns without a database default must be named (not `id`, where it is automatic).
    Raises IntegrityError as any insert does; call it inside `audited`.
    """
    fields = _fields(model, columns)
    adapters = [_adapter(field, connection.vendor) for field in fields]
    changed = [(i, adapter) for i, adapter in enumerate(adapters) if adapter]

    def adapted() -> Iterable[Sequence[Any]]:
        if not changed:
            yield from rows
            return
        for row in rows:
            values = list(row)
            for position, adapter in changed:
                values[position] = adapter(values[position])
            yield values

    return _write(model, fields, adapted())


def _write(model: type[models.Model], fields: "Sequence[models.Field[Any, Any]]", rows: Iterable[Sequence[Any]]) -> int:
    if connection.vendor != "postgresql":
        return _write_sqlite(model, fields, {}, rows)
    # Django's wrapper turns the driver's exceptions into its own
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        written = 0
        with cursor.cursor.copy(f"COPY {_target(model, fields)} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
                written += 1
        return written


def _write_sqlite(
    model: type[models.Model],
    fields: "Sequence[models.Field[Any, Any]]",
    constants: Mapping[int, Any],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Insert `rows`, which hold the values of those fields that are not in `constants` (position -> value)."""
    width = len(fields) - len(constants)
    parts = f"qipan_bulk_{width}"
    names = iter(f"c{i}" for i in range(width))
    values = ", ".join("?" if i in constants else next(names) for i in range(len(fields)))
    insert = f"INSERT INTO {_target(model, fields)} SELECT {values} FROM temp.{parts}"  # noqa: S608
    with transaction.atomic(), connection.cursor(), connection.wrap_database_errors:
        # past Django's wrapper, which would translate %s for every row
        raw = connection.connection
        raw.execute(f"CREATE TEMP TABLE IF NOT EXISTS {parts} ({', '.join(f'c{i}' for i in range(width))})")
        written = 0
        source = iter(rows)
        # lists, because the driver asks an iterator of ours for every row
        while part := list(islice(source, _SQLITE_ROWS)):
            raw.execute(f"DELETE FROM temp.{parts}")  # noqa: S608
            raw.executemany(f"INSERT INTO temp.{parts} VALUES ({', '.join('?' * width)})", part)  # noqa: S608
            written += raw.execute(insert, list(constants.values())).rowcount
        raw.execute(f"DELETE FROM temp.{parts}")  # noqa: S608
        return written


def bulk_insert_frame(model: type[models.Model], frame: pl.DataFrame) -> int:
    """`bulk_insert` of a Polars frame whose columns are named like the model's fields; returns the rows.

    The fast way for frames: on PostgreSQL the frame is written as CSV by Polars and copied as it is. JSON
    fields hold JSON text; binary columns bytes; instants have a time zone.
    """
    fields = _fields(model, frame.columns)
    target = _target(model, fields)
    if not len(frame):
        return 0
    postgres = connection.vendor == "postgresql"
    expressions = []
    for field, name in zip(fields, frame.columns, strict=True):
        dtype, column = frame.schema[name], pl.col(name)
        if isinstance(dtype, pl.Datetime):
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            suffix = "+00" if postgres else ""
            column = column.dt.strftime(f"%Y-%m-%d %H:%M:%S%.6f{suffix}")
            if not postgres:
                column = column.str.replace(r"\.000000$", "")
        elif isinstance(dtype, pl.Date):
            column = column.dt.strftime("%Y-%m-%d")
        elif isinstance(dtype, pl.Binary) and postgres:
            column = pl.lit("\\x") + column.bin.encode("hex")
        elif isinstance(field, models.JSONField) and not isinstance(dtype, pl.String):
            raise ValueError(f"{name}: JSON columns of a frame hold JSON text")
        expressions.append(column.alias(name))
    ready = frame.select(expressions)
    if not postgres:
        # what is the same in every row is said once
        same = {i: ready[0, i] for i, column in enumerate(ready) if column.n_unique() == 1}
        if len(same) < len(fields):
            varying = ready.select(name for i, name in enumerate(ready.columns) if i not in same)
            return _write_sqlite(model, fields, same, varying.rows())
        return _write_sqlite(model, fields, {}, ready.rows())
    payload = ready.write_csv(include_header=False, quote_style="non_numeric").encode()
    _copy_text(f"COPY {target} FROM STDIN WITH (FORMAT csv)", payload)
    return len(frame)


def _copy_text(command: str, payload: bytes) -> None:
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        copying = cursor.cursor.copy(command)
        # psycopg ends the copy, and so reports its errors, when this block is left
        with copying as copy:
            copy.write(payload)
