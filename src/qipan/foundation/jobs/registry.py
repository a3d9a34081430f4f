"""What jobs there are: each room registers its kinds in its `apps.ready`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Stopped(Exception):
    """The job was cancelled, or another worker holds it now: leave at once."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is handed. `progress(done, total)` also shows that it lives; it raises Stopped."""

    job_id: int
    arguments: Mapping[str, Any]
    created_by: int | None
    #: the clock, handed in by the edge
    now: Callable[[], datetime]
    progress: Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job. `run` must be idempotent: a job whose worker died is run again, by another.

    It answers with a JSON object, kept as the result. A failure that is an answer (terms.errors, but Conflict)
    is final; any other is tried again, `attempts` times in all.
    """

    name: str
    run: Callable[[JobContext], Mapping[str, Any] | None] = field(compare=False)
    attempts: int = 3


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> None:
    """Add a kind. Raises ValueError for a name that another kind has."""
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"job kind {kind.name!r} is registered twice")


def job_kind(name: str) -> JobKind | None:
    """The kind with this name."""
    return _kinds.get(name)


def job_kinds() -> tuple[str, ...]:
    """The names of all kinds, sorted."""
    return tuple(sorted(_kinds))
