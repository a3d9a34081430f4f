"""The global search: each room registers how its things are found by their ids and names, and who may.

Personal data is never searched for here: people are found by exact name, number or phone for a purpose (persons).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qipan.foundation.pages.page import Words, address
from qipan.terms.roles import Actor, Permission

#: things shown of one sort
MOST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that was found: its name, the name of the URL that opens it, and what that takes."""

    title: Words
    page: str
    key: Any
    note: Words = ""
    #: the text is its id: when nothing else is, it is opened at once
    exact: bool = False

    @property
    def url(self) -> str:
        """Its address; "" where this installation has no such page."""
        return address(self.page, self.key)


#: (actor, text) -> at most MOST things that this actor may see
Finder = Callable[[Actor, str], Sequence[Found]]


@dataclass(frozen=True, slots=True)
class Group:
    """The things of one sort."""

    title: Words
    found: Sequence[Found]


_finders: dict[str, tuple[Words, Permission, Finder]] = {}


def register(name: str, title: Words, permission: Permission, find: Finder) -> None:
    """Make a sort of thing findable. Raises ValueError where another finder has the name."""
    if _finders.setdefault(name, (title, permission, find))[2] is not find:
        raise ValueError(f"finder {name!r} is registered twice")


def search(actor: Actor, text: str) -> list[Group]:
    """What the actor may see and open that goes by this text, by sort, in the order of registration."""
    groups = []
    for title, permission, find in _finders.values():
        if actor.areas_for(permission):
            found = [each for each in find(actor, text)[:MOST] if each.url]
            if found:
                groups.append(Group(title, found))
    return groups
