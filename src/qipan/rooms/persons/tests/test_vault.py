"""The vault: nothing readable outside it, nothing opened without purpose and entry, nothing left after a purge."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from tests.cast import AT, COUNTY_A, GRID_A1, GRID_B1, PEOPLE, Cast, build

from qipan.foundation import crypto
from qipan.foundation.audit.chain import FIELDS, GENESIS, entry_hash
from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons import selectors, services
from qipan.rooms.persons.models import BlindIndex, Person, PersonKey, SealedIdentity
from qipan.rooms.persons.services import NewPerson
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.identity import person_code

SECRETS = {
    "source_id": "canary-source-id-7731",
    "name": "欧阳金丝雀",
    "document_number": "11010519491231002X",
    "phone": "13912345678",
    "address": "金丝雀巷42号",
    "household": "canary-household-7731",
}
CANARY = NewPerson(area=GRID_A1, document_kind="id", **SECRETS)


@pytest.fixture
def canary(cast: Cast) -> int:
    """A person whose every word can be searched for."""
    return services.person_register(actor=cast.alice, source="canary-file", person=CANARY, at=AT)


def everything_stored() -> bytes:
    """All that the database holds: the SQLite file's bytes; on PostgreSQL every row of every table as text."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return bytes(connection.connection.serialize())
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (text,) in cursor.fetchall():
                # bytea is shown as \\x…: what lies inside counts, too
                parts.append(text.encode())
                parts += [bytes.fromhex(part.split('"')[0].split(",")[0].rstrip(")"))
                          for part in text.split("\\\\x")[1:]]  # fmt: skip
    return b"\n".join(parts)


# --- P1: nothing readable ---------------------------------------------------------------------------------------


def test_no_word_of_an_identity_is_stored_readably(cast: Cast, canary: int) -> None:
    services.identity_open(actor=cast.alice, person_ids=[canary], purpose="follow_up", at=AT)
    for by in ("name", "document_number", "phone"):
        services.identity_search(
            actor=cast.alice, by=by.split("_")[0], text=SECRETS[by], purpose="follow_up", at=AT
        )
    stored = everything_stored()
    # the search would find what is there: the code of the area, and a canary of its own
    assert GRID_A1.encode() in stored
    for secret in SECRETS.values():
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
            assert secret.encode(encoding) not in stored
        assert json.dumps(secret)[1:-1].encode() not in stored


def test_the_search_above_would_find_a_leak(cast: Cast, canary: int) -> None:
    SealedIdentity.objects.filter(pk=canary).update(sealed="x 欧阳金丝雀".encode())
    assert "欧阳金丝雀".encode() in everything_stored()


def test_the_log_holds_no_personal_data(cast: Cast, canary: int) -> None:
    services.identity_search(actor=cast.alice, by="name", text=SECRETS["name"], purpose="follow_up", at=AT)
    for entry in AuditEntry.objects.all():
        text = json.dumps({name: str(getattr(entry, name)) for name in FIELDS}, ensure_ascii=False)
        assert not [secret for secret in SECRETS.values() if secret in text]


def test_sealed_rows_do_not_open_elsewhere(cast: Cast, canary: int) -> None:
    mine = SealedIdentity.objects.get(pk=canary)
    other = SealedIdentity.objects.get(pk=cast.wei)

    def opens() -> Any:
        return services.identity_open(actor=cast.alice, person_ids=[cast.wei], purpose="follow_up", at=AT)

    assert opens()[cast.wei].name == "演示·wei"
    for change in (
        {"sealed": mine.sealed},
        {"wrapped_key": mine.wrapped_key},
        {"sealed": mine.sealed, "wrapped_key": mine.wrapped_key, "vault_key": mine.vault_key},
        {"sealed": bytes(other.sealed)[:-1] + b"\0"},
        {"sealed": b""},
    ):
        SealedIdentity.objects.filter(pk=cast.wei).update(**change)
        with pytest.raises(crypto.Unsealable):
            opens()
        other.save()
    assert opens()[cast.wei].name == "演示·wei"


def test_indexes_tell_nothing_without_their_keys(cast: Cast, canary: int, tmp_path: Path, settings: Any) -> None:
    stored = BlindIndex.objects.get(pk=canary)
    digests = {bytes(stored.name), bytes(stored.document), bytes(stored.phone)}
    assert len(digests) == 3
    settings.KEYS = tmp_path / "other-keys"
    crypto.keys_create()
    search = {"actor": cast.alice, "purpose": "follow_up", "at": AT}
    assert services.identity_search(by="name", text=SECRETS["name"], **search) == []
    assert services.identity_search(by="document", text=SECRETS["document_number"], **search) == []


# --- P5: a purpose and an entry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [purpose.value for purpose in services.Purpose])
def test_a_list_is_opened_in_one_entry(cast: Cast, purpose: str) -> None:
    ids = [cast.xia, cast.wei, cast.zhu]
    opened = services.identity_open(actor=cast.alice, person_ids=ids, purpose=purpose, at=AT)
    assert {pk: identity.name for pk, identity in opened.items()} == {
        cast.xia: "演示·xia", cast.wei: "演示·wei", cast.zhu: "演示·zhu",
    }  # fmt: skip
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.purpose, entry.actor_label) == ("identity.open", purpose, "alice")
    assert entry.detail["persons"] == sorted(ids)


@pytest.mark.parametrize("purpose", ["", "petition", "deposit withdrawal", "FOLLOW_UP", "follow_up ", "social_control"])
def test_other_purposes_have_no_path(cast: Cast, purpose: str) -> None:
    with pytest.raises(Refused):
        services.identity_open(actor=cast.alice, person_ids=[cast.xia], purpose=purpose, at=AT)
    with pytest.raises(Refused):
        services.identity_search(actor=cast.alice, by="name", text="演示·xia", purpose=purpose, at=AT)
    assert [entry.action for entry in AuditEntry.objects.order_by("seq")] == ["denied", "denied"]


OPENS = {"alice": COUNTY_A, "bob": "411202001", "chen": "411202001001", "gao": COUNTY_A, "ning": COUNTY_A,
         "lin": "411200", "dora": "411203"}  # fmt: skip


@pytest.mark.parametrize("name", [row[0] for row in PEOPLE])
def test_who_opens_and_finds_whom(cast: Cast, name: str) -> None:
    actor = cast.actors[name]
    for who, pk in cast.persons.items():
        path = selectors.person_refs([pk])[pk].area_path
        may_open = name in OPENS and path.startswith(cast.path(OPENS[name]))
        if may_open:
            assert services.identity_open(actor=actor, person_ids=[pk], purpose="follow_up", at=AT)
        else:
            with pytest.raises(Denied) as denied:
                services.identity_open(actor=actor, person_ids=[pk], purpose="follow_up", at=AT)
            assert str(denied.value) == str(Absent())
        may_search = may_open and name != "gao"
        for by, text in (("name", f"演示·{who}"), ("document", f"syn-cast-{who}")):
            if name in OPENS and name != "gao":
                found = services.identity_search(actor=actor, by=by, text=text, purpose="follow_up", at=AT)
                assert [ref.id for ref in found] == ([pk] if may_search else [])
            else:
                with pytest.raises(Denied):
                    services.identity_search(actor=actor, by=by, text=text, purpose="follow_up", at=AT)


def test_one_person_out_of_reach_closes_the_list(cast: Cast) -> None:
    with pytest.raises(Denied):
        services.identity_open(actor=cast.alice, person_ids=[cast.xia, cast.tao], purpose="follow_up", at=AT)
    with pytest.raises(Absent):
        services.identity_open(actor=cast.alice, person_ids=[cast.xia, 999_999], purpose="follow_up", at=AT)
    assert [entry.action for entry in AuditEntry.objects.all()] == ["denied"]
    assert AuditEntry.objects.get().detail == {"action": "identity.open"}


def test_a_list_has_an_end(cast: Cast) -> None:
    with pytest.raises(Refused):
        services.identity_open(actor=cast.alice, person_ids=range(1, 1002), purpose="follow_up", at=AT)


def test_search_is_exact_and_forgives_only_spelling(cast: Cast, canary: int) -> None:
    def found(by: str, text: str) -> list[int]:
        refs = services.identity_search(actor=cast.alice, by=by, text=text, purpose="contact_tracing", at=AT)
        return [ref.id for ref in refs]

    for by, text in (
        ("name", "欧阳金丝雀"), ("name", " 欧阳 金丝雀 "), ("document", "11010519491231002x"),
        ("document", "110105491231002"), ("phone", "139-1234-5678"), ("phone", "+86 13912345678"),
    ):  # fmt: skip
        assert found(by, text) == [canary]
    for by, text in (
        ("name", "欧阳"), ("name", "欧阳金"), ("name", ""), ("name", "%"), ("phone", "1391234567"), ("phone", "?"),
        ("document", "1101051949"), ("document", ""), ("name", "13912345678"), ("phone", "欧阳金丝雀"),
    ):  # fmt: skip
        assert found(by, text) == []
    with pytest.raises(Refused):
        found("address", SECRETS["address"])
    entry = AuditEntry.objects.filter(action="identity.search").order_by("seq").first()
    assert entry is not None
    assert entry.detail == {"by": "name", "found": 1, "persons": [canary]}


# --- purge -------------------------------------------------------------------------------------------------------


def chain_verifies() -> bool:
    previous = GENESIS
    for entry in AuditEntry.objects.order_by("seq"):
        if entry.prev_hash != previous:
            return False
        previous = entry_hash(previous, {name: getattr(entry, name) for name in FIELDS})
        if previous != entry.hash:
            return False
    return True


def test_a_purge_leaves_a_pseudonym_and_a_log_that_verifies(cast: Cast, canary: int) -> None:
    row = SealedIdentity.objects.get(pk=canary)
    index = BlindIndex.objects.get(pk=canary)
    digests = [bytes(index.name), bytes(index.document), bytes(index.phone)]
    if connection.vendor == "sqlite":
        # some builds overwrite by themselves; the purge must not depend on it
        connection.cursor().execute("PRAGMA secure_delete = OFF")
    services.person_purge(actor=cast.lin, person_id=canary, reason="subject_request", at=AT)
    for model in (SealedIdentity, BlindIndex):
        assert not model.objects.filter(pk=canary).exists()
    assert not PersonKey.objects.filter(person_id=canary).exists()
    stored = everything_stored()
    for gone in (bytes(row.wrapped_key), bytes(row.sealed), *digests):
        assert gone not in stored  # not in free pages either
    person = Person.objects.get(pk=canary)
    assert (person.purged_at, person.birth_year, person.household_id) == (AT, None, None)
    assert person.area_path == cast.path(GRID_A1)
    assert selectors.resolve_persons([person_code(canary), "canary-source-id-7731"], source="canary-file") == {}
    with pytest.raises(Absent):
        services.identity_open(actor=cast.alice, person_ids=[canary], purpose="follow_up", at=AT)
    assert services.identity_search(
        actor=cast.alice, by="name", text=SECRETS["name"], purpose="follow_up", at=AT
    ) == []  # fmt: skip
    with pytest.raises(Absent):
        services.person_purge(actor=cast.lin, person_id=canary, reason="subject_request", at=AT)
    entry = AuditEntry.objects.get(action="person.purge")
    assert (entry.subject_id, entry.purpose) == (str(canary), "subject_request")
    assert chain_verifies()
    # the same person may be registered again, as somebody new
    assert services.person_register(actor=cast.alice, source="canary-file", person=CANARY, at=AT) != canary


@pytest.mark.parametrize("name", [row[0] for row in PEOPLE if row[0] != "lin"])
def test_only_the_privacy_officer_purges(cast: Cast, name: str) -> None:
    with pytest.raises(Denied):
        services.person_purge(actor=cast.actors[name], person_id=cast.xia, reason="subject_request", at=AT)
    assert SealedIdentity.objects.filter(pk=cast.xia).exists()


def test_a_purge_needs_a_reason_of_the_law(cast: Cast) -> None:
    with pytest.raises(BadInput):
        services.person_purge(actor=cast.lin, person_id=cast.xia, reason="he is in the way", at=AT)


# --- key rotation ------------------------------------------------------------------------------------------------


@pytest.fixture
def own_keys(tmp_path: Path, settings: Any) -> Path:
    """A key folder of the test's own: other tests keep theirs."""
    settings.KEYS = tmp_path / "keys"
    crypto.keys_create()
    return tmp_path / "keys"


def test_rotation_rewraps_everybody_and_destroys_the_old_key(own_keys: Path, cast: Cast) -> None:
    before = {row.pk: bytes(row.wrapped_key) for row in SealedIdentity.objects.all()}
    sealed = {row.pk: bytes(row.sealed) for row in SealedIdentity.objects.all()}
    old = crypto.current_key_id("vault")
    rotation = services.vault_rotate(actor=cast.fang, at=AT, batch=2)
    assert rotation.rewrapped == len(cast.persons)
    assert rotation.retired == (old,)
    assert rotation.key == crypto.current_key_id("vault") != old
    assert not list(own_keys.rglob(f"{old}*"))
    rows = list(SealedIdentity.objects.all())
    assert {row.vault_key for row in rows} == {rotation.key}
    assert {row.pk: bytes(row.sealed) for row in rows} == sealed
    opened = services.identity_open(actor=cast.lin, person_ids=before, purpose="subject_request", at=AT)
    assert {identity.name for identity in opened.values()} == {f"演示·{who}" for who in cast.persons}
    # what a thief copied before the rotation no longer opens
    SealedIdentity.objects.filter(pk=cast.xia).update(wrapped_key=before[cast.xia])
    with pytest.raises(crypto.Unsealable):
        services.identity_open(actor=cast.lin, person_ids=[cast.xia], purpose="subject_request", at=AT)
    actions = list(AuditEntry.objects.order_by("seq").values_list("action", flat=True)[:5])
    assert actions == ["vault.rotate", "vault.rewrap", "vault.rewrap", "vault.rewrap", "vault.retire"]


def test_an_interrupted_rotation_is_finished_by_the_next(own_keys: Path, cast: Cast) -> None:
    first = crypto.current_key_id("vault")

    class Killed(Exception):
        pass

    def stop(count: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        services.vault_rotate(actor=cast.fang, at=AT, batch=2, progress=stop)
    assert first in crypto.key_ids("vault")  # rows still need it
    assert len(services.identity_open(actor=cast.lin, person_ids=cast.persons.values(), purpose="appeal", at=AT)) == 5
    rotation = services.vault_rotate(actor=cast.fang, at=AT)
    assert len(rotation.retired) == 2
    assert crypto.key_ids("vault") == [rotation.key]
    assert len(services.identity_open(actor=cast.lin, person_ids=cast.persons.values(), purpose="appeal", at=AT)) == 5


@pytest.mark.parametrize("name", [row[0] for row in PEOPLE if row[0] != "fang"])
def test_only_administrators_rotate(own_keys: Path, cast: Cast, name: str) -> None:
    before = crypto.key_ids("vault")
    with pytest.raises(Denied):
        services.vault_rotate(actor=cast.actors[name], at=AT)
    assert crypto.key_ids("vault") == before


def scratch_database(tmp_path: Path) -> str:
    """The URL of an empty database of the same kind as the tests', for processes of their own."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{tmp_path / 'load.sqlite3'}"
    owner = settings.DATABASE_OWNER
    user = quote(owner["USER"]) + (f":{quote(owner['PASSWORD'])}" if owner.get("PASSWORD") else "")
    return f"postgres://{user}@{owner['HOST']}:{owner['PORT'] or 5432}/qipan_rotation_{os.getpid()}"


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[str]:
    url = scratch_database(tmp_path)
    if connection.vendor == "sqlite":
        yield url
        return
    import psycopg

    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as server_connection:
        server_connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url
        finally:
            server_connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_rotation_under_load_fails_no_reader_and_loses_nobody(scratch: str, tmp_path: Path) -> None:
    """Two processes read, one registers, while the key is rotated three times (P2)."""
    root = Path(__file__).resolve().parents[5]
    environment = os.environ | {
        "DATABASE_URL": scratch,
        "DATABASE_OWNER_URL": "",
        "QIPAN_KEYS": str(tmp_path / "load-keys"),
        "QIPAN_VAR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")]),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "qipan.config.settings"),
    }
    script = Path(__file__).with_name("rotation_under_load.py")
    done = subprocess.run([sys.executable, str(script), "main"], env=environment, capture_output=True, text=True,
                          check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert answer["failures"] == []
    assert min(answer["reads"]) > 0
    assert answer["registered"] > 0
    assert answer["unreadable"] == 0
    assert answer["keys"] == 1
    assert answer["old_rows_opening"] == 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time: nothing to wait for")
@pytest.mark.django_db(transaction=True)
def test_a_rotation_waits_for_a_writer_that_has_not_committed(own_keys: Path) -> None:
    cast = build()
    placed, _ = services.persons_check([CANARY], source="s", at=AT)
    outcome: list[Any] = []

    def rotate() -> None:
        try:
            outcome.append(services.vault_rotate(actor=cast.fang, at=AT))
        finally:
            connection.close()

    other = threading.Thread(target=rotate)
    with transaction.atomic():
        (pk,) = services.persons_write([row for row in placed if row is not None], source="s", at=AT)
        other.start()
        waiting = False
        while not waiting and other.is_alive():  # it waits for us, or (a defect) it is through already
            other.join(0.02)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                waiting = cursor.fetchone()[0] > 0
    other.join()
    assert outcome
    assert services.identity_open(actor=cast.alice, person_ids=[pk], purpose="follow_up", at=AT)[pk].name == CANARY.name
    assert crypto.key_ids("vault") == [outcome[0].key]


# --- the room ----------------------------------------------------------------------------------------------------


def test_identity_columns_exist_nowhere_else() -> None:
    """P13 and the vault: no model but the vault's has a name, a document, a phone, a position."""
    forbidden = {"phone", "document_number", "id_number", "address", "latitude", "longitude", "gps", "location",
                 "track", "trajectory", "cell_id", "imei", "imsi", "mac", "bluetooth"}  # fmt: skip
    for model in apps.get_models():
        if model is BlindIndex:
            continue
        fields = {field.name for field in model._meta.get_fields() if isinstance(field, models.Field)}
        assert not fields & forbidden, model


def test_the_database_refuses_the_same_document_twice(cast: Cast, canary: int) -> None:
    digest = BlindIndex.objects.get(pk=canary).document
    with pytest.raises(IntegrityError), transaction.atomic():
        BlindIndex.objects.filter(pk=cast.tao).update(document=digest)
    assert selectors.person_refs([cast.tao])[cast.tao].area_path == cast.path(GRID_B1)
