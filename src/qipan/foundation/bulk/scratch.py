"""Temporary files of a bulk job: Parquet partitions with pseudonymous ids, gone when the job ends."""

import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

_PREFIX = "qipan-bulk"
_NAME = re.compile(rf"{_PREFIX}-(\d+)-.*")


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sweep(parent: Path) -> int:
    """Delete the folders in `parent` whose process was killed before it could. Returns how many."""
    swept = 0
    for folder in parent.glob(f"{_PREFIX}-*"):
        match = _NAME.fullmatch(folder.name)
        if match and not _is_alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    return swept


@contextmanager
def scratch(parent: Path | None = None) -> Generator[Path]:
    """A private folder (mode 0700) that is deleted at the end, whatever happens; leftovers are swept first.

    `parent`: a folder that all workers of a cluster see; default: the system's for temporary files.
    """
    root = parent or Path(tempfile.gettempdir())
    root.mkdir(parents=True, exist_ok=True)
    sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def partitions_write(frames: Iterator[pl.DataFrame], folder: Path) -> list[Path]:
    """Write each frame to a Parquet file of its own; the paths, in order, are the partitions of `running.run`."""
    paths = []
    for number, frame in enumerate(frames):
        path = folder / f"{number:06d}.parquet"
        frame.write_parquet(path, compression="zstd", compression_level=1)
        paths.append(path)
    return paths


def split_by(frame: pl.DataFrame, column: str, parts: int) -> Iterator[pl.DataFrame]:
    """Split a frame so that equal values of `column` stay together (by hash); rows keep their order.

    Which part a value falls into may differ between versions of Polars: nothing may depend on it.
    """
    if parts <= 1:
        yield frame
        return
    part = frame[column].hash(seed=0) % parts
    for number in range(parts):
        yield frame.filter(part == number)
