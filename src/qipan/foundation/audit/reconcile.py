"""Does the state agree with the log? Rows carry the `write_id` of the entry that covers them (U8).

A row that somebody wrote past the services has a `write_id` that the log does not know, or makes an entry's
count or content hash wrong. Rooms hand in what they hold; this compares.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from qipan.foundation.audit.models import AuditEntry

#: Below SQLite's limit of variables in a statement.
_BATCH = 800


@dataclass(slots=True)
class Reconciled:
    """What was compared, and the write ids that do not agree."""

    checked: int = 0
    #: rows whose write id no entry has
    without_entry: list[str] = field(default_factory=list)
    #: entries that say another number of rows
    count_differs: list[str] = field(default_factory=list)
    #: entries that say another content
    content_differs: list[str] = field(default_factory=list)
    #: entries that say rows of which none are there
    without_rows: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing was found."""
        return not (self.without_entry or self.count_differs or self.content_differs or self.without_rows)


def content_hash(rows: Iterable[bytes]) -> str:
    """One hash of a set of rows (each in the caller's canonical form) in any order; 64 hex digits."""
    total = hashlib.sha256()
    for digest in sorted(hashlib.sha256(row).digest() for row in rows):
        total.update(digest)
    return total.hexdigest()


def reconcile(
    covered: Iterable[tuple[str, int, str]],
    *,
    actions: Collection[str] = (),
    removed: Mapping[str, int] | None = None,
    rows_key: str = "rows",
    hash_key: str = "content_hash",
) -> Reconciled:
    """Compare rows with the log. A query for every 800 write ids.

    `covered`: (write_id, number of rows that carry it, content hash or "" where none is kept), once for each
    write id. `actions`: entries of these actions must have their rows (`Entry.covers`). `removed`: write_id
    -> rows taken away since by logged purges; their content is then not compared.
    """
    found = Reconciled()
    gone = removed or {}
    met: set[str] = set()
    rows = iter(covered)
    while batch := list(islice(rows, _BATCH)):
        details = dict(
            AuditEntry.objects.filter(write_id__in=[write_id for write_id, _, _ in batch]).values_list(
                "write_id", "detail"
            )
        )
        for write_id, count, content in batch:
            found.checked += 1
            met.add(write_id)
            detail = details.get(write_id)
            if detail is None:
                found.without_entry.append(write_id)
            elif detail.get(rows_key, 0) != count + gone.get(write_id, 0):
                found.count_differs.append(write_id)
            elif write_id not in gone and content and detail.get(hash_key) != content:
                found.content_differs.append(write_id)
    if actions:
        entries = AuditEntry.objects.filter(action__in=list(actions)).values_list("write_id", "detail")
        for write_id, detail in entries.iterator(chunk_size=10_000):
            if write_id not in met and detail.get(rows_key, 0) > gone.get(write_id, 0):
                found.without_rows.append(write_id)
    return found
