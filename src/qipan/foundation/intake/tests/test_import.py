"""A file taken in: totals, reasons, duplicates, conflicts, dry runs, voids; and who may."""

import errno
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.intake import chunks, kinds, services
from qipan.foundation.intake.kinds import Reject
from qipan.foundation.intake.models import AcceptedRow, Batch, Chunk, RejectedRow
from qipan.foundation.intake.selectors import content_hash, open_rejects
from qipan.foundation.intake.services import batch_void, file_import
from qipan.foundation.intake.tests.toy import AT, HEADER, READINGS, line
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("readings")]
ADMIN = Actor(1, 1, (Grant(Role.ADMINISTRATOR, "/"),), "admin")


def write(folder: Path, text: str, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def take(path: Path, **options):
    return file_import(**{"actor": SYSTEM_ACTOR, "kind": READINGS, "path": path, "source": "s", "at": AT, **options})


def totals(result):
    return result.declared, result.accepted, result.rejected, result.duplicate


def test_a_file_becomes_rows_a_complete_batch_and_entries_in_the_log(tmp_path):
    result = take(write(tmp_path, HEADER + "".join(map(line, range(3)))))
    assert totals(result) == (3, 3, 0, 0)
    assert result.state == "complete"
    assert set(result.as_json()) >= {
        "batch", "kind", "source", "declared", "accepted", "rejected", "duplicate", "state", "rejects",
    }  # fmt: skip
    assert sorted(IndicatorValue.objects.values_list("indicator", flat=True)) == ["R000000", "R000001", "R000002"]
    actions = list(AuditEntry.objects.order_by("seq").values_list("action", flat=True))
    assert actions == ["batch.begin", "batch.open", "batch.chunk", "batch.complete"]
    entry = AuditEntry.objects.get(action="batch.chunk")
    assert entry.detail["content_hash"] == Chunk.objects.get().content_hash
    assert entry.detail["accepted"] == 3


def test_every_wrong_row_is_told_with_row_column_and_reason_and_the_rest_is_taken(tmp_path):
    text = HEADER + line(1) + ",411201,2022-07-01,1,\n" + "R2,nowhere,2022-07-01,1,\n"
    text += "R3,411201,2022-02-30,1,\nR4,411201,2022-07-21,1,\nR5,411201,2022-07-01,x,\nR6,411201,2022-07-01\n"
    text += "R7,411201,2022-07-01,1001,\n"
    result = take(write(tmp_path, text))
    assert totals(result) == (8, 1, 7, 0)
    assert [(r["row"], r["column"]) for r in result.rejects] == [
        (3, "reading"), (4, "area"), (5, "day"), (6, "day"), (7, "value"), (8, ""), (9, "value"),
    ]  # fmt: skip
    assert "future" in result.rejects[3]["reason"]
    assert result.rejects[6]["reason"] == "The number is more than 1000."


def test_rejects_are_sealed_in_the_database(tmp_path):
    take(write(tmp_path, HEADER + "R1,nowhere,2022-07-01,1,张三丰\n"))
    assert "张三丰".encode() not in bytes(RejectedRow.objects.get().sealed)
    [(_, raw)] = open_rejects(Batch.objects.get().pk)
    assert raw["note"] == "张三丰"


def test_the_same_file_again_overlapping_and_shuffled_adds_nothing(tmp_path):
    take(write(tmp_path, HEADER + "".join(map(line, range(50)))))
    again = take(write(tmp_path, HEADER + "".join(map(line, range(50)))))
    assert totals(again) == (50, 0, 0, 50)
    shuffled = take(write(tmp_path, HEADER + "".join(map(line, reversed(range(25, 75))))))
    assert totals(shuffled) == (50, 25, 0, 25)
    assert IndicatorValue.objects.count() == 75


def test_another_way_of_writing_the_same_values_is_a_duplicate(tmp_path):
    take(write(tmp_path, HEADER + "R1,411201,2022-07-01,1,\n"))
    again = take(write(tmp_path, "编号;地区;日期;数值;备注\r\nR1;411201;2022年7月1日;1.0;\r\n", encoding="gb18030"))
    assert totals(again) == (1, 0, 0, 1)
    assert Batch.objects.get(pk=again.batch).encoding == "gb18030"


def test_the_same_identity_with_other_content_is_a_conflict(tmp_path):
    text = HEADER + "R1,411201,2022-07-01,1,\n"
    take(write(tmp_path, text))
    other = take(write(tmp_path, HEADER + "R1,411201,2022-07-01,2,\nR2,411201,2022-07-01,2,\n"))
    assert totals(other) == (2, 1, 1, 0)
    assert other.rejects == [{"row": 2, "column": "reading", "reason": chunks.CONFLICTING}]
    rows = ["R3,411201,2022-07-01,2,\n", "R3,411201,2022-07-01,2,\n", "R3,411201,2022-07-01,4,\n"]
    inside = take(write(tmp_path, HEADER + "".join(rows)))
    assert totals(inside) == (3, 1, 1, 1)


@pytest.mark.parametrize("digits", [2, 4])
def test_numbered_rows_are_known_again_whether_ranges_or_rows_are_looked_up(tmp_path, monkeypatch, digits):
    # 4 digits: two hundred rows begin alike, more than twice what the file asks for; 2 digits: two ranges hold it
    kind = replace(READINGS, id_digits=digits)
    monkeypatch.setitem(kinds._kinds, READINGS.name, kind)
    assert totals(take(write(tmp_path, HEADER + "".join(map(line, range(200)))), kind=kind)) == (200, 200, 0, 0)
    rows = [line(number) for number in range(140, 205)]
    rows[0] = rows[0].replace("note", "other")
    again = take(write(tmp_path, HEADER + "".join(rows)), kind=kind)
    assert totals(again) == (65, 5, 1, 59)
    [reject] = again.rejects
    assert (reject["row"], reject["reason"]) == (2, chunks.CONFLICTING)
    assert IndicatorValue.objects.count() == 205


def test_another_source_has_its_own_identities(tmp_path):
    path = write(tmp_path, HEADER + "R1,411201,2022-07-01,1,\n")
    take(path)
    text = HEADER + "R1,411202,2022-07-01,2,\n"
    assert totals(take(write(tmp_path, text, "other.csv"), source="t")) == (1, 1, 0, 0)


def test_a_dry_run_says_the_same_and_stores_nothing(tmp_path):
    take(write(tmp_path, HEADER + line(0) + line(1)))
    text = HEADER + line(1) + line(2) + line(2) + "R000000,411201,2022-07-01,9,\nR9,nowhere,2022-07-01,1,\n"
    text += "R000002,411201,2022-07-01,9,\n"
    path = write(tmp_path, text)
    entries = AuditEntry.objects.count()
    dry = take(path, dry_run=True)
    assert (Batch.objects.count(), AcceptedRow.objects.count(), AuditEntry.objects.count()) == (1, 2, entries)
    real = take(path)
    assert totals(dry) == totals(real) == (6, 1, 3, 2)
    assert dry.rejects == real.rejects
    assert (dry.batch, dry.state) == (None, "checked")


def test_all_or_nothing_refuses_the_file_at_one_reject(tmp_path):
    path = write(tmp_path, HEADER + line(0) + "R9,nowhere,2022-07-01,1,\n")
    with pytest.raises(BadInput, match="row 3, column area: There is no such area"):
        take(path, all_or_nothing=True)
    assert not IndicatorValue.objects.exists()
    assert Batch.objects.get().state == "failed"
    assert take(path).accepted == 1


def test_a_voided_batch_makes_room_for_its_correction(tmp_path):
    wrong = take(write(tmp_path, HEADER + "R1,411201,2022-07-01,1,\nR2,nowhere,2022-07-01,1,\n"))
    keys = set(AcceptedRow.objects.values_list("key", flat=True))
    assert batch_void(actor=ADMIN, batch_id=wrong.batch, at=AT) == {"readings": 1}
    batch = Batch.objects.get(pk=wrong.batch)
    assert (batch.state, batch.accepted, batch.rejected) == ("voided", 1, 1)
    right = take(write(tmp_path, HEADER + "R1,411201,2022-07-01,2,\n"))
    assert totals(right) == (1, 1, 0, 0)
    assert set(AcceptedRow.objects.values_list("key", flat=True)) == keys
    with pytest.raises(Refused):
        batch_void(actor=ADMIN, batch_id=wrong.batch, at=AT)


def test_a_fact_that_comes_again_after_a_void_has_another_key(tmp_path, monkeypatch):
    seen = []
    kind = replace(READINGS, commit=lambda ctx, frame: seen.append(frame["_key"][0]))
    monkeypatch.setitem(kinds._kinds, "readings", kind)
    path = write(tmp_path, HEADER + "R1,411201,2022-07-01,1,\n")
    batch_void(actor=ADMIN, batch_id=take(path, kind=kind).batch, at=AT)
    take(path, kind=kind)
    assert len(set(seen)) == 2


def test_who_may_import_and_who_may_not(tmp_path):
    path = write(tmp_path, HEADER + line(0))
    nobody = Actor(7, 7, (Grant(Role.AUDITOR, "/"),), "auditor")
    for dry_run in (False, True):
        with pytest.raises(Denied):
            take(path, actor=nobody, dry_run=dry_run)
    assert AuditEntry.objects.filter(action="denied").count() == 2
    assert not Batch.objects.exists()
    laboratory = Actor(8, 8, (Grant(Role.LABORATORY, "/41/4112/"), Grant(Role.LABORATORY, "/41/4101/")), "lab")
    result = take(path, actor=laboratory)
    assert Batch.objects.get(pk=result.batch).area_path == "/41/"


def test_voiding_needs_its_own_right(tmp_path):
    batch = take(write(tmp_path, HEADER + line(0))).batch
    tracer = Actor(9, 9, (Grant(Role.TRACER, "/"),), "tracer")  # may import, may see
    with pytest.raises(Denied):
        batch_void(actor=tracer, batch_id=batch, at=AT)
    elsewhere = Actor(9, 9, (Grant(Role.ADMINISTRATOR, "/41/"),), "elsewhere")
    with pytest.raises(Absent):
        batch_void(actor=elsewhere, batch_id=batch, at=AT)
    assert Batch.objects.get(pk=batch).state == "complete"


def test_totals_that_do_not_add_up_are_never_closed(tmp_path, monkeypatch):
    """One row lost between staging and commit."""
    load = services.staging.chunk_load

    def lossy(batch_id, number):
        chunk = load(batch_id, number)
        chunk.rows = chunk.rows.head(len(chunk.rows) - 1)
        return chunk

    monkeypatch.setattr(services.staging, "chunk_load", lossy)
    with pytest.raises(Refused, match="does not add up"):
        take(write(tmp_path, HEADER + line(0) + line(1)))
    assert Batch.objects.get().state == "open"


def test_a_check_that_loses_rows_is_a_defect(tmp_path):
    lossy = replace(READINGS, name="lossy", check=lambda ctx, frame: (frame.head(1), []))
    with pytest.raises(RuntimeError, match="2 rows in, 1 good and 0 rejected out"):
        take(write(tmp_path, HEADER + line(0) + line(1)), kind=lossy)
    assert Batch.objects.get().state == "failed"


def test_a_kind_without_id_columns_is_identified_by_the_whole_row(tmp_path):
    kind = replace(READINGS, name="whole", commit=lambda ctx, frame: None, id_columns=())
    text = HEADER + "R1,411201,2022-07-01,1,\nR1,411201,2022-07-01,2,\nR1,411201,2022-07-01,1,\n"
    assert totals(take(write(tmp_path, text), kind=kind)) == (3, 2, 0, 1)


def test_chunks_hold_ten_thousand_rows_and_the_hash_does_not_depend_on_them(tmp_path, monkeypatch):
    text = HEADER + "".join(map(line, range(60)))
    whole = content_hash(take(write(tmp_path, text)).batch)
    batch_void(actor=ADMIN, batch_id=Batch.objects.get().pk, at=AT)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 7)
    result = take(write(tmp_path, text))
    assert Chunk.objects.filter(batch=result.batch).count() == 9
    assert max(c.accepted for c in Chunk.objects.filter(batch=result.batch)) == 7
    assert content_hash(result.batch) == whole


def test_references_inside_a_file_are_checked_over_all_of_it(tmp_path, monkeypatch):
    def parents(ctx, frame):
        known = set(frame["reading"])
        return [Reject(row, "note", "No such parent.") for row, note in frame.select("_row", "note").iter_rows()
                if note and note not in known]  # fmt: skip

    kind = replace(READINGS, check_file=parents, file_columns=("reading", "note"))
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    rows = [("R1", "R4"), ("R2", ""), ("R3", "R9"), ("R4", "R1"), ("R5", "R2")]
    path = write(tmp_path, HEADER + "".join(f"{r},411201,2022-07-01,1,{n}\n" for r, n in rows))
    dry = take(path, kind=kind, dry_run=True)
    real = take(path, kind=kind)
    assert totals(dry) == totals(real) == (5, 4, 1, 0)
    assert dry.rejects == real.rejects == [{"row": 4, "column": "note", "reason": "No such parent."}]


def test_a_batch_without_source_is_refused(tmp_path):
    with pytest.raises(BadInput, match="source"):
        take(write(tmp_path, HEADER + line(0)), source=" ")


def test_staged_pieces_are_sealed_and_gone_at_the_end(tmp_path, monkeypatch):
    seen = []
    store = services.staging.chunk_store

    def peek(batch_id, chunk):
        store(batch_id, chunk)
        folder = services.staging._folder(batch_id)
        seen.extend(path.read_bytes() for path in folder.iterdir())

    monkeypatch.setattr(services.staging, "chunk_store", peek)
    result = take(write(tmp_path, HEADER + "R1,411201,2022-07-01,1,王小明\n"))
    assert len(seen) == 3
    assert not any("王小明".encode() in content for content in seen)
    assert not services.staging._folder(result.batch).exists()
    assert not (services.staging._root() / f"{result.batch}.lock").exists()


def test_a_disk_that_fills_while_staging_fails_the_batch_and_leaves_nothing(tmp_path, monkeypatch):
    path = write(tmp_path, HEADER + "".join(map(line, range(30))))
    put, calls = services.staging._write, []

    def full(batch_id, name, plain):
        calls.append(name)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(batch_id, name, plain)

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "CHUNK_ROWS", 10)
        patch.setattr(services.staging, "_write", full)
        with pytest.raises(Refused, match="could not be staged: No space left"):
            take(path)
    batch = Batch.objects.get()
    assert (batch.state, batch.accepted) == ("failed", 0)
    assert not services.staging._folder(batch.pk).exists()
    assert take(path).accepted == 30


def test_the_frame_that_a_kind_commits_has_keys_and_rows(tmp_path):
    seen = []
    kind = replace(READINGS, commit=lambda ctx, frame: seen.append(frame))
    take(write(tmp_path, HEADER + line(0) + line(1)), kind=kind)
    [frame] = seen
    assert frame["_row"].to_list() == frame["_line"].to_list() == [2, 3]
    assert frame.schema["_key"] == pl.Binary
    assert {len(key) for key in frame["_key"]} == {16}
