"""One mutation, one entry: chained, in the mutation's transaction, gapless whoever writes at once."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qipan.foundation.audit import anchors, chain, verify_log
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.services import audited
from qipan.terms.errors import Denied
from qipan.terms.roles import SYSTEM_ACTOR, Actor

AT = datetime(2022, 7, 20, 4, 0, 0, 123456, tzinfo=UTC)
SOMEBODY = Actor(user_id=7, unit_id=3, grants=(), label="某人")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc里", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def write(action="thing.do", detail=None, actor=SOMEBODY, at=AT):
    with audited(actor=actor, action=action, at=at, purpose="test") as entry:
        entry.about("thing", 1, area_path="/410000/", detail=detail or {})
    return entry


def fail(action, inside=lambda: None, error=None):
    with audited(actor=SOMEBODY, action=action, at=AT):
        inside()
        raise error or RuntimeError


def test_an_entry_says_who_what_when_where_and_why(db):
    write(detail={"n": 1})
    entry = AuditEntry.objects.get()
    assert (entry.seq, entry.at, entry.actor_user_id, entry.actor_unit_id) == (1, AT, 7, 3)
    assert (entry.actor_label, entry.action, entry.purpose) == ("某人", "thing.do", "test")
    assert (entry.subject_kind, entry.subject_id, entry.area_path) == ("thing", "1", "/410000/")
    assert entry.prev_hash == chain.GENESIS


def test_the_canonical_form_is_fixed_for_ever():
    entry = {
        "seq": 1, "at": AT, "actor_user_id": 7, "actor_unit_id": None, "actor_label": "某人", "action": "a",
        "subject_kind": "k", "subject_id": "1", "area_path": "/", "purpose": "", "write_id": "w",
        "detail": {"b": 1, "a": "<é>"},
    }  # fmt: skip
    assert chain.canonical(entry).decode() == (
        '{"action":"a","actor_label":"某人","actor_unit_id":null,"actor_user_id":7,"area_path":"/",'
        '"at":"2022-07-20T04:00:00.123456Z","detail":{"a":"<é>","b":1},"purpose":"","seq":1,"subject_id":"1",'
        '"subject_kind":"k","write_id":"w"}'
    )
    assert chain.entry_hash(chain.GENESIS, entry) == "5142fc3072308c242a8b777b5a9293e768790799abf677824429534c0626d546"


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detail=st.dictionaries(st.text("xyz", max_size=3), JSON, max_size=4), micro=st.integers(0, 999_999))
def test_whatever_the_detail_the_database_gives_back_what_was_hashed(db, detail, micro):
    write(detail=detail, at=AT.replace(microsecond=micro))
    report = anchors.verify()
    assert report["verified"], report


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "a\0b"])
def test_what_is_no_json_is_refused_with_its_mutation(db, value):
    with pytest.raises(ValueError, match="log entry"):
        write(detail={"x": value})
    assert not AuditEntry.objects.exists()


def test_nested_calls_write_one_entry_each_the_outer_last(db):
    with audited(actor=SOMEBODY, action="outer", at=AT):
        write("first")
        write("second")
        with audited(actor=SOMEBODY, action="nothing", at=AT) as entry:
            entry.silent = True
        assert not AuditEntry.objects.exists()
    assert list(AuditEntry.objects.order_by("seq").values_list("action", flat=True)) == [
        "first",
        "second",
        "outer",
    ]
    assert anchors.verify()["verified"]


def test_a_failed_inner_call_leaves_no_entry_and_a_failed_outer_none_at_all(db):
    with audited(actor=SOMEBODY, action="outer", at=AT):
        with pytest.raises(RuntimeError):
            fail("inner", write)
        write("other")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"outer", "other"}
    with pytest.raises(RuntimeError):
        fail("outer2", write)
    assert AuditEntry.objects.count() == 2
    write("after")
    assert AuditEntry.objects.count() == 3


def test_a_denial_rolls_back_and_is_itself_logged_once(db):
    def forbidden():
        write("inner")
        fail("forbidden", error=Denied("order.view", "/410000/"))

    with pytest.raises(Denied):
        fail("outer", forbidden)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject_id, entry.area_path) == ("denied", "order.view", "/410000/")
    assert entry.detail == {"action": "outer"}


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_with_the_transaction_around_it():
    def write_and_fail():
        with transaction.atomic():
            write()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert not AuditEntry.objects.exists()
    assert anchors.head(AT).seq == 0


@pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="a database in memory is no place for two: the test below takes a file",
)
@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_a_gapless_chain():
    writers, each = 6, 15
    barrier = threading.Barrier(writers)
    failures = []

    def run(name):
        try:
            barrier.wait()
            for number in range(each):
                with audited(actor=SYSTEM_ACTOR, action=f"w{name}", at=AT + timedelta(seconds=number)):
                    if number % 3 == 0:
                        write(f"w{name}.inner")
        except Exception as error:  # noqa: BLE001 - told below, in the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    report = anchors.verify()
    assert report["verified"], report
    assert report["entries"] == writers * (each + each // 3)
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(
        range(1, report["entries"] + 1)
    )


WRITER = """
import sys
import django
django.setup()
from datetime import UTC, datetime
from qipan.foundation.audit.services import audited
from qipan.terms.roles import SYSTEM_ACTOR
sys.stdin.readline()
for number in range(25):
    with audited(actor=SYSTEM_ACTOR, action="outer", at=datetime.now(UTC)):
        if number % 5 == 0:
            with audited(actor=SYSTEM_ACTOR, action="inner", at=datetime.now(UTC)) as entry:
                entry.about("thing", number, detail={"里": 0.5})
"""


@pytest.mark.own_database
def test_processes_at_once_make_a_gapless_chain_in_a_file(tmp_path):
    path = tmp_path / "log.sqlite3"
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{path}"}
    migrate = [sys.executable, "-m", "django", "migrate", "audit", "--verbosity", "0"]
    subprocess.run(migrate, env=environment, check=True)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER], env=environment, stdin=subprocess.PIPE) for _ in range(3)
    ]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    # the file as it is, write-ahead log and all, read by the stand-alone verifier
    report = verify_log.check_chain(verify_log.read_log(path), {})
    assert report["verified"], report
    assert report["entries"] == report["head"]["seq"] == 90


def test_two_definitions_of_the_canonical_form_agree():
    assert verify_log.FIELDS == chain.FIELDS
    assert verify_log.GENESIS == chain.GENESIS
