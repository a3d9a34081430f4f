"""Names for what rows hold as keys: rooms register how an area path or a unit's id is said.

The foundation lists areas, units and users without knowing the rooms that hold them: each room registers its
look-up in its `apps.ready`. A look-up is asked once for all the rows of a page.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

#: keys -> names in the reader's language (unknown keys may be missing)
Lookup = Callable[[Collection[Any]], Mapping[Any, str]]

_lookups: dict[str, Lookup] = {}


def register(name: str, lookup: Lookup) -> None:
    """Say how keys of this sort are named. Raises ValueError where another look-up has the name."""
    if _lookups.setdefault(name, lookup) is not lookup:
        raise ValueError(f"look-up {name!r} is registered twice")


def names_of(name: str, keys: Collection[Any]) -> Mapping[Any, str]:
    """The names of these keys, in one question; none where nobody registered the look-up."""
    wanted = {key for key in keys if key not in (None, "")}
    return _lookups[name](wanted) if wanted and name in _lookups else {}
