"""The pure rules: who may begin a stay, which bed, and the allocation of many."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.rooms.quarantine.rules import (
    Arrival,
    OrderState,
    RoomState,
    check_may_begin,
    choose_bed,
    is_still_inside,
    party_of,
    prefixes,
    propose,
)
from qipan.terms.errors import Refused
from qipan.terms.evidence import OrderKind

AT = datetime(2022, 7, 20, 4, tzinfo=UTC)
CENTRAL = OrderKind.QUARANTINE_CENTRAL
COUNTIES = ["/41/411202/", "/41/411203/"]
TOWNS = [f"{county}{town}/" for county in COUNTIES for town in ("001", "002")]


def state(kind: OrderKind = CENTRAL, *, starts: int = -1, ends: int = 7) -> OrderState:
    return OrderState(1, 10, kind, AT + timedelta(days=starts), AT + timedelta(days=ends))


def room(room_id: int, path: str, kind: str = "single", capacity: int = 1, **changes: object) -> RoomState:
    values = {"in_use": True, "taken": frozenset(), "held_for": ""} | changes
    return RoomState(room_id, room_id, path, kind, capacity, **values)  # type: ignore[arg-type]


def arrival(number: int, path: str, household: int | None = None, kind: OrderKind = CENTRAL) -> Arrival:
    return Arrival(number, number, household, kind, path, AT)


@pytest.mark.parametrize("kind", [OrderKind.ISOLATE, OrderKind.QUARANTINE_CENTRAL])
def test_a_central_order_in_force_admits(kind):
    check_may_begin(state(kind), person_id=10, at=AT)


@pytest.mark.parametrize(
    ("order", "person"),
    [
        (state(), 11),
        (state(OrderKind.QUARANTINE_HOME), 10),
        (state(OrderKind.TEST), 10),
        (state(starts=1), 10),
        (state(ends=0), 10),
    ],
)
def test_nobody_else_and_at_no_other_time(order, person):
    with pytest.raises(Refused):
        check_may_begin(order, person_id=person, at=AT)


def test_the_alarm_goes_off_at_the_end_of_the_order_and_not_before():
    inside = {"arrived_at": AT - timedelta(days=1), "departed_at": None}
    assert not is_still_inside(**inside, order_ends_at=AT + timedelta(microseconds=1), at=AT)
    assert is_still_inside(**inside, order_ends_at=AT, at=AT)
    assert is_still_inside(**inside, order_ends_at=None, at=AT)
    assert not is_still_inside(arrived_at=AT - timedelta(days=1), departed_at=AT, order_ends_at=None, at=AT)


def test_prefixes_go_from_the_cell_to_everywhere():
    assert prefixes("/41/411202/") == ["/41/411202/", "/41/", "/"]


def test_strangers_do_not_share_and_the_infected_do_not_lie_with_the_exposed():
    held = party_of(person_id=1, household_id=5, kind=CENTRAL)
    family = room(1, TOWNS[0], "family", 3, taken=frozenset({1}), held_for=held)
    assert choose_bed([family], party=held) == (family, 2)
    assert choose_bed([family], party=party_of(person_id=2, household_id=6, kind=CENTRAL)) is None
    assert choose_bed([family], party=party_of(person_id=3, household_id=5, kind=OrderKind.ISOLATE)) is None


def test_one_arrival_takes_the_plainest_room():
    rooms = [room(1, TOWNS[0], "family", 3), room(2, TOWNS[0], "accessible"), room(3, TOWNS[0])]
    assert choose_bed(rooms, party="p1:x") == (rooms[2], 1)
    assert choose_bed([room(1, TOWNS[0], in_use=False)], party="p1:x") is None


def test_the_own_county_comes_first():
    rooms = [room(1, TOWNS[2]), room(2, TOWNS[1])]
    placed = propose([arrival(1, TOWNS[0])], rooms).placements
    assert [p.room_id for p in placed] == [2]


def test_a_family_goes_together_where_a_room_holds_it_and_apart_where_none_does():
    family = [arrival(n, TOWNS[0], household=7) for n in (1, 2, 3)]
    rooms = [room(1, TOWNS[0]), room(2, TOWNS[0]), room(3, TOWNS[3], "family", 4), room(4, TOWNS[1], "family", 2)]
    assert {(p.room_id, p.slot) for p in propose(family, rooms).placements} == {(3, 1), (3, 2), (3, 3)}
    apart = propose(family, rooms[:2])
    assert {p.room_id for p in apart.placements} == {1, 2}
    assert len(apart.without_room) == 1


def test_a_latecomer_joins_the_family():
    held = party_of(person_id=0, household_id=7, kind=CENTRAL)
    rooms = [room(1, TOWNS[0]), room(2, TOWNS[0], "family", 3, taken=frozenset({2}), held_for=held)]
    placed = propose([arrival(1, TOWNS[0], household=7)], rooms).placements
    assert [(p.room_id, p.slot) for p in placed] == [(2, 1)]


def test_the_most_urgent_gets_the_last_room():
    late, early = arrival(1, TOWNS[0]), Arrival(2, 2, None, CENTRAL, TOWNS[0], AT - timedelta(hours=1))
    proposal = propose([late, early], [room(1, TOWNS[0])])
    assert [p.order_id for p in proposal.placements] == [2]
    assert proposal.without_room == (1,)


arrivals = st.lists(
    st.tuples(
        st.sampled_from(TOWNS),
        st.none() | st.integers(1, 4),
        st.sampled_from([OrderKind.ISOLATE, CENTRAL]),
    ),
    max_size=14,
).map(lambda rows: [arrival(n, *row) for n, row in enumerate(rows, start=1)])
shapes = st.sampled_from([("single", 1), ("accessible", 1), ("family", 2), ("family", 4)])
rooms = st.lists(st.tuples(st.sampled_from(TOWNS), shapes, st.booleans()), max_size=14).map(
    lambda rows: [room(n, path, *shape, in_use=use) for n, (path, shape, use) in enumerate(rows, start=1)]
)


@given(arrivals=arrivals, rooms=rooms, random=st.randoms(use_true_random=False))
def test_laws_of_a_proposal(arrivals, rooms, random):
    proposal = propose(arrivals, rooms)
    placements = proposal.placements
    by_id = {r.room_id: r for r in rooms}
    parties = {a.order_id: party_of(person_id=a.person_id, household_id=a.household_id, kind=a.kind) for a in arrivals}
    # everybody is either placed once or named
    assert sorted([p.order_id for p in placements] + list(proposal.without_room)) == [a.order_id for a in arrivals]
    # a bed once, within the room's beds, in rooms in use, with nobody but the own party
    assert len({(p.room_id, p.slot) for p in placements}) == len(placements)
    assert all(1 <= p.slot <= by_id[p.room_id].capacity and by_id[p.room_id].in_use for p in placements)
    for room_id in {p.room_id for p in placements}:
        assert len({parties[p.order_id] for p in placements if p.room_id == room_id}) == 1
    # nobody goes without while a room stands empty
    if proposal.without_room:
        assert {p.room_id for p in placements} == {r.room_id for r in rooms if r.in_use}
    # the order in which they are handed in does not matter
    shuffled, mixed = list(arrivals), list(rooms)
    random.shuffle(shuffled)
    random.shuffle(mixed)
    assert propose(shuffled, mixed) == proposal
