"""Arrivals and departures taken back: while fresh, by those who may, and never against somebody who was faster."""

from datetime import timedelta

import pytest
from tests.cast import GRID_A1, TOWNSHIP_A1
from tests.orders import order_of

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons.models import Household, Person
from qipan.rooms.quarantine import selectors, services
from qipan.rooms.quarantine.models import Room, Stay
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.errors import Absent, Conflict, Denied, Refused
from qipan.terms.evidence import OrderKind

pytestmark = pytest.mark.django_db
CENTRAL = OrderKind.QUARANTINE_CENTRAL
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def site(cast, at):
    site = services.site_open(actor=cast.gao, name="Hotel A", area_code=TOWNSHIP_A1, at=at - DAY)
    rooms = [NewRoom("1"), NewRoom("2", "family", 2)]
    services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=rooms, at=at - DAY)
    return site


@pytest.fixture
def orders(cast, at):
    return {who: order_of(getattr(cast, who), CENTRAL, at=at) for who in ("xia", "yun", "wei")}


def arrive(cast, orders, who, room, at):
    return services.stay_arrive(
        actor=cast.gao, person_id=getattr(cast, who), order_id=orders[who].pk, at=at,
        room_id=Room.objects.get(number=room).pk,
    )  # fmt: skip


def test_an_arrival_taken_back_never_was(cast, at, site, orders):
    stay = arrive(cast, orders, "xia", "2", at)
    taken = services.arrivals_take_back(actor=cast.gao, stay_ids=[stay.pk], at=at + MINUTE)
    assert (taken.done, taken.refused) == (1, ())
    assert not selectors.list_stays(cast.gao).exists()
    with pytest.raises(Absent):
        selectors.access_stay(cast.gao, stay.pk)
    # nobody holds the room any more, and the person is due again
    assert Room.objects.get(number="2").held_for == ""
    assert cast.xia in {due.person_id for due in selectors.arrivals_due(cast.gao, at + MINUTE)}
    assert AuditEntry.objects.get(action="stay.take_back_arrival").detail["stays"] == [stay.pk]
    again = services.arrivals_take_back(actor=cast.gao, stay_ids=[stay.pk], at=at + MINUTE)
    assert (again.done, [type(error) for _, error in again.refused]) == (0, [Conflict])


def test_it_is_soon_too_late(cast, at, site, orders):
    stay = arrive(cast, orders, "xia", "1", at)
    taken = services.arrivals_take_back(actor=cast.gao, stay_ids=[stay.pk], at=at + HOUR + MINUTE)
    assert [type(error) for _, error in taken.refused] == [Refused]
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at + 2 * HOUR)
    late = services.departures_take_back(
        actor=cast.gao, stay_ids=[stay.pk], departed_at=at + 2 * HOUR, at=at + 4 * HOUR
    )
    assert [type(error) for _, error in late.refused] == [Refused]
    assert Stay.objects.get(pk=stay.pk).departed_at == at + 2 * HOUR


def test_a_departure_taken_back_puts_the_person_into_the_same_bed(cast, at, site, orders):
    stay = arrive(cast, orders, "xia", "2", at)
    held = Room.objects.get(number="2").held_for
    services.stays_depart_bulk(actor=cast.gao, stay_ids=[stay.pk], at=at + HOUR)
    taken = services.departures_take_back(
        actor=cast.gao, stay_ids=[stay.pk], departed_at=at + HOUR, at=at + HOUR + MINUTE
    )
    assert taken.done == 1
    assert [o.stay_id for o in selectors.occupants(cast.gao, at + HOUR + MINUTE)] == [stay.pk]
    assert Room.objects.get(number="2").held_for == held != ""


@pytest.mark.parametrize("who", ["same bed", "same person", "another party", "closed site", "corrected"])
def test_nobody_is_put_back_against_somebody_who_was_faster(cast, at, site, orders, who):
    stay = arrive(cast, orders, "xia", "2" if who == "another party" else "1", at)
    services.stays_depart_bulk(actor=cast.gao, stay_ids=[stay.pk], at=at + HOUR)
    departed = at + HOUR
    if who == "same bed":
        arrive(cast, orders, "wei", "1", at + HOUR)
    elif who == "same person":
        arrive(cast, orders, "xia", "2", at + HOUR)
    elif who == "another party":
        arrive(cast, orders, "wei", "2", at + HOUR)
    elif who == "closed site":
        services.site_close(actor=cast.gao, site_id=site.pk, at=at + HOUR)
    else:
        departed = at
    before = list(Stay.objects.order_by("pk").values())
    taken = services.departures_take_back(
        actor=cast.gao, stay_ids=[stay.pk], departed_at=departed, at=at + HOUR + MINUTE
    )
    assert [type(error) for _, error in taken.refused] == [Conflict]
    assert list(Stay.objects.order_by("pk").values()) == before


def test_family_members_come_back_together(cast, at, site, orders):
    area = cast.areas[GRID_A1]
    home = Household.objects.create(key=b"y" * 16, area_id=area.id, area_path=area.path)
    Person.objects.filter(pk__in=[cast.xia, cast.yun]).update(household=home)
    stays = [arrive(cast, orders, who, "2", at).pk for who in ("xia", "yun")]
    services.stays_depart_bulk(actor=cast.gao, stay_ids=stays, at=at + MINUTE)
    taken = services.departures_take_back(actor=cast.gao, stay_ids=stays, departed_at=at + MINUTE, at=at + MINUTE)
    assert taken.done == 2


@pytest.mark.parametrize("who", ["alice", "bob", "chen", "dora", "eva", "fang", "hu", "lin", "ma", "ning", "qiu"])
def test_only_the_site_manager_corrects(cast, at, site, orders, who):
    stay = arrive(cast, orders, "xia", "1", at)
    actor = cast.actors[who]
    with pytest.raises(Denied):
        services.arrivals_take_back(actor=actor, stay_ids=[stay.pk], at=at)
    with pytest.raises(Denied):
        services.departures_take_back(actor=actor, stay_ids=[stay.pk], departed_at=at, at=at)
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at + MINUTE)
    services.site_close(actor=cast.gao, site_id=site.pk, at=at + MINUTE)
    with pytest.raises(Denied):
        services.site_reopen(actor=actor, site_id=site.pk, at=at + MINUTE)


def test_what_is_not_there_is_absent(cast, at, site):
    with pytest.raises(Absent):
        services.arrivals_take_back(actor=cast.gao, stay_ids=[4711], at=at)
    with pytest.raises(Absent):
        services.departures_take_back(actor=cast.gao, stay_ids=[4711], departed_at=at, at=at)
    with pytest.raises(Absent):
        services.site_reopen(actor=cast.gao, site_id=4711, at=at)
    with pytest.raises(Absent):
        selectors.access_arrival(cast.gao, 4711, at)


def test_a_site_is_opened_again_once(cast, at, site, orders):
    with pytest.raises(Refused):
        services.site_reopen(actor=cast.gao, site_id=site.pk, at=at)
    services.site_close(actor=cast.gao, site_id=site.pk, at=at)
    services.site_reopen(actor=cast.gao, site_id=site.pk, at=at + MINUTE)
    assert arrive(cast, orders, "xia", "1", at + MINUTE)


def test_the_figures_of_sites_are_for_their_readers(cast, at, site, orders):
    arrive(cast, orders, "xia", "1", at)
    (line,) = selectors.site_lines(cast.gao, at)
    assert (line.rooms, line.beds, line.taken, line.free, line.arrivals, line.releases) == (2, 3, 1, 2, 2, 0)
    assert selectors.site_lines(cast.dora, at) == []
    # command sees no orders: no data is not none
    assert selectors.site_lines(cast.ma, at)[0].arrivals is None
    assert {state.room_id for state, _ in selectors.free_beds(cast.gao, site.pk, at)} == {
        Room.objects.get(number="2").pk
    }
    arrival = selectors.access_arrival(cast.gao, orders["wei"].pk, at)
    room, slot = selectors.proposed_bed(cast.gao, site.pk, arrival, at)
    assert (room.number, slot) == ("2", 1)
    for read in (lambda: selectors.free_beds(cast.dora, site.pk, at),
                 lambda: selectors.proposed_bed(cast.dora, site.pk, arrival, at)):  # fmt: skip
        with pytest.raises(Absent):
            read()
