"""Who sees batches and their rejects, and who goes on with one that was interrupted."""

import pytest

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.intake import chunks
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.selectors import access_batch, list_batches, list_rejects
from qipan.foundation.intake.services import batch_resume, file_import
from qipan.foundation.intake.tests.toy import AT, HEADER, READINGS, line
from qipan.terms.errors import Absent, Denied, Refused
from qipan.terms.roles import Actor, Grant, Permission, Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("readings")]


def somebody(role, area):
    return Actor(7, 7, (Grant(role, area),), role.value)


HERE = somebody(Role.LABORATORY, "/41/4112/")
#: those who may not: of the next city, or of a part of this one, or nobody at all
ELSEWHERE = [
    somebody(Role.LABORATORY, "/41/4101/"),
    somebody(Role.LABORATORY, "/41/4112/411202/"),
    Actor(8, None, (), "nobody"),
]


def take(path, actor=HERE):
    return file_import(actor=actor, kind=READINGS, path=path, source="s", at=AT)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(HEADER + line(0) + "R9,nowhere,2022-07-01,1,\n" + line(1), encoding="utf-8")
    return path


@pytest.fixture
def interrupted(file, monkeypatch):
    def gone(*_):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "chunk_commit", gone)
        with pytest.raises(RuntimeError):
            take(file)
    return Batch.objects.get(state="open")


def test_batches_and_rejects_are_seen_where_they_were_taken_in(file):
    batch = take(file).batch
    for actor in (HERE, somebody(Role.AUDITOR, "/41/"), somebody(Role.COMMAND, "/")):
        assert [found.pk for found in list_batches(actor)] == [batch]
        assert [found.pk for found in list_batches(actor, kind="readings")] == [batch]
        assert not list_batches(actor, kind="tests").exists()
        assert access_batch(actor, batch).declared == 3
        assert list(list_rejects(actor, batch)) == [{"row": 3, "column": "area", "reason": "There is no such area."}]
    for actor in ELSEWHERE:
        assert not list_batches(actor).exists()
        with pytest.raises(Absent):
            access_batch(actor, batch)
        with pytest.raises(Absent):
            list(list_rejects(actor, batch))


def test_a_batch_that_is_seen_is_not_one_that_may_be_voided(file):
    batch = take(file).batch
    assert access_batch(HERE, batch, Permission.BATCH_VOID).pk == batch
    tracer = somebody(Role.TRACER, "/41/4112/")
    assert access_batch(tracer, batch).pk == batch
    with pytest.raises(Absent):
        access_batch(tracer, batch, Permission.BATCH_VOID)
    with pytest.raises(Absent):
        access_batch(HERE, batch + 1)


def test_an_interrupted_batch_is_resumed_once(interrupted):
    assert not IndicatorValue.objects.exists()
    result = batch_resume(actor=HERE, batch_id=interrupted.pk, at=AT)
    assert (result.batch, result.accepted, result.rejected, result.state) == (interrupted.pk, 2, 1, "complete")
    assert IndicatorValue.objects.count() == 2
    with pytest.raises(Refused):
        batch_resume(actor=HERE, batch_id=interrupted.pk, at=AT)
    assert IndicatorValue.objects.count() == 2


def test_who_does_not_resume(interrupted):
    for actor in ELSEWHERE:
        with pytest.raises(Absent):
            batch_resume(actor=actor, batch_id=interrupted.pk, at=AT)
    # those who see it and import nothing
    for role in (Role.AUDITOR, Role.COMMAND, Role.GRID_WORKER):
        with pytest.raises(Denied):
            batch_resume(actor=somebody(role, "/41/4112/"), batch_id=interrupted.pk, at=AT)
    # sees it here, imports elsewhere only
    both = Actor(9, 9, (Grant(Role.AUDITOR, "/41/4112/"), Grant(Role.LABORATORY, "/41/4101/")), "both")
    with pytest.raises(Denied):
        batch_resume(actor=both, batch_id=interrupted.pk, at=AT)
    assert AuditEntry.objects.filter(action="denied").count() >= 3
    interrupted.refresh_from_db()
    assert interrupted.state == "open"
    assert not IndicatorValue.objects.exists()
