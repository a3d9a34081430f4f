"""Which encoding a text file has, decided on the whole file and never guessed.

Strict UTF-8 with or without a byte order mark, else strict GB18030 (which contains GBK and GB 2312), else
refused. A part of a file is not enough: 2 % of the two-character GBK strings are valid UTF-8 too.
"""

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from qipan.terms.errors import BadInput

_BLOCK = 1 << 20
_UTF16 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name`: ``utf-8``, ``utf-8-sig`` or ``gb18030``: a codec's name."""

    name: str


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises BadInput where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput("%(file)s cannot be read: %(why)s.", file=path.name, why=error.strerror) from None


def _first_fault(path: Path, codec: str, skip: int = 0) -> int | None:
    """The offset of the first byte that is not `codec`, or None for a file that is."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    offset = skip
    with path.open("rb") as file:
        file.seek(skip)
        while True:
            block = file.read(_BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - pending + error.start
            if not block:
                return None
            offset += len(block)


def _line_of(path: Path, offset: int) -> int:
    lines, left = 1, offset
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            lines += block.count(b"\n")
            left -= len(block)
    return lines


def decide_encoding(path: Path) -> Encoding:
    """The encoding of a whole text file.

    Raises BadInput naming the byte offset and line of the first fault, or that it is UTF-16.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    # UTF-16 without a mark: ASCII text then has a zero in every other byte
    if head.startswith(_UTF16) or (len(head) >= 4 and head.count(0) * 3 > len(head)):
        raise BadInput(
            "%(file)s is UTF-16 (or no text): save it as CSV UTF-8 and import it again.", file=path.name
        )
    marked = head.startswith(codecs.BOM_UTF8)
    fault = _first_fault(path, "utf-8", 3 if marked else 0)
    if fault is None:
        return Encoding("utf-8-sig" if marked else "utf-8")
    if not marked:
        other = _first_fault(path, "gb18030")
        if other is None:
            return Encoding("gb18030")
        fault = max(fault, other)
    raise BadInput(
        "%(file)s is neither UTF-8 nor GB18030: byte %(offset)s in line %(line)s fits neither.",
        file=path.name,
        offset=fault,
        line=_line_of(path, fault),
    )
