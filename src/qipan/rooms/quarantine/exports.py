"""Sites and their rooms as a table that comes in again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.quarantine.selectors import list_rooms
from qipan.terms.roles import Actor, Permission

#: those of the file kind of this name (a test holds them equal)
COLUMNS = (
    "site", "room", "kind", "area", "capacity",
)  # fmt: skip


def room_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Rooms in use."""
    rooms = list_rooms(actor, area_path).filter(out_of_use_at=None).order_by("site__name", "number")
    yield from rooms.values_list("site__name", "number", "kind", "site__area__code", "capacity").iterator()


ROOMS = ExportKind(
    "rooms", "Quarantine sites and their rooms", COLUMNS, room_rows,
    Permission.ROOM_VIEW,
)  # fmt: skip
