"""Functions for the workers of the tests: importable by name in another process."""

import os
import signal
from pathlib import Path

import polars as pl


def squares(numbers):
    """Partial result of a range."""
    return [number * number for number in numbers]


def total_by_person(path):
    """Partial result of a Parquet partition."""
    return pl.read_parquet(path).group_by("person_id").agg(pl.col("value").sum()).sort("person_id")


def die_once(partition):
    """Kill the worker's process the first time that the marked partition comes by."""
    number, marker = partition
    if number == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number):
    """Kill every worker that takes it."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number):
    """A defect of the function itself."""
    raise ZeroDivisionError(number)
