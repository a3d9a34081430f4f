"""Results as a table that comes in again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.testing.selectors import list_results
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

#: those of the file kind of this name (a test holds them equal)
COLUMNS = (
    "specimen_id", "person_id", "pool_id", "sampled_at", "site", "lab", "resulted_at", "method", "result",
    "ct",
)  # fmt: skip


def result_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Results that were not voided, in the order in which they came."""
    results = list_results(actor, below=area_path)
    counts = Counter(results.order_by().values_list("specimen_id", flat=True).iterator())
    shared = {specimen for specimen, count in counts.items() if count > 1}
    columns = (
        "source", "specimen_id", "person_id", "pool_id", "sampled_at", "site", "laboratory", "resulted_at", "method",
        "result", "ct",
    )  # fmt: skip
    for source, specimen, person, pool, *rest in results.order_by("pk").values_list(*columns).iterator():
        sampled, site, lab, resulted, method, result, ct = rest
        name = f"{source}:{specimen}" if specimen in shared else specimen
        yield (
            name, person_code(person), pool or None, sampled, site or None, lab or None, resulted, method, result, ct
        )


TESTS = ExportKind(
    "tests", "Test results", COLUMNS, result_rows, Permission.TEST_VIEW
)
