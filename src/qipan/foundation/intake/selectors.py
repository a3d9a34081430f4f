"""Reads: batches, their rejects, and what identifies a batch's content."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext

from qipan.foundation import crypto
from qipan.foundation.access.scoping import scope
from qipan.foundation.intake.identities import HEAD, IDENTITY_BYTES
from qipan.foundation.intake.models import AcceptedRow, Batch, RejectedRow
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission

#: keys looked up in one statement: the least number of variables that any SQLite allows
_KEYS = 999
#: keys for each beginning from which on a range of the index is read rather than each key looked up
_A_HEAD = 20


def list_batches(actor: Actor, *, kind: str | None = None) -> QuerySet[Batch]:
    """The batches that the actor may see, newest first."""
    batches = scope(Batch.objects.all(), actor, Permission.BATCH_VIEW).order_by("-pk")
    return batches.filter(kind=kind) if kind else batches


def access_batch(actor: Actor, batch_id: int, permission: Permission = Permission.BATCH_VIEW) -> Batch:
    """A batch in whose area the actor holds `permission`. Raises Absent."""
    batch = scope(Batch.objects.all(), actor, permission).filter(pk=batch_id).first()
    if batch is None:
        raise Absent("batch")
    return batch


def reason_text(reject: RejectedRow) -> str:
    """Why a row was not taken in, in the reader's language."""
    return gettext(reject.reason) % reject.parameters if reject.parameters else gettext(reject.reason)


def list_rejects(actor: Actor, batch_id: int) -> Iterator[dict[str, Any]]:
    """Rejected rows of a batch as {row, column, reason}, in the order of the file. Raises Absent."""
    batch = access_batch(actor, batch_id)
    for reject in batch.rejects.order_by("record").defer("sealed").iterator():
        yield {"row": reject.row, "column": reject.column, "reason": reason_text(reject)}


def reject_binding(batch_id: int, record: int) -> bytes:
    """What a sealed reject is bound to."""
    return f"reject:{batch_id}:{record}".encode()


def open_rejects(batch_id: int) -> Iterator[tuple[RejectedRow, dict[str, str]]]:
    """Rejected rows with the sender's cells, in the order of the file. For services that authorised it."""
    for reject in RejectedRow.objects.filter(batch_id=batch_id).order_by("record").iterator():
        plain = crypto.unseal("rejects", reject.sealed, bound_to=reject_binding(batch_id, reject.record))
        yield reject, json.loads(plain)


def known_rows(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """identity -> content of those rows that were accepted before, from whatever batch; it may hold neighbours,
    which were not asked for.
    """
    heads = {key[:HEAD] for key in keys}
    if len(heads) * _A_HEAD <= len(keys):
        # numbers in sequence begin alike: a few ranges of the index hold them all
        found = _in_ranges(heads, limit=2 * len(keys))
        if found is not None:
            return found
    return _one_by_one(keys)


def _in_ranges(heads: Collection[bytes], *, limit: int) -> dict[bytes, bytes] | None:
    """The accepted rows whose identities begin so; None where they are more than `limit`."""
    found: dict[bytes, bytes] = {}
    with connection.cursor() as cursor:
        for head in heads:
            cursor.execute(
                "SELECT key, content FROM intake_acceptedrow WHERE key BETWEEN %s AND %s LIMIT %s",
                [head, head + b"\xff" * (IDENTITY_BYTES - HEAD), limit + 1 - len(found)],
            )
            found.update((bytes(key), bytes(content)) for key, content in cursor.fetchall())
            if len(found) > limit:
                return None
    return found


def _one_by_one(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # in parts that the planner looks up: for ten thousand at once it reads the whole table
            ordered = sorted(keys)
            for start in range(0, len(ordered), _KEYS):
                # as text: the driver writes a list item by item
                part = ",".join(f'"\\\\x{key.hex()}"' for key in ordered[start : start + _KEYS])
                sql = "SELECT key, content FROM intake_acceptedrow WHERE key = ANY(%s::bytea[])"
                cursor.execute(sql, [f"{{{part}}}"])
                found.update((bytes(key), bytes(content)) for key, content in cursor.fetchall())
            return found
        for start in range(0, len(keys), _KEYS):
            some = list(keys[start : start + _KEYS])
            marks = ",".join(["%s"] * len(some))
            cursor.execute(
                f"SELECT key, content FROM intake_acceptedrow WHERE key IN ({marks})",  # noqa: S608
                some,
            )
            found.update(cursor.fetchall())
    return found


def content_hash(batch_id: int) -> str:
    """SHA-256 over everything that a batch took in (identities and contents), whatever its chunks were."""
    digest = hashlib.sha256()
    rows = AcceptedRow.objects.filter(batch_id=batch_id).order_by("key").values_list("key", "content", "row")
    for key, content, row in rows.iterator(chunk_size=10_000):
        digest.update(bytes(key) + bytes(content) + row.to_bytes(8, "big"))
    return digest.hexdigest()
