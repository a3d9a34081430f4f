"""Opening the names of a list: the vault's door, registered by the persons room."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from qipan.foundation.pages.page import Words
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor

#: (actor, person ids, purpose, at) -> names; raises Denied, Refused
Opener = Callable[[Actor, Collection[int], str, datetime], Mapping[int, str]]

_door: list[tuple[Opener, Callable[[], Sequence[tuple[str, Words]]]]] = []


def register(opener: Opener, purposes: Callable[[], Sequence[tuple[str, Words]]]) -> None:
    """The one way to names: the service that opens them, and the purposes that it takes."""
    _door[:] = [(opener, purposes)]


def open_names(actor: Actor, person_ids: Collection[int], purpose: str, at: datetime) -> dict[int, str]:
    """person -> name, in one call and one entry of the log. Raises Absent where there is no vault."""
    if not _door:
        raise Absent("vault")
    return dict(_door[0][0](actor, person_ids, purpose, at))


def purposes() -> Sequence[tuple[str, Any]]:
    """(value, words) of the purposes for which names are opened."""
    return _door[0][1]() if _door else ()
