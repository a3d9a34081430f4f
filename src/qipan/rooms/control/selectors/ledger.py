"""The ledger as the evaluators want it: items for one person, a frame for many."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import polars as pl
from django.db import connection
from django.db.models import QuerySet

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.audit.reconcile import content_hash
from qipan.rooms.control.models import Evidence
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceItem, EvidenceKind
from qipan.terms.roles import Actor, Permission

FRAME_SCHEMA: dict[str, Any] = {
    "evidence_id": pl.String,
    "person_id": pl.String,
    "linked_person_id": pl.String,
    "kind": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "recorded_at": pl.Datetime("us", "UTC"),
    "value": pl.String,
    "voids": pl.String,
}
#: rows fetched at a time: bounds the Python objects alive to some 10 MB
_FETCH = 50_000


def ids_condition(column: str, ids: Collection[int]) -> tuple[str, list[Any]]:
    """An SQL condition "column is one of these ids" without a limit on their number, and its parameters."""
    if connection.vendor == "postgresql":
        # as text: the driver writes a list item by item
        return f"{column} = ANY(%s::bigint[])", [f"{{{','.join(map(str, ids))}}}"]
    # `column` is program text, never input
    return f"{column} IN (SELECT value FROM json_each(%s))", [json.dumps(list(ids))]  # noqa: S608


def _frames(disease: str, ids: Collection[int]) -> Iterator[pl.DataFrame]:
    condition, parameters = ids_condition("person_id", ids)
    columns = ["CAST(id AS TEXT)", "CAST(person_id AS TEXT)", "CAST(linked_person_id AS TEXT)", "kind"]
    if connection.vendor == "postgresql":
        columns += ["(EXTRACT(EPOCH FROM at) * 1000000)::bigint", "(EXTRACT(EPOCH FROM recorded_at) * 1000000)::bigint"]
        moment: Any = pl.Int64
    else:
        columns += ["CAST(at AS TEXT)", "CAST(recorded_at AS TEXT)"]  # a plain column would be converted
        moment = pl.String
    columns += ["CAST(value AS TEXT)", "CAST(voids_id AS TEXT)"]
    schema = {**FRAME_SCHEMA, "at": moment, "recorded_at": moment}
    # the only text put together here are this module's own column names
    sql = f"SELECT {', '.join(columns)} FROM control_evidence WHERE disease = %s AND {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        # no Django converters here: SQLite hands out its texts, PostgreSQL its integers
        cursor.execute(sql, [disease, *parameters])
        while rows := cursor.fetchmany(_FETCH):
            frame = pl.DataFrame(rows, schema=schema, orient="row")
            for name in ("at", "recorded_at"):
                if moment is pl.Int64:
                    value = pl.from_epoch(pl.col(name), "us")
                else:
                    value = pl.coalesce(
                        pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
                        pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False),
                    )
                frame = frame.with_columns(value.dt.replace_time_zone("UTC").alias(name))
            yield frame


def ledger_frame(person_ids: Collection[int], *, disease: str) -> pl.DataFrame:
    """The evidence about these persons and about those it links them to, as the population evaluator reads
    it (columns of INTERFACES, table `evidence`; `value` JSON text). Machinery: not scoped.
    """
    own = list(_frames(disease, person_ids))
    frame = pl.concat(own) if own else pl.DataFrame(schema=FRAME_SCHEMA)
    linked = frame["linked_person_id"].drop_nulls().unique().cast(pl.Int64)
    missing = set(linked.to_list()) - set(person_ids)
    others = list(_frames(disease, missing)) if missing else []
    return pl.concat([frame, *others]) if others else frame


def _item(row: Evidence) -> EvidenceItem:
    return EvidenceItem(
        evidence_id=str(row.pk),
        person_id=str(row.person_id),
        kind=EvidenceKind(row.kind),
        at=row.at,
        recorded_at=row.recorded_at,
        value=row.value,
        linked_person_id=None if row.linked_person_id is None else str(row.linked_person_id),
        voids=None if row.voids_id is None else str(row.voids_id),
    )


def ledger_items(person_id: int, *, disease: str) -> list[EvidenceItem]:
    """One person's evidence and that of the persons it links him to. Machinery: not scoped. Two queries."""
    return ledger_items_of([person_id], disease=disease)[person_id]


def ledger_items_of(person_ids: Collection[int], *, disease: str) -> dict[int, list[EvidenceItem]]:
    """`ledger_items` of some persons (hundreds, not a city: `ledger_frame`). Two queries for any number."""

    def read(ids: Collection[int]) -> dict[int, list[EvidenceItem]]:
        items: dict[int, list[EvidenceItem]] = {each: [] for each in ids}
        for row in Evidence.objects.filter(person_id__in=ids, disease=disease) if ids else ():
            items[row.person_id].append(_item(row))
        return items

    own = read(set(person_ids))
    links = {
        person_id: {int(item.linked_person_id) for item in items if item.linked_person_id} - {person_id}
        for person_id, items in own.items()
    }
    others = own | read(set().union(*links.values()) - set(own))
    return {
        person_id: [*items, *(item for linked in sorted(links[person_id]) for item in others[linked])]
        for person_id, items in own.items()
    }


def linked_to(person_ids: Collection[int], *, disease: str) -> set[int]:
    """The persons whose evidence names one of these as linked: their decisions depend on them."""
    condition, parameters = ids_condition("linked_person_id", person_ids)
    sql = f"SELECT DISTINCT person_id FROM control_evidence WHERE disease = %s AND {condition}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [disease, *parameters])
        return {row[0] for row in cursor.fetchall()}


def persons_with_grounds(disease: str) -> list[int]:
    """Persons whose evidence is more than negative tests. Nobody else can be anything but green, under any
    book: no rule triggers on a negative result. Machinery: not scoped.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT person_id FROM control_evidence WHERE disease = %s AND kind <> %s",
            [disease, EvidenceKind.TEST.value],
        )
        wanted = {row[0] for row in cursor.fetchall()}
    tests = Evidence.objects.filter(disease=disease, kind=EvidenceKind.TEST.value)
    wanted |= set(tests.exclude(value__result="negative").values_list("person_id", flat=True).distinct())
    return sorted(wanted)


def persons_count(disease: str, *, below: str = "/") -> int:
    """How many persons, at or below an area path, the ledger says anything about. A figure, not scoped."""
    if below == "/":
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(DISTINCT person_id) FROM control_evidence WHERE disease = %s", [disease])
            return int(cursor.fetchone()[0])
    rows = Evidence.objects.filter(within(below, "person__area_path"), disease=disease)
    return rows.values("person_id").distinct().count()


def ledger_versions(person_ids: Collection[int], *, disease: str) -> dict[int, str]:
    """person -> a digest of how much evidence there is about him and those it links him to. Evidence is only
    ever added, so that the same version means the same evidence. Two queries for any number of persons.
    """
    own, own_parameters = ids_condition("person_id", person_ids)
    links: dict[int, set[int]] = {person_id: set() for person_id in person_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT person_id, linked_person_id FROM control_evidence "  # noqa: S608
            f"WHERE disease = %s AND linked_person_id IS NOT NULL AND {own}",
            [disease, *own_parameters],
        )
        for person_id, linked in cursor.fetchall():
            links[person_id].add(linked)
        wanted = set(person_ids).union(*links.values())
        condition, parameters = ids_condition("person_id", wanted)
        cursor.execute(
            "SELECT person_id, COUNT(*), MAX(id) FROM control_evidence "  # noqa: S608
            f"WHERE disease = %s AND {condition} GROUP BY person_id",
            [disease, *parameters],
        )
        seen = {person_id: (count, newest) for person_id, count, newest in cursor.fetchall()}
    return {
        person_id: blake2b(
            repr([(each, seen.get(each)) for each in (person_id, *sorted(linked))]).encode(), digest_size=16
        ).hexdigest()
        for person_id, linked in links.items()
    }


def evidence_count(*, disease: str | None = None) -> int:
    """How many facts the ledger holds. A figure, not scoped."""
    rows = Evidence.objects.all() if disease is None else Evidence.objects.filter(disease=disease)
    return rows.count()


def list_evidence(actor: Actor, person_id: int) -> QuerySet[Evidence]:
    """The evidence about one person, in the order it was learnt; empty where the actor may not see it."""
    rows = scope(Evidence.objects.all(), actor, Permission.EVIDENCE_VIEW, "person__area_path")
    return rows.filter(person_id=person_id).order_by("recorded_at", "pk")


def access_evidence(actor: Actor, evidence_id: int) -> Evidence:
    """One piece of evidence. Raises Absent."""
    rows = scope(Evidence.objects.all(), actor, Permission.EVIDENCE_VIEW, "person__area_path")
    found = rows.filter(pk=evidence_id).first()
    if found is None:
        raise Absent("evidence")
    return found


def value_text(value: Any) -> str:
    """An evidence value as the ledger hashes it: JSON, keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def evidence_line(key: bytes, person_id: int, linked: int | None, kind: str, at: datetime, value: str) -> bytes:
    """One fact in the form that content hashes are made of (`value` as `value_text`; no database ids of the
    ledger: they may differ between two imports of the same file).
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{bytes(key).hex()}|{person_id}|{'' if linked is None else linked}|{kind}|{moment}|{value}".encode()


def evidence_lines(frame: pl.DataFrame) -> list[bytes]:
    """`evidence_line` of every row of a frame of new evidence."""
    line = pl.concat_str(
        pl.col("key").bin.encode("hex"),
        pl.col("person_id").cast(pl.String),
        pl.col("linked_person_id").cast(pl.String).fill_null(""),
        "kind",
        pl.col("at").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
        "value",
        separator="|",
    )
    lines: list[bytes] = frame.select(line.cast(pl.Binary).alias("line"))["line"].to_list()
    return lines


def evidence_hashes(write_ids: Collection[str] | None = None) -> Iterator[tuple[str, int, str]]:
    """(write id, rows, content hash) of the stored evidence, to be compared with the log (U8)."""
    rows = Evidence.objects.order_by("write_id")
    if write_ids is not None:
        # a few hundred entries a day: below SQLite's limit of variables in parts
        parts = [list(write_ids)[i : i + 800] for i in range(0, len(write_ids), 800)]
        for part in parts:
            yield from _hashes(rows.filter(write_id__in=part))
        return
    yield from _hashes(rows)


def _hashes(rows: QuerySet[Evidence]) -> Iterator[tuple[str, int, str]]:
    current, lines = None, list[bytes]()
    fields = ("write_id", "key", "person_id", "linked_person_id", "kind", "at", "value")
    for write_id, key, person, linked, kind, at, value in rows.values_list(*fields).iterator(chunk_size=10_000):
        if write_id != current:
            if current is not None:
                yield current, len(lines), content_hash(lines)
            current, lines = write_id, []
        lines.append(evidence_line(key, person, linked, kind, at, value_text(value)))
    if current is not None:
        yield current, len(lines), content_hash(lines)
