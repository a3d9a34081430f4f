"""Stays under whatever happens: orders come and go, people arrive, move and leave, singly and in bulk.

Always: never two persons in a bed, never one person in two beds, nobody admitted without an order of his own in
force, strangers never in one room, and the alarm rings for exactly those who are inside without an order.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django.test import TestCase
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.cast import AT, GRID_A1, TOWNSHIP_A1, build
from tests.orders import close, order_of

from qipan.rooms.persons.models import Household, Person
from qipan.rooms.quarantine import selectors, services
from qipan.rooms.quarantine.models import Stay
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.errors import QipanError, Refused
from qipan.terms.evidence import OrderKind
from qipan.terms.roles import SYSTEM_ACTOR

PERSONS = 6
KINDS = [OrderKind.ISOLATE, OrderKind.QUARANTINE_CENTRAL, OrderKind.QUARANTINE_HOME]
CENTRAL = KINDS[:2]
who = st.integers(0, PERSONS - 1)


class Stays(RuleBasedStateMachine):
    """The model: orders as they were opened and closed, and who was let in and out when."""

    @initialize()
    def town(self):
        # a database of its own for every run: the outer test's transaction, and a savepoint here
        self.atomics = TestCase._enter_atomics()
        cast = build()
        self.now = AT
        area = cast.areas[GRID_A1]
        home = Household.objects.create(key=b"m" * 16, area_id=area.id, area_path=area.path)
        # the first three are a family
        self.persons = [
            Person.objects.create(
                area_id=area.id, area_path=area.path, household=home if n < 3 else None, registered_at=AT
            ).pk
            for n in range(PERSONS)
        ]
        self.site = services.site_open(actor=cast.gao, name="Machine", area_code=TOWNSHIP_A1, at=AT)
        rooms = [NewRoom("1"), NewRoom("2", "family", 2), NewRoom("3", "family", 3)]
        services.rooms_add(actor=cast.gao, site_id=self.site.pk, rooms=rooms, at=AT)
        self.gao, self.path = cast.gao, cast.path(TOWNSHIP_A1)
        # everybody is expected from the start: crowds are where the laws are tried
        self.orders = {n: [order_of(pk, CENTRAL[n == 0], at=AT, days=2)] for n, pk in enumerate(self.persons)}
        self.inside = {}

    def teardown(self):
        if hasattr(self, "atomics"):
            TestCase._rollback_atomics(self.atomics)

    def bound(self, n):
        """The person's central orders in force now, by the model."""
        return [
            order
            for order in self.orders[n]
            if order.kind in CENTRAL and order.closed_at is None and order.starts_at <= self.now < order.ends_at
        ]

    @rule(n=who, kind=st.sampled_from(KINDS), days=st.integers(0, 3))
    def order(self, n, kind, days):
        self.orders[n].append(order_of(self.persons[n], kind, at=self.now, days=days))

    @rule(n=who)
    def release(self, n):
        for order in self.orders[n]:
            if order.closed_at is None and self.now < order.ends_at:
                close(order, self.now)

    @rule(hours=st.integers(1, 40))
    def wait(self, hours):
        self.now += timedelta(hours=hours)

    @rule(n=who)
    def arrive_as_told(self, n):
        self.arrive(n, n, 0)

    @rule(n=who, other=who, which=st.integers(0, 3))
    def arrive_somehow(self, n, other, which):
        self.arrive(n, other, which)

    def arrive(self, n, other, which):
        orders = self.orders[other]
        if not orders:
            return
        order = orders[which % len(orders)]
        try:
            services.stay_arrive(
                actor=self.gao, person_id=self.persons[n], order_id=order.pk, site_id=self.site.pk, at=self.now
            )
        except Refused:
            assert n != other or n in self.inside or order not in self.bound(n) or self.full(n, order)
        else:
            assert n not in self.inside
            assert order in self.bound(n), "admitted without an order in force"
            self.inside[n] = order.kind

    def full(self, n, order):
        """Whether there is no bed for this person: no empty room, and no place in a room of his own party."""
        board = selectors.room_board(self.gao, self.site.pk, self.now)
        party = self.party(n, order.kind)
        return all(
            room.occupants
            and (
                len(room.occupants) == room.capacity
                or any(self.party(self.number(o), self.inside[self.number(o)]) != party for o in room.occupants)
            )
            for room in board
        )

    def party(self, n, kind):
        return ("family" if n < 3 else n, kind)

    def number(self, occupant):
        return self.persons.index(occupant.person_id)

    @rule()
    def arrive_in_bulk(self):
        expected = {n for n in range(PERSONS) if self.bound(n) and n not in self.inside}
        assert {a.person_id for a in selectors.arrivals_due(self.gao, self.now)} == {self.persons[n] for n in expected}
        proposal = services.placements_propose(actor=self.gao, area_path=self.path, at=self.now)
        done = services.stays_arrive_bulk(actor=self.gao, placements=proposal.placements, at=self.now)
        assert done.not_placed == ()
        kinds = {order.pk: order.kind for orders in self.orders.values() for order in orders}
        for placement in proposal.placements:
            self.inside[self.persons.index(placement.person_id)] = kinds[placement.order_id]

    @rule(n=who)
    def depart(self, n):
        stay = Stay.objects.filter(person_id=self.persons[n], departed_at=None).first()
        assert (stay is not None) == (n in self.inside)
        if stay is not None:
            services.stay_depart(actor=self.gao, stay_id=stay.pk, at=self.now)
            del self.inside[n]

    @rule(n=who, room=st.integers(0, 2))
    def transfer(self, n, room):
        stay = Stay.objects.filter(person_id=self.persons[n], departed_at=None).first()
        if stay is None:
            return
        target = list(selectors.list_rooms(self.gao))[room]
        try:
            services.stay_transfer(actor=self.gao, stay_id=stay.pk, room_id=target.pk, at=self.now)
        except QipanError:
            return
        assert [o for o in self.bound(n) if o.pk == stay.order_id], "moved under an order that is over"

    @invariant()
    def beds_and_persons_are_single(self):
        if not hasattr(self, "persons"):
            return
        inside = list(Stay.objects.filter(departed_at=None).values_list("room_id", "slot", "person_id"))
        assert max(Counter((room, slot) for room, slot, _ in inside).values(), default=1) == 1, "two in a bed"
        assert max(Counter(person for *_, person in inside).values(), default=1) == 1, "one in two beds"
        assert {person for *_, person in inside} == {self.persons[n] for n in self.inside}
        parties = {}
        for room, _, person in inside:
            n = self.persons.index(person)
            assert parties.setdefault(room, self.party(n, self.inside[n])) == self.party(n, self.inside[n])

    @invariant()
    def the_alarm_rings_for_whoever_is_inside_without_an_order(self):
        if not hasattr(self, "persons"):
            return
        ringing = {o.person_id for o in selectors.still_inside(SYSTEM_ACTOR, self.now)}
        assert ringing == {self.persons[n] for n in self.inside if not self.bound(n)}


FEW = settings(max_examples=15, stateful_step_count=20, deadline=None)


@pytest.mark.django_db
def test_stays_hold_their_laws():
    run_state_machine_as_test(Stays, settings=FEW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        ("qipan.rooms.quarantine.services.stays", "check_may_begin", lambda order, *, person_id, at: None),
        ("qipan.rooms.quarantine.selectors", "is_still_inside", lambda **_: False),
        ("qipan.rooms.quarantine.services.stays", "party_of", lambda *, person_id, household_id, kind: "everybody"),
    ],
    ids=["admits under any order", "alarm is silent", "strangers share"],
)
def test_the_machine_sees_a_planted_bug(monkeypatch, where, name, broken):
    monkeypatch.setattr(f"{where}.{name}", broken)
    # found is enough: shrinking it to the least example would take minutes
    found = settings(FEW, max_examples=100, phases=[Phase.generate], print_blob=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Stays, settings=found)
