"""Pure: may a stay begin, in which bed, is somebody still inside without an order, and who is proposed where."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from qipan.terms.errors import BadInput, Refused
from qipan.terms.evidence import OrderKind

#: the orders that put a person into a room of ours
CENTRAL_KINDS = (OrderKind.ISOLATE, OrderKind.QUARANTINE_CENTRAL)
#: an arrival without a deadline of its own is held to this (fulfilment of central orders: 24 h; rules.json
#: `epi_investigation_h` names 8 h and 12 h with weak sources, so they are no default)
FULFIL_WITHIN = timedelta(hours=24)
#: for so long after it was recorded an arrival or a departure can be taken back; later a new fact corrects it
TAKE_BACK_WITHIN = timedelta(hours=1)
#: Rooms for 10,000 people: 20 (National Health Commission, briefing of 2021-09-29), 40 (Henan, April 2022),
#: 60 (Henan, May 2022; Medicine and Health News 2022-05-24).
ROOMS_PER_10000 = (20, 40, 60)


@dataclass(frozen=True, slots=True)
class OrderState:
    """What a stay needs to know of an order."""

    order_id: int
    person_id: int
    kind: OrderKind
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RoomState:
    """A room as it stands: its beds are 1 … `capacity`; `held_for` is the party that has it ("" nobody)."""

    room_id: int
    site_id: int
    area_path: str
    kind: str
    capacity: int
    in_use: bool
    taken: frozenset[int]
    held_for: str


class BoardState(StrEnum):
    """What a room looks like on the board; the first that applies."""

    ALARM = "alarm"
    RELEASE = "release"
    FULL = "full"
    PARTLY = "partly"
    FREE = "free"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person with an active central order and no bed yet."""

    order_id: int
    person_id: int
    household_id: int | None
    kind: OrderKind
    area_path: str
    fulfil_by: datetime


@dataclass(frozen=True, slots=True)
class Placement:
    """A proposed bed for an arrival."""

    order_id: int
    person_id: int
    room_id: int
    site_id: int
    slot: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who goes where, and who finds no bed."""

    placements: tuple[Placement, ...]
    without_room: tuple[int, ...]


def party_of(*, person_id: int, household_id: int | None, kind: OrderKind) -> str:
    """Who may share a room: members of one household under the same kind of order, nobody else.

    The infected and the exposed of one family are two parties: sharing would infect the exposed.
    """
    who = f"p{person_id}" if household_id is None else f"h{household_id}"
    return f"{who}:{kind.value}"


def check_may_begin(order: OrderState, *, person_id: int, at: datetime) -> None:
    """Refused unless this order sends this person into a room at this moment."""
    if order.person_id != person_id:
        raise Refused("This order does not bind this person.")
    if order.kind not in CENTRAL_KINDS:
        raise Refused("Only an order of isolation or central quarantine leads into a room.")
    if not order.starts_at <= at < order.ends_at:
        raise Refused("The order is not in force at this moment.")


def free_slot(room: RoomState, *, party: str) -> int | None:
    """The lowest free bed that this party may have, or None."""
    if not room.in_use or room.held_for not in ("", party):
        return None
    return next((slot for slot in range(1, room.capacity + 1) if slot not in room.taken), None)


def due_by(*, fulfil_by: datetime | None, opened_at: datetime) -> datetime:
    """The last instant by which an arrival is in time."""
    return fulfil_by if fulfil_by is not None else opened_at + FULFIL_WITHIN


def is_still_inside(
    *, arrived_at: datetime, departed_at: datetime | None, order_ends_at: datetime | None, at: datetime
) -> bool:
    """Whether a stay at `at` has outlived every order: inside, and none in force (`order_ends_at` None) or ended."""
    inside = arrived_at <= at and (departed_at is None or at < departed_at)
    return inside and (order_ends_at is None or order_ends_at <= at)


def board_state(*, in_use: bool, capacity: int, ends: Sequence[datetime | None], at: datetime,
                day_end: datetime) -> BoardState:  # fmt: skip
    """The state of a room whose occupants' orders end at `ends` (None: no order binds); `day_end`: today's 24:00.

    Somebody kept without an order goes before everything else, somebody to let go today before the rest.
    """
    if any(end is None or end <= at for end in ends):
        return BoardState.ALARM
    if any(end is not None and end <= day_end for end in ends):
        return BoardState.RELEASE
    if not in_use and not ends:
        return BoardState.OUT
    if len(ends) >= capacity:
        return BoardState.FULL
    return BoardState.PARTLY if ends else BoardState.FREE


def day_of_stay(*, arrived_on: date, today: date) -> int:
    """Which day of the stay this is; the day of arrival is the first."""
    return (today - arrived_on).days + 1


def room_numbers(first: str, last: str, most: int = 500) -> list[str]:
    """The room numbers from one to another, with what stands before the digits kept: A301 … A312.

    One number alone where `last` is empty. Raises BadInput where the two do not belong together.
    """
    head, tail = _split(first), _split(last or first)
    if head is None or tail is None:
        if first and not last:
            return [first]
        raise BadInput("A range needs two numbers that end in digits, such as 301 and 312.")
    if head[0] != tail[0] or len(first) != len(last or first):
        raise BadInput("Both ends of a range begin alike and are equally long, such as A301 and A312.")
    if int(tail[1]) < int(head[1]):
        raise BadInput("The first number of a range comes before the last.")
    if int(tail[1]) - int(head[1]) >= most:
        raise BadInput("At most %(most)s rooms are added at once.", most=most)
    width = len(head[1])
    return [f"{head[0]}{number:0{width}d}" for number in range(int(head[1]), int(tail[1]) + 1)]


def _split(number: str) -> tuple[str, str] | None:
    digits = len(number) - len(number.rstrip("0123456789"))
    return (number[:-digits], number[-digits:]) if digits else None


def prefixes(area_path: str) -> list[str]:
    """An area's path and those above it, the deepest first, "/" last."""
    parts = area_path.strip("/").split("/")
    return ["/" + "".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts), 0, -1)] + ["/"]


class _Rooms:
    """Free rooms below every area, taken nearest first: the deepest common area, then site and room id."""

    def __init__(self, rooms: Iterable[RoomState]) -> None:
        self.by_id = {room.room_id: room for room in rooms}
        self.held: dict[str, list[int]] = defaultdict(list)
        self.gone: set[int] = set()
        self._free: dict[tuple[str, str, int], deque[int]] = defaultdict(deque)
        self.family_sizes = sorted({r.capacity for r in self.by_id.values() if r.kind == "family"})
        self.shapes = sorted(
            {(r.kind, r.capacity) for r in self.by_id.values()},
            # a family or barrier-free room goes to somebody else only when nothing plainer is left
            key=lambda shape: (("single", "accessible", "family").index(shape[0]), shape[1]),
        )
        for room in sorted(self.by_id.values(), key=lambda r: (r.site_id, r.room_id)):
            if not room.in_use or len(room.taken) >= room.capacity:
                continue
            if room.held_for:
                self.held[room.held_for].append(room.room_id)
            elif not room.taken:
                for prefix in prefixes(room.area_path):
                    self._free[prefix, room.kind, room.capacity].append(room.room_id)

    def nearest(self, area_path: str, shapes: Sequence[tuple[str, int]]) -> RoomState | None:
        """Take the nearest free room of one of these shapes (preferred ones first at equal distance)."""
        for prefix in prefixes(area_path):
            for kind, capacity in shapes:
                rooms = self._free.get((prefix, kind, capacity))
                while rooms:
                    room_id = rooms.popleft()
                    if room_id not in self.gone:
                        self.gone.add(room_id)
                        return self.by_id[room_id]
        return None


def propose(arrivals: Collection[Arrival], rooms: Iterable[RoomState]) -> Proposal:
    """Allocate beds: the most urgent first, families together where a family room holds them all, each to the
    nearest site (the deepest area that both share, so the own county before any other).

    Deterministic: the same arrivals and rooms in any order give the same answer. Linear in both.
    """
    free = _Rooms(rooms)
    groups: Mapping[str, list[Arrival]] = defaultdict(list)
    for arrival in sorted(arrivals, key=lambda a: (a.fulfil_by, a.order_id)):
        party = party_of(person_id=arrival.person_id, household_id=arrival.household_id, kind=arrival.kind)
        groups[party].append(arrival)
    placed: list[Placement] = []
    without: list[int] = []

    def put(arrival: Arrival, room: RoomState, slot: int) -> None:
        placed.append(Placement(arrival.order_id, arrival.person_id, room.room_id, room.site_id, slot))

    for party, members in groups.items():
        waiting = deque(members)
        # beds left in a room that the family already has
        for room_id in free.held.get(party, ()):
            room = free.by_id[room_id]
            for slot in range(1, room.capacity + 1):
                if slot not in room.taken and waiting:
                    put(waiting.popleft(), room, slot)
        if len(waiting) > 1:
            sizes = [size for size in free.family_sizes if size >= len(waiting)]
            together = free.nearest(waiting[0].area_path, [("family", size) for size in sizes])
            if together is not None:
                for slot in range(1, len(waiting) + 1):
                    put(waiting.popleft(), together, slot)
        while waiting:
            arrival = waiting.popleft()
            alone = free.nearest(arrival.area_path, free.shapes)
            if alone is None:
                without.append(arrival.order_id)
            else:
                put(arrival, alone, 1)
    return Proposal(tuple(placed), tuple(sorted(without)))


def choose_bed(rooms: Iterable[RoomState], *, party: str) -> tuple[RoomState, int] | None:
    """A bed in one site for one arrival: with the own party if it has room, else the plainest empty room."""
    best: tuple[tuple[bool, int, int, int], RoomState, int] | None = None
    for room in rooms:
        slot = free_slot(room, party=party)
        if slot is None or (room.taken and room.held_for != party):
            continue
        plainness = ("single", "accessible", "family").index(room.kind)
        rank = (room.held_for != party, plainness, room.capacity, room.room_id)
        if best is None or rank < best[0]:
            best = (rank, room, slot)
    return None if best is None else (best[1], best[2])
