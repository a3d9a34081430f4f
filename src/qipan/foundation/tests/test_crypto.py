"""Sealing is bound to its place and purpose; keys are private, rotate, retire."""

import hashlib
import os
import stat

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qipan.foundation import crypto
from qipan.terms.errors import Conflict, Refused


@pytest.fixture
def keys(tmp_path, settings):
    settings.KEYS = tmp_path / "keys"
    crypto.keys_create(settings.KEYS)
    return settings.KEYS


def test_keys_are_private_and_made_once(keys):
    files = list(keys.rglob("*.key"))
    assert len(files) == len(crypto.PURPOSES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    before = {file: file.read_bytes() for file in files}
    assert crypto.keys_create(keys) == {}
    assert {file: file.read_bytes() for file in keys.rglob("*.key")} == before
    assert all(len(crypto.current_key_id(purpose)) <= 20 for purpose in crypto.PURPOSES)


@hypothesis_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=st.binary(max_size=200), place=st.binary(max_size=40), flip=st.integers(min_value=0))
def test_what_was_sealed_opens_only_unchanged_and_in_its_place(keys, plain, place, flip):
    sealed = crypto.seal("vault", plain, bound_to=place)
    assert crypto.unseal("vault", sealed, bound_to=place) == plain
    assert crypto.unseal("vault", memoryview(sealed), bound_to=place) == plain
    with pytest.raises(crypto.Unsealable):
        crypto.unseal("vault", sealed, bound_to=place + b"x")
    changed = bytearray(sealed)
    changed[flip % len(changed)] ^= 1 << (flip % 8)
    with pytest.raises(crypto.Unsealable):
        crypto.unseal("vault", bytes(changed), bound_to=place)
    with pytest.raises(crypto.Unsealable):
        crypto.unseal("vault", sealed[:-1], bound_to=place)


def test_a_value_does_not_open_under_another_purpose_even_with_the_same_key(keys):
    for file in (keys / "rejects").iterdir():
        file.unlink()
    for file in (keys / "vault").iterdir():
        os.link(file, keys / "rejects" / file.name)
    sealed = crypto.seal("vault", b"text", bound_to=b"1")
    with pytest.raises(crypto.Unsealable):
        crypto.unseal("rejects", sealed, bound_to=b"1")


def test_many_are_as_one(keys):
    items = [(b"a", b"1"), (b"b", b"2"), (b"", b"")]
    sealed = crypto.seal_many("staging", items)
    assert len(set(sealed)) == 3
    assert crypto.unseal_many("staging", zip(sealed, [b"1", b"2", b""], strict=True)) == [b"a", b"b", b""]
    assert crypto.unseal("staging", sealed[1], bound_to=b"2") == b"b"
    with pytest.raises(crypto.Unsealable):
        crypto.unseal_many("staging", zip(sealed, [b"2", b"1", b""], strict=True))
    data = [b"x", b"y", b"x"]
    assert crypto.digest_many("index-name", data) == [crypto.digest("index-name", each) for each in data]


def test_digests_are_keyed_by_purpose_and_reproducible(keys):
    one = crypto.digest("index-name", b"text")
    assert one == crypto.digest("index-name", b"text")
    assert len(one) == 16
    assert len(crypto.digest("index-name", b"text", size=32)) == 32
    assert one != crypto.digest("index-phone", b"text")
    key = bytes.fromhex(next((keys / "index-name").glob("*.key")).read_text().strip())
    # the definition, so that a later version cannot lose the indexes of an earlier one
    assert one == hashlib.blake2b(b"text", key=key, digest_size=16, person=b"index-name").digest()


def test_rotation_seals_anew_and_retirement_destroys(keys):
    old_id = crypto.current_key_id("vault")
    old = crypto.seal("vault", b"text", bound_to=b"1")
    new_id = crypto.key_rotate("vault")
    new = crypto.seal("vault", b"text", bound_to=b"1")
    assert crypto.key_ids("vault") == [old_id, new_id]
    assert crypto.sealed_under("vault", old) == old_id
    assert crypto.sealed_under("vault", new) == new_id
    assert crypto.unseal("vault", old, bound_to=b"1") == b"text"
    with pytest.raises(Refused):
        crypto.key_retire("vault", new_id)
    crypto.key_retire("vault", old_id)
    with pytest.raises(crypto.Unsealable):
        crypto.unseal("vault", old, bound_to=b"1")
    assert crypto.unseal("vault", new, bound_to=b"1") == b"text"
    with pytest.raises(Refused):
        crypto.key_retire("vault", old_id)


def test_a_rotation_by_another_process_is_noticed(keys):
    old_id = crypto.current_key_id("vault")
    crypto._write_key(keys / "vault", 2)  # what another process does: this one's cache is not told
    os.utime(keys / "vault", ns=(0, 0))
    assert crypto.current_key_id("vault") != old_id


def test_two_rotations_at_once_do_not_both_win(keys):
    (keys / "vault" / "0002.claim").touch()
    with pytest.raises(Conflict):
        crypto.key_rotate("vault")


def test_digest_keys_cannot_be_rotated(keys):
    with pytest.raises(Refused):
        crypto.key_rotate("person-key")


def test_missing_keys_are_named(tmp_path, settings):
    settings.KEYS = tmp_path / "nothing"
    with pytest.raises(crypto.KeysUnusable, match="vault"):
        crypto.seal("vault", b"", bound_to=b"")
    assert crypto.keys_missing() == list(crypto.PURPOSES)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(keys, mode):
    next((keys / "vault").glob("*.key")).chmod(mode)
    with pytest.raises(crypto.KeysUnusable, match="0600"):
        crypto.seal("vault", b"", bound_to=b"")


def test_a_damaged_key_is_refused(keys):
    path = next((keys / "vault").glob("*.key"))
    text = path.read_text()
    path.write_text(("1" if text[0] == "0" else "0") + text[1:])
    with pytest.raises(crypto.KeysUnusable, match="damaged"):
        crypto.seal("vault", b"", bound_to=b"")


def test_an_unknown_purpose_is_a_defect(keys):
    with pytest.raises(ValueError, match="unknown key purpose"):
        crypto.seal("vualt", b"", bound_to=b"")


def test_a_key_of_ones_own(keys):
    key = crypto.new_key()
    sealed = crypto.seal_with(key, b"text", bound_to=b"1")
    assert crypto.unseal_with(key, sealed, bound_to=b"1") == b"text"
    for wrong in ((crypto.new_key(), sealed, b"1"), (key, sealed, b"2"), (key, sealed[:5], b"1")):
        with pytest.raises(crypto.Unsealable):
            crypto.unseal_with(wrong[0], wrong[1], bound_to=wrong[2])
