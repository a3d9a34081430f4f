"""Keys in a folder outside the database; sealing (AES-256-GCM) and keyed digests (BLAKE2b) by purpose.

The folder is ``settings.KEYS``: one subfolder a purpose, one file a key, ``<key id>.key``, 64 hex digits,
mode 0600. A key id is a number and a fingerprint of the key (``0001-9f3a12cd``): the highest number is the
current key, the fingerprint tells a damaged or foreign key from the right one before anything is decrypted.

A sealed value is: format (1 byte) · key number (2) · fingerprint (4) · nonce (12) · ciphertext and tag. The
format, the purpose and the key id are authenticated together with the caller's `bound_to`, so a value moved
to another row, column or purpose does not open. Nonces are random: below 2**32 values a key, by NIST SP
800-38D; rotate before. Folder changes made by another process (a rotation, a retirement) are noticed at the
next call.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qipan.terms.errors import Conflict, QipanError, Refused

KEY_BYTES = 32
_FORMAT = b"\x01"
_HEADER = 7  # format, number, fingerprint
_NONCE = 12
_OVERHEAD = _HEADER + _NONCE + 16

#: Purposes that seal, and may be rotated.
SEALING_PURPOSES = ("vault", "rejects", "staging", "appeal", "reason", "backup")
#: Purposes whose digests are stored and looked up again: another key would lose what the old one found.
DIGEST_PURPOSES = ("decision", "index-name", "index-document", "index-phone", "person-key")
PURPOSES = SEALING_PURPOSES + DIGEST_PURPOSES


class Unsealable(QipanError):
    """A sealed value that does not open: another key, another place, or changed bytes."""


class KeysUnusable(QipanError):
    """The key folder lacks a key, or holds one that cannot be trusted."""


@dataclass(slots=True)
class _Ring:
    """The keys of one purpose, as the folder was at `stamp`."""

    stamp: tuple[int, int]
    current: str
    header: bytes
    ciphers: dict[bytes, AESGCM]
    names: dict[bytes, str]
    key: bytes
    hashers: dict[int, Any] = field(default_factory=dict)


_rings: dict[str, _Ring] = {}


def _folder() -> Path:
    # Not at import: the key functions are also used where Django is not set up (sealing with a given key).
    from django.conf import settings

    return Path(settings.KEYS)


def _folder_name(purpose: str) -> str:
    from django.conf import settings

    return os.path.join(settings.KEYS, purpose)


def _fingerprint(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=4, person=b"qipan-key-id").digest()


def _header_of(key_id: str) -> bytes:
    number, fingerprint = key_id.split("-")
    return _FORMAT + int(number).to_bytes(2, "big") + bytes.fromhex(fingerprint)


def _check_private(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeysUnusable(
            "The key file %(path)s can be read by others than its owner: set its mode to 0600.", path=path
        )


def _read_key(path: Path) -> bytes:
    _check_private(path)
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or path.stem.partition("-")[2] != _fingerprint(key).hex():
        raise KeysUnusable("The key file %(path)s is damaged.", path=path)
    return key


def _key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-*.key"))


def _load(purpose: str, folder: Path, stamp: tuple[int, int]) -> _Ring:
    files = _key_files(folder)
    if not files:
        raise KeysUnusable(
            "There is no key for “%(purpose)s” in %(folder)s: run `qipan init`, or name the key folder in "
            "QIPAN_KEYS.",
            purpose=purpose,
            folder=folder.parent,
        )
    keys = {path.stem: _read_key(path) for path in files}
    current = files[-1].stem
    return _Ring(
        stamp=stamp,
        current=current,
        header=_header_of(current),
        ciphers={_header_of(key_id): AESGCM(key) for key_id, key in keys.items()},
        names={_header_of(key_id): key_id for key_id in keys},
        key=keys[current],
    )


def _ring(purpose: str) -> _Ring:
    if purpose not in PURPOSES:
        raise ValueError(f"unknown key purpose {purpose!r}")
    folder = _folder_name(purpose)
    try:
        status = os.stat(folder)
    except FileNotFoundError:
        status = None
    stamp = (status.st_ino, status.st_mtime_ns) if status else (0, 0)
    ring = _rings.get(folder)
    if ring is None or ring.stamp != stamp:
        ring = _rings[folder] = _load(purpose, Path(folder), stamp)
    return ring


def _aad(purpose: str, header: bytes, bound_to: bytes) -> bytes:
    # the purpose ends at a zero byte, which no purpose contains: no two triples give the same bytes
    return header + purpose.encode() + b"\0" + bound_to


# --- sealing -------------------------------------------------------------------------------------------


def seal(purpose: str, plain: bytes, *, bound_to: bytes) -> bytes:
    """Encrypt `plain` under the current key of `purpose`, bound to its place (for example b"person:17").

    Raises KeysUnusable where there is no key.
    """
    ring = _ring(purpose)
    nonce = os.urandom(_NONCE)
    cipher = ring.ciphers[ring.header]
    return ring.header + nonce + cipher.encrypt(nonce, plain, _aad(purpose, ring.header, bound_to))


def seal_many(purpose: str, items: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """`seal` for many (plain, bound_to), in order, under one key."""
    ring = _ring(purpose)
    header, encrypt = ring.header, ring.ciphers[ring.header].encrypt
    prefix = _aad(purpose, header, b"")
    rows = list(items)
    nonces = os.urandom(_NONCE * len(rows))
    sealed = []
    for position, (plain, bound_to) in enumerate(rows):
        nonce = nonces[position * _NONCE : (position + 1) * _NONCE]
        sealed.append(header + nonce + encrypt(nonce, plain, prefix + bound_to))
    return sealed


def _open(ring: _Ring, purpose: str, sealed: bytes, bound_to: bytes) -> bytes:
    header = sealed[:_HEADER]
    cipher = ring.ciphers.get(header)
    if cipher is None or len(sealed) < _OVERHEAD:
        raise Unsealable("This was sealed under a key that is not in the key folder, or is no sealed value.")
    try:
        return cipher.decrypt(sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :],
                              _aad(purpose, header, bound_to))  # fmt: skip
    except InvalidTag:
        raise Unsealable("A sealed value was changed, or belongs to another place.") from None


def unseal(purpose: str, sealed: bytes | memoryview, *, bound_to: bytes) -> bytes:
    """The bytes that `seal` was given. Raises Unsealable (foreign key, other place, changed bytes)."""
    return _open(_ring(purpose), purpose, bytes(sealed), bound_to)


def unseal_many(purpose: str, items: Iterable[tuple[bytes | memoryview, bytes]]) -> list[bytes]:
    """`unseal` for many (sealed, bound_to), in order; raises Unsealable at the first that does not open."""
    ring = _ring(purpose)
    return [_open(ring, purpose, bytes(sealed), bound_to) for sealed, bound_to in items]


def sealed_under(purpose: str, sealed: bytes | memoryview) -> str:
    """The id of the key that a value was sealed under. Raises Unsealable if the folder has no such key."""
    name = _ring(purpose).names.get(bytes(sealed[:_HEADER]))
    if name is None:
        raise Unsealable("This was sealed under a key that is not in the key folder, or is no sealed value.")
    return name


# --- sealing under a key that the caller holds (a person's data key) --------------------------------------


def new_key() -> bytes:
    """A fresh random 256-bit key."""
    return secrets.token_bytes(KEY_BYTES)


def seal_with(key: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Encrypt under a given 256-bit key: nonce (12 bytes), ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal_with(key: bytes, sealed: bytes | memoryview, *, bound_to: bytes) -> bytes:
    """The bytes that `seal_with` was given. Raises Unsealable."""
    value = bytes(sealed)
    try:
        return AESGCM(key).decrypt(value[:_NONCE], value[_NONCE:], bound_to)
    except (InvalidTag, ValueError):
        raise Unsealable("A sealed value was changed, or belongs to another place.") from None


# --- digests ---------------------------------------------------------------------------------------------


def _hasher(purpose: str, size: int) -> Any:
    ring = _ring(purpose)
    hasher = ring.hashers.get(size)
    if hasher is None:
        hasher = ring.hashers[size] = hashlib.blake2b(key=ring.key, digest_size=size, person=purpose.encode())
    return hasher


def digest(purpose: str, data: bytes, *, size: int = 16) -> bytes:
    """Keyed BLAKE2b of `data`, `size` bytes, under the purpose's key (RFC 7693).

    Without the key it can be neither computed nor tried out, as a plain hash of an identity number can.
    """
    hasher = _hasher(purpose, size).copy()
    hasher.update(data)
    return bytes(hasher.digest())


def digest_many(purpose: str, items: Iterable[bytes], *, size: int = 16) -> list[bytes]:
    """`digest` for many, in order."""
    base = _hasher(purpose, size)
    digests = []
    for data in items:
        hasher = base.copy()
        hasher.update(data)
        digests.append(hasher.digest())
    return digests


# --- the key folder ----------------------------------------------------------------------------------------


def _write_key(folder: Path, number: int) -> str:
    key = new_key()
    key_id = f"{number:04d}-{_fingerprint(key).hex()}"
    # Claimed by number, so that two rotations at once cannot both take it; then written whole and renamed,
    # so that no reader ever sees half a key.
    claim = folder / f"{number:04d}.claim"
    try:
        descriptor = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("Another process is making a key in %(folder)s.", folder=folder) from None
    try:
        if any(path.name.startswith(f"{number:04d}-") for path in _key_files(folder)):
            raise Conflict("Another process is making a key in %(folder)s.", folder=folder)
        os.write(descriptor, key.hex().encode() + b"\n")
        os.fsync(descriptor)
        os.rename(claim, folder / f"{key_id}.key")
    except BaseException:
        claim.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key_id


def _forget() -> None:
    _rings.clear()


def keys_create(folder: Path | None = None) -> dict[str, str]:
    """Make a first key for every purpose that has none (folder: default ``settings.KEYS``; mode 0700).

    Returns purpose -> id of the keys made; empty when all were there. Existing keys are never touched.
    """
    root = folder or _folder()
    made = {}
    for purpose in PURPOSES:
        place = root / purpose
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _key_files(place):
            made[purpose] = _write_key(place, 1)
    if made:
        root.chmod(0o700)
    _forget()
    return made


def keys_missing() -> list[str]:
    """The purposes without a key in ``settings.KEYS``."""
    return [purpose for purpose in PURPOSES if not _key_files(_folder() / purpose)]


def current_key_id(purpose: str) -> str:
    """The id of the key that seals now (at most 20 characters). Raises KeysUnusable."""
    return _ring(purpose).current


def key_ids(purpose: str) -> list[str]:
    """The ids of all keys that still open values, oldest first. Raises KeysUnusable."""
    return sorted(_ring(purpose).names.values())


def key_rotate(purpose: str) -> str:
    """Make a new current key; older ones go on opening. Returns its id.

    Raises Refused for a purpose of digests (what was found by the old key would be lost), Conflict when
    another process rotates at the same moment.
    """
    if purpose in DIGEST_PURPOSES:
        raise Refused(
            "The key of “%(purpose)s” cannot be rotated: stored digests depend on it.", purpose=purpose
        )
    number = int(_ring(purpose).current[:4]) + 1
    key_id = _write_key(_folder() / purpose, number)
    _forget()
    return key_id


def key_retire(purpose: str, key_id: str) -> None:
    """Destroy an old key: what is still sealed under it can never be opened again.

    Raises Refused for the current key and for an id that the folder does not hold.
    """
    ring = _ring(purpose)
    if key_id == ring.current:
        raise Refused("The current key of “%(purpose)s” cannot be retired: rotate first.", purpose=purpose)
    if key_id not in ring.names.values():
        raise Refused("There is no key %(key_id)s for “%(purpose)s”.", key_id=key_id, purpose=purpose)
    path = _folder() / purpose / f"{key_id}.key"
    with path.open("r+b") as file:
        file.write(b"0" * KEY_BYTES * 2)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _forget()
