"""Arrivals, transfers and departures: only under an order, one bed a person, one person a bed."""

from datetime import timedelta

import pytest
from tests.cast import COUNTY_A, COUNTY_B, GRID_A1, TODAY, TOWNSHIP_A1, TOWNSHIP_A2
from tests.orders import close, order_of

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons.models import Household, Person
from qipan.rooms.quarantine import selectors, services
from qipan.rooms.quarantine.models import Room, Stay
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.evidence import OrderKind

pytestmark = pytest.mark.django_db
CENTRAL = OrderKind.QUARANTINE_CENTRAL
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def open_site(actor, name, area, rooms, at):
    site = services.site_open(actor=actor, name=name, area_code=area, at=at)
    services.rooms_add(actor=actor, site_id=site.pk, rooms=rooms, at=at)
    return site


@pytest.fixture
def site(cast, at):
    return open_site(
        cast.gao, "Hotel A", TOWNSHIP_A1, [NewRoom("1"), NewRoom("2"), NewRoom("3", "family", 2)], at - DAY
    )


@pytest.fixture
def order(cast, at):
    return order_of(cast.xia, CENTRAL, at=at, fulfil_by=at + 8 * HOUR)


@pytest.fixture
def stay(cast, at, site, order):
    return services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)


@pytest.fixture
def household(cast):
    area = cast.areas[GRID_A1]
    home = Household.objects.create(key=b"x" * 16, area_id=area.id, area_path=area.path)
    Person.objects.filter(pk__in=[cast.xia, cast.yun]).update(household=home)
    return home


def test_an_arrival_is_a_stay_and_an_entry_in_the_log(cast, stay, order):
    assert (stay.person_id, stay.order_id, stay.slot, stay.departed_at) == (cast.xia, order.pk, 1, None)
    entry = AuditEntry.objects.get(action="stay.arrive")
    assert (entry.subject_id, entry.actor_label, entry.detail["person"]) == (str(stay.pk), "gao", cast.xia)


@pytest.mark.parametrize("who", ["alice", "bob", "chen", "dora", "eva", "fang", "hu", "lin", "ma", "ning", "qiu"])
def test_only_the_site_manager_moves_people(cast, at, site, order, who):
    actor = cast.actors[who]
    with pytest.raises(Denied):
        services.stay_arrive(actor=actor, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)
    stay = services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)
    with pytest.raises(Denied):
        services.stay_transfer(actor=actor, stay_id=stay.pk, site_id=site.pk, at=at)
    with pytest.raises(Denied):
        services.stay_depart(actor=actor, stay_id=stay.pk, at=at)
    with pytest.raises(Denied):
        services.stays_depart_bulk(actor=actor, stay_ids=[stay.pk], at=at)
    with pytest.raises(Denied):
        services.placements_propose(actor=actor, area_path=cast.path(COUNTY_A), at=at)


def test_a_site_takes_people_from_elsewhere(cast, at, site):
    order = order_of(cast.tao, CENTRAL, at=at)
    assert services.stay_arrive(actor=cast.gao, person_id=cast.tao, order_id=order.pk, site_id=site.pk, at=at)


@pytest.mark.parametrize("kind", [OrderKind.QUARANTINE_HOME, OrderKind.MONITOR_HOME, OrderKind.TEST])
def test_no_other_order_leads_into_a_room(cast, at, site, kind):
    order = order_of(cast.xia, kind, at=at)
    with pytest.raises(Refused):
        services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)


def test_not_without_an_order_in_force_for_this_person(cast, at, site, order):
    def arrive(person_id, order_id, moment):
        return services.stay_arrive(actor=cast.gao, person_id=person_id, order_id=order_id, site_id=site.pk, at=moment)

    with pytest.raises(Absent):
        arrive(cast.xia, 0, at)
    with pytest.raises(Refused):
        arrive(cast.yun, order.pk, at)
    with pytest.raises(Refused):
        arrive(cast.xia, order.pk, order.ends_at)
    close(order, at)
    with pytest.raises(Refused):
        arrive(cast.xia, order.pk, at)
    assert not Stay.objects.exists()


def test_a_forged_order_admits_nobody(cast, at, site, order):
    # somebody stretches the order with SQL; its seal no longer holds
    type(order).objects.filter(pk=order.pk).update(ends_at=order.ends_at + DAY)
    with pytest.raises(Absent):
        services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)


def test_one_bed_a_person_and_one_person_a_bed(cast, at, site, order, stay):
    with pytest.raises(Refused):
        services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)
    other = order_of(cast.yun, CENTRAL, at=at)
    with pytest.raises(Refused):
        services.stay_arrive(actor=cast.gao, person_id=cast.yun, order_id=other.pk, room_id=stay.room_id, at=at)
    for bad in ({}, {"room_id": stay.room_id, "site_id": site.pk}):
        with pytest.raises(BadInput):
            services.stay_arrive(actor=cast.gao, person_id=cast.yun, order_id=other.pk, at=at, **bad)
    for missing in ({"room_id": 0}, {"site_id": 0}):
        with pytest.raises(Absent):
            services.stay_arrive(actor=cast.gao, person_id=cast.yun, order_id=other.pk, at=at, **missing)


def test_a_family_room_is_held_for_the_family_until_it_is_empty(cast, at, site, household):
    room = Room.objects.get(kind="family")
    orders = {who: order_of(getattr(cast, who), CENTRAL, at=at) for who in ("xia", "yun", "wei")}

    def arrive(who, moment=at):
        return services.stay_arrive(
            actor=cast.gao, person_id=getattr(cast, who), order_id=orders[who].pk, room_id=room.pk, at=moment
        )

    first, second = arrive("xia"), arrive("yun")
    assert (first.slot, second.slot) == (1, 2)
    services.stay_depart(actor=cast.gao, stay_id=first.pk, at=at + HOUR)
    with pytest.raises(Refused):
        arrive("wei", at + HOUR)
    services.stay_depart(actor=cast.gao, stay_id=second.pk, at=at + HOUR)
    assert arrive("wei", at + HOUR).slot == 1


def test_a_departure_is_a_fact_once(cast, at, stay):
    with pytest.raises(Refused):
        services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at - HOUR)
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at + HOUR)
    assert AuditEntry.objects.get(action="stay.depart").detail["bound"] is True
    with pytest.raises(Conflict):
        services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at + HOUR)
    with pytest.raises(Absent):
        services.stay_depart(actor=cast.gao, stay_id=0, at=at)
    assert selectors.occupants(cast.gao, at + HOUR) == []


def test_a_transfer_is_a_departure_and_an_arrival_at_once(cast, at, site, stay):
    other = open_site(cast.gao, "Hotel B", TOWNSHIP_A2, [NewRoom("1")], at)
    moved = services.stay_transfer(actor=cast.gao, stay_id=stay.pk, site_id=other.pk, at=at + HOUR)
    stay.refresh_from_db()
    assert stay.departed_at == moved.arrived_at == at + HOUR
    assert moved.order_id == stay.order_id
    for bad in (stay, moved):
        with pytest.raises((Conflict, Refused)):
            services.stay_transfer(actor=cast.gao, stay_id=bad.pk, room_id=moved.room_id, at=at + HOUR)
    with pytest.raises(Refused):
        services.stay_transfer(actor=cast.gao, stay_id=moved.pk, site_id=site.pk, at=at + 20 * DAY)
    with pytest.raises(Absent):
        services.stay_transfer(actor=cast.gao, stay_id=0, site_id=site.pk, at=at)
    assert Stay.objects.filter(departed_at=None).count() == 1


def test_a_transfer_needs_both_sites(cast, at, stay):
    from tests.cast import CITY

    manager_of_b = cast.gao.__class__(
        999, None, (type(cast.gao.grants[0])(cast.gao.grants[0].role, cast.path(COUNTY_B)),), "b"
    )
    other = open_site(manager_of_b, "Hotel B", COUNTY_B, [NewRoom("1")], at)
    for actor in (cast.gao, manager_of_b):
        with pytest.raises(Denied):
            services.stay_transfer(actor=actor, stay_id=stay.pk, site_id=other.pk, at=at)
    both = cast.gao.__class__(998, None, (type(cast.gao.grants[0])(cast.gao.grants[0].role, cast.path(CITY)),), "city")
    assert services.stay_transfer(actor=both, stay_id=stay.pk, site_id=other.pk, at=at)


def test_lapsed_and_still_inside_is_an_alarm_until_the_departure(cast, at, order, stay):
    end = order.ends_at
    assert selectors.still_inside(cast.gao, end - timedelta(microseconds=1)) == []
    (alarm,) = selectors.still_inside(cast.gao, end)
    assert (alarm.stay_id, alarm.person_id) == (stay.pk, cast.xia)
    assert alarm.person_code.startswith("P")
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=end + HOUR)
    assert selectors.still_inside(cast.gao, end + HOUR) == []
    # seen from then, the alarm of that hour stays what it was
    assert len(selectors.still_inside(cast.gao, end)) == 1


def test_released_early_is_an_alarm_too_but_not_under_another_order(cast, at, order, stay):
    close(order, at + HOUR)
    assert len(selectors.still_inside(cast.gao, at + HOUR)) == 1
    order_of(cast.xia, OrderKind.ISOLATE, at=at)
    assert selectors.still_inside(cast.gao, at + HOUR) == []


@pytest.mark.parametrize("who", ["bob", "chen", "dora", "eva", "fang", "hu", "lin", "ning"])
def test_stays_look_absent_to_others(cast, at, stay, order, who):
    actor = cast.actors[who]
    with pytest.raises(Absent):
        selectors.access_stay(actor, stay.pk)
    assert not selectors.list_stays(actor).exists()
    assert selectors.occupants(actor, at) == []
    assert selectors.still_inside(actor, order.ends_at) == []
    assert selectors.releases_due(actor, TODAY + 9 * DAY, at) == []
    assert selectors.arrivals_due(actor, at) == []


def test_arrivals_are_due_until_somebody_arrives_and_overdue_after_the_deadline(cast, at, site, order):
    (due,) = selectors.arrivals_due(cast.gao, at)
    assert (due.person_id, due.fulfil_by, due.overdue) == (cast.xia, at + 8 * HOUR, False)
    assert selectors.arrivals_due(cast.gao, at + 8 * HOUR)[0].overdue
    isolate = order_of(cast.xia, OrderKind.ISOLATE, at=at)
    (due,) = selectors.arrivals_due(cast.gao, at)
    assert (due.order_id, due.fulfil_by) == (isolate.pk, at + DAY)
    assert selectors.arrivals_due(cast.gao, at, cast.path(TOWNSHIP_A2)) == []
    services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)
    assert selectors.arrivals_due(cast.gao, at) == []
    assert selectors.access_stay(cast.gao, Stay.objects.get().pk)


def test_releases_due(cast, at, order, stay):
    assert selectors.releases_due(cast.gao, order.until - DAY, at) == []
    assert [o.person_id for o in selectors.releases_due(cast.gao, order.until, at)] == [cast.xia]
    (room,) = [r for r in selectors.room_board(cast.gao, stay.room.site_id, at) if r.occupants]
    assert room.occupants[0].ends_at == order.ends_at


def test_many_arrive_at_once_and_the_same_list_twice_changes_nothing(cast, at, site, household):
    for who in ("xia", "yun", "wei", "zhu", "tao"):
        order_of(getattr(cast, who), CENTRAL, at=at)
    proposal = services.placements_propose(actor=cast.gao, area_path=cast.path(COUNTY_A), at=at)
    assert {p.person_id for p in proposal.placements} == {cast.xia, cast.yun, cast.wei, cast.zhu}
    family = Room.objects.get(kind="family")
    assert {p.person_id for p in proposal.placements if p.room_id == family.pk} == {cast.xia, cast.yun}
    done = services.stays_arrive_bulk(actor=cast.gao, placements=proposal.placements, at=at)
    assert (done.arrived, done.not_placed) == (4, ())
    entries = AuditEntry.objects.count()
    again = services.stays_arrive_bulk(actor=cast.gao, placements=proposal.placements, at=at)
    assert again.arrived == 0
    assert AuditEntry.objects.count() == entries
    assert Stay.objects.count() == 4
    family.refresh_from_db()
    assert family.held_for
    assert services.placements_propose(actor=cast.gao, area_path=cast.path(COUNTY_A), at=at).placements == ()
    stays = list(Stay.objects.values_list("pk", flat=True))
    assert services.stays_depart_bulk(actor=cast.gao, stay_ids=stays, at=at + HOUR) == 4
    assert services.stays_depart_bulk(actor=cast.gao, stay_ids=stays, at=at + HOUR) == 0
    with pytest.raises(Absent):
        services.stays_depart_bulk(actor=cast.gao, stay_ids=[0], at=at)
    family.refresh_from_db()
    assert family.held_for == ""


def test_a_stale_list_of_placements_is_refused_or_passes_over(cast, at, site):
    orders = [order_of(person, CENTRAL, at=at) for person in (cast.xia, cast.wei)]
    placements = services.placements_propose(actor=cast.gao, area_path=cast.path(COUNTY_A), at=at).placements
    other = order_of(cast.zhu, CENTRAL, at=at)
    services.stay_arrive(actor=cast.gao, person_id=cast.zhu, order_id=other.pk, room_id=placements[0].room_id, at=at)
    done = services.stays_arrive_bulk(actor=cast.gao, placements=placements, at=at)
    assert (done.arrived, done.not_placed) == (1, (orders[0].pk,))
    close(orders[0], at)
    with pytest.raises(Refused):
        services.stays_arrive_bulk(actor=cast.gao, placements=placements, at=at)
    for who in ("dora", "ma", "alice"):
        with pytest.raises(Denied):
            services.stays_arrive_bulk(actor=cast.actors[who], placements=placements, at=at)


def test_queries_do_not_grow_with_people(cast, at, site, django_assert_max_num_queries):
    services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom(f"x{n}") for n in range(300)], at=at)
    area = cast.areas[GRID_A1]
    Person.objects.bulk_create(
        Person(area_id=area.id, area_path=area.path, registered_at=at, synthetic=True) for _ in range(200)
    )
    for person in Person.objects.values_list("pk", flat=True):
        order_of(person, CENTRAL, at=at)
    with django_assert_max_num_queries(8):
        placements = services.placements_propose(actor=cast.gao, area_path=cast.path(COUNTY_A), at=at).placements
    assert len(placements) > 200
    with django_assert_max_num_queries(20):
        services.stays_arrive_bulk(actor=cast.gao, placements=placements, at=at)
    for call in (selectors.still_inside, selectors.arrivals_due, selectors.occupancy):
        with django_assert_max_num_queries(3):
            call(cast.gao, at)
