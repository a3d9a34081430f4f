"""From result to order under the 9th edition: a positive binds, a positive pool does not, a void releases."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qipan.foundation.intake.services import batch_void, file_import
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.testing.services import result_record
from qipan.terms.evidence import TestOutcome
from qipan.terms.identity import person_code

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db


def isolated(cast: "Cast", at: datetime) -> set[int]:
    return set(list_orders(cast.alice, at=at).filter(kind="isolate").values_list("person_id", flat=True))


def test_a_file_of_results(town: "Cast", at: datetime, tmp_path: Path) -> None:
    lines = ["specimen_id,person_id,pool_id,sampled_at,resulted_at,method,result"]
    for name, person, pool, result in (
        ("s1", town.xia, "", "positive"),
        ("s2", town.wei, "", "negative"),
        ("s3", town.yun, "T1", "positive"),
        ("s4", town.zhu, "T1", "positive"),
    ):
        times = "2022-07-20T08:00:00+08:00,2022-07-20T11:00:00+08:00"
        lines.append(f"{name},{person_code(person)},{pool},{times},pcr,{result}")
    path = tmp_path / "tests.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = file_import(actor=town.hu, kind="tests", path=path, source="lab", at=at)
    assert done.finished["positive_pools"] == 1
    # Xia alone: of the pool nobody knows who
    assert isolated(town, at) == {town.xia}
    later = at + timedelta(hours=1)
    batch_void(actor=town.hu, batch_id=done.batch or 0, at=later)
    assert isolated(town, later) == set()


def test_a_single_result(town: "Cast", at: datetime) -> None:
    def record(person: int, specimen: str, pool: str) -> dict[str, int]:
        _, recorded = result_record(
            actor=town.ning, person_id=person, source="hospital", specimen_id=specimen, pool_id=pool,
            sampled_at=at - timedelta(hours=3), resulted_at=at, method="pcr", result=TestOutcome.POSITIVE, at=at,
        )  # fmt: skip
        return dict(recorded.refreshed.opened)

    assert record(town.yun, "h1", "T1").get("isolate") is None
    assert record(town.xia, "h2", "")["isolate"] == 1
    assert isolated(town, at) == {town.xia}
