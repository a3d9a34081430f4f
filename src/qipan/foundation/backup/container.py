"""The file around a backup: compressed chunks, each sealed and in its place.

    QIPANBK1 · length (2 bytes) · the file's data key, sealed under the key folder's "backup" key · chunks

A chunk is its length (4 bytes) and AES-256-GCM over the compressed bytes. The nonce is the chunk's number (the
data key is used for this file alone), and the number and a mark on the last chunk are authenticated: a chunk
that is changed, moved, missing or added is noticed (the STREAM construction, Hoang et al., CRYPTO 2015).
"""

import os
import zlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qipan.foundation import crypto
from qipan.terms.errors import BadInput

MAGIC = b"QIPANBK1"
CHUNK = 1 << 20
#: Incompressible data grows a little; nothing that we wrote is longer.
_LONGEST = CHUNK * 2
_MORE, _LAST = b"\0", b"\1"


def _sealed_chunk(cipher: AESGCM, number: int, plain: bytes, mark: bytes) -> bytes:
    nonce = number.to_bytes(12, "big")
    sealed = cipher.encrypt(nonce, zlib.compress(plain, 1), nonce + mark)
    return len(sealed).to_bytes(4, "big") + sealed


def write(file: BinaryIO, lines: Iterable[bytes]) -> None:
    """Write lines (without line ends) into an encrypted file. Raises KeysUnusable where there is no key."""
    key = crypto.new_key()
    wrapped = crypto.seal("backup", key, bound_to=MAGIC)
    file.write(MAGIC + len(wrapped).to_bytes(2, "big") + wrapped)
    cipher = AESGCM(key)
    buffer, size, number = [], 0, 0
    for line in lines:
        buffer.append(line)
        size += len(line) + 1
        if size >= CHUNK:
            plain = b"\n".join([*buffer, b""])
            for start in range(0, len(plain), CHUNK):
                file.write(_sealed_chunk(cipher, number, plain[start : start + CHUNK], _MORE))
                number += 1
            buffer, size = [], 0
    file.write(_sealed_chunk(cipher, number, b"\n".join([*buffer, b""]), _LAST))
    file.flush()
    os.fsync(file.fileno())


def _broken(path: Path) -> BadInput:
    return BadInput("%(path)s: this backup was changed or cut short; nothing was restored.", path=path)


def _chunks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    if file.read(len(MAGIC)) != MAGIC:
        raise BadInput("%(path)s: this is no backup of qipan.", path=path)
    wrapped = file.read(int.from_bytes(file.read(2), "big"))
    try:
        cipher = AESGCM(crypto.unseal("backup", wrapped, bound_to=MAGIC))
    except crypto.Unsealable:
        raise BadInput(
            "%(path)s: the key of this backup is not in the key folder, or the file was changed.", path=path
        ) from None
    number, length_bytes = 0, file.read(4)
    while True:
        length = int.from_bytes(length_bytes, "big")
        sealed = file.read(length) if length <= _LONGEST else b""
        if not length or len(sealed) != length:
            raise _broken(path)
        nonce = number.to_bytes(12, "big")
        length_bytes = file.read(4)
        try:
            plain = zlib.decompress(cipher.decrypt(nonce, sealed, nonce + (_MORE if length_bytes else _LAST)))
        except (InvalidTag, zlib.error):
            raise _broken(path) from None
        yield plain
        if not length_bytes:
            return
        number += 1


def read(path: Path) -> Generator[bytes]:
    """The lines of an encrypted file. Raises BadInput: no backup, another key, changed, cut short."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput("%(path)s: %(reason)s", path=path, reason=error.strerror) from None
    with file:
        carry = b""
        for chunk in _chunks(path, file):
            *lines, carry = (carry + chunk).split(b"\n")
            yield from lines
        if carry:
            raise _broken(path)
