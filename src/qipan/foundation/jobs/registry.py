"""What jobs there are: each room registers its kinds in its `apps.ready`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qipan.terms.roles import Permission


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
    is final; any other is tried again, `attempts` times in all. `title`: what it does, for people (a msgid).
    `permission`: who may start it, somewhere (what the work itself needs, it asks itself). `view`: who may see
    its jobs beside those who see all and those who started them. `by_hand`: it may be started from the list of
    jobs, and with which arguments; `hint` says then what comes of it (a msgid).
    """

    name: str
    run: Callable[[JobContext], Mapping[str, Any] | None] = field(compare=False)
    attempts: int = 3
    title: str = ""
    permission: Permission = Permission.JOB_RUN
    view: Permission | None = None
    by_hand: Callable[[datetime], tuple[Mapping[str, Any], str]] | None = field(default=None, compare=False)
    hint: str = ""


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> None:
    """Add a kind. Raises ValueError for a name that another kind has."""
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"job kind {kind.name!r} is registered twice")


def job_kind(name: str) -> JobKind | None:
    """The kind with this name."""
    return _kinds.get(name)


def all_kinds() -> tuple[JobKind, ...]:
    """All kinds, by name."""
    return tuple(_kinds[name] for name in job_kinds())


def job_kinds() -> tuple[str, ...]:
    """The names of all kinds, sorted."""
    return tuple(sorted(_kinds))
