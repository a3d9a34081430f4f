"""Where a file waits between being checked and being committed: sealed pieces in `settings.VAR`/staging.

One folder a batch, deleted when the batch ends. Pieces are bound to their batch and name. The folder is a
convenience, not a record: where it is lost or damaged, the same file is read again into the same pieces.
"""

import fcntl
import io
import json
import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings

from qipan.foundation import crypto
from qipan.terms.errors import Conflict, Refused


@dataclass(frozen=True, slots=True)
class StagedReject:
    """A rejected record with the sender's own cells, so that it can be mended and sent again."""

    record: int
    line: int
    column: str
    reason: str
    parameters: dict[str, Any]
    raw: dict[str, str]


@dataclass(slots=True)
class StagedChunk:
    """Up to 10,000 declared records. `rows`: typed good rows; `raw`: the sender's rows that they come from."""

    number: int
    rows: pl.DataFrame
    raw: pl.DataFrame
    rejects: list[StagedReject] = field(default_factory=list)

    @property
    def declared(self) -> int:
        """How many records of the file this chunk answers for."""
        return len(self.rows) + len(self.rejects)


class StagingLost(Refused):
    """What was staged is not there any more, or does not open: the file must be read again."""


def _root() -> Path:
    root = Path(settings.VAR) / "staging"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _folder(batch_id: int) -> Path:
    return _root() / str(batch_id)


def _ipc(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def _write(batch_id: int, name: str, plain: bytes) -> None:
    sealed = crypto.seal("staging", plain, bound_to=f"batch:{batch_id}:{name}".encode())
    path = _folder(batch_id) / name
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(sealed)
    os.replace(part, path)


def _read(batch_id: int, name: str) -> bytes:
    try:
        sealed = (_folder(batch_id) / name).read_bytes()
        return crypto.unseal("staging", sealed, bound_to=f"batch:{batch_id}:{name}".encode())
    except (OSError, crypto.Unsealable):
        raise StagingLost(
            "What was staged of batch %(batch)s is not here any more: import the same file again, it goes on "
            "where it stopped.",
            batch=batch_id,
        ) from None


def clear(batch_id: int) -> None:
    """Delete what was staged of a batch, if anything was."""
    shutil.rmtree(_folder(batch_id), ignore_errors=True)


def begin(batch_id: int) -> None:
    """An empty folder for a batch."""
    clear(batch_id)
    _folder(batch_id).mkdir(mode=0o700)


def chunk_store(batch_id: int, chunk: StagedChunk) -> None:
    """Seal a chunk into the batch's folder. Raises OSError where the disk is full."""
    _write(batch_id, f"{chunk.number}.raw", _ipc(chunk.raw))
    rejects = json.dumps([asdict(reject) for reject in chunk.rejects], ensure_ascii=False).encode()
    _write(batch_id, f"{chunk.number}.rejects", rejects)
    _write(batch_id, f"{chunk.number}.rows", _ipc(chunk.rows))


def chunk_load(batch_id: int, number: int) -> StagedChunk:
    """A chunk as it was stored, its `raw` left out (`raw_load` reads it). Raises StagingLost."""
    rows = pl.read_ipc(io.BytesIO(_read(batch_id, f"{number}.rows")))
    rejects = [StagedReject(**item) for item in json.loads(_read(batch_id, f"{number}.rejects"))]
    return StagedChunk(number, rows, pl.DataFrame(), rejects)


def raw_load(batch_id: int, number: int) -> pl.DataFrame:
    """The sender's rows of a chunk. Raises StagingLost."""
    return pl.read_ipc(io.BytesIO(_read(batch_id, f"{number}.raw")))


def is_whole(batch_id: int, numbers: Iterable[int]) -> bool:
    """Whether the pieces of these chunks are there."""
    folder = _folder(batch_id)
    return all((folder / f"{number}.rows").is_file() for number in numbers)


@contextmanager
def exclusive(batch_id: int) -> Generator[None]:
    """Hold a batch on this machine; the lock ends with the process, however it ends.

    Raises Conflict where another process holds it. Correctness does not rest on it (the database's
    constraints see to that), it spares two processes the same work.
    """
    path = _root() / f"{batch_id}.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("Batch %(batch)s is being imported by another process.", batch=batch_id) from None
        yield
        path.unlink(missing_ok=True)
