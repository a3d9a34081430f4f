"""What can leave as a table that can come in again: each room describes its tables in `exports.py` and registers them
in its `apps.ready`. Columns are those of the file kind of the same name (INTERFACES), in its order.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from qipan.terms.errors import BadInput
from qipan.terms.roles import Actor, Permission

#: (actor, area path, moment) -> rows in the order of the columns; what the actor may not see is not among them
Rows = Callable[[Actor, str, datetime], Iterable[Sequence[object]]]


@dataclass(frozen=True, slots=True)
class ExportKind:
    """A table that leaves. `permission`: what is needed to see its rows, beside ROWS_EXPORT. `title`: a msgid."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Rows
    permission: Permission


_kinds: dict[str, ExportKind] = {}


def register(kind: ExportKind) -> None:
    """Make a kind known to `qipan export`. Raises ValueError where another kind has its name."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"an export called {kind.name} exists")


def export_kind(name: str) -> ExportKind:
    """The kind of that name. Raises BadInput naming the known ones."""
    if name not in _kinds:
        raise BadInput(
            "There is no export called %(name)s; known are: %(known)s.",
            name=name[:40], known=", ".join(sorted(_kinds)) or "-",
        )  # fmt: skip
    return _kinds[name]


def export_kinds() -> Sequence[ExportKind]:
    """All kinds, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
