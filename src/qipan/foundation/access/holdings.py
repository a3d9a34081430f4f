"""What is held about a person: every room that keeps something says so here, for the person's own page.

A person may know what there is about him, and who looked. Each room registers in its `apps.ready`::

    from qipan.foundation.access import holdings

    def ready(self) -> None:
        from qipan.rooms.testing.selectors import held_tests
        holdings.register("tests", _("Test results"), held_tests, order=20)

The function takes the person's id and answers with how many things are held, or with a line of plain words for each.
It is asked for the person's own page: what names or points to anybody else is left out. At most two queries each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

#: person id -> how many, or a line in plain words for each
Holder = Callable[[int], int | Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one room holds about a person."""

    name: str
    title: Any
    count: int
    #: a line in plain words for each; none where only the number is told
    lines: Sequence[Any] = ()


_holders: dict[str, tuple[int, Any, Holder]] = {}


def register(name: str, title: Any, holder: Holder, *, order: int) -> None:
    """Say what is held about people under this title. Raises ValueError where another holder has the name."""
    if _holders.setdefault(name, (order, title, holder))[2] is not holder:
        raise ValueError(f"holding {name!r} is registered twice")


def held_about(person_id: int) -> list[Holding]:
    """What is held about one person, in order. Not scoped: for the person's own page."""
    found = []
    for name, (_, title, holder) in sorted(_holders.items(), key=lambda entry: entry[1][0]):
        held = holder(person_id)
        lines: Sequence[Any] = () if isinstance(held, int) else held
        found.append(Holding(name, title, held if isinstance(held, int) else len(held), lines))
    return found
