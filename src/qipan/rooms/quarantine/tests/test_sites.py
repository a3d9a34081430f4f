"""Sites and rooms: who may open, fill, empty and close them."""

import json
from datetime import timedelta

import pytest
from tests.cast import COUNTY_A, COUNTY_B, TOWNSHIP_A1
from tests.orders import order_of

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.rooms.quarantine import selectors, services
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.errors import Absent, BadInput, Denied, Refused
from qipan.terms.evidence import OrderKind

pytestmark = pytest.mark.django_db

#: who may see rooms besides the site manager, and who may not
SEES, SEES_NOT = ("gao", "ma", "qiu", "alice"), ("bob", "chen", "dora", "eva", "fang", "hu", "lin", "ning")


@pytest.fixture
def site(cast, at):
    opened = services.site_open(actor=cast.gao, name="Hotel A", area_code=TOWNSHIP_A1, at=at)
    services.rooms_add(
        actor=cast.gao, site_id=opened.pk, rooms=[NewRoom("101"), NewRoom("102"), NewRoom("201", "family", 3)], at=at
    )
    return opened


def test_a_site_is_opened_by_its_manager_and_the_log_says_so(cast, at, site):
    assert site.area_path == cast.path(TOWNSHIP_A1)
    assert AuditEntry.objects.filter(action="site.open", subject_id=str(site.pk), actor_label="gao").exists()
    with pytest.raises(Refused):
        services.site_open(actor=cast.gao, name="Hotel A", area_code=TOWNSHIP_A1, at=at)
    with pytest.raises(BadInput):
        services.site_open(actor=cast.gao, name="Hotel B", area_code="999999", at=at)
    with pytest.raises(BadInput):
        services.site_open(actor=cast.gao, name=" ", area_code=TOWNSHIP_A1, at=at)


@pytest.mark.parametrize("who", ["alice", "bob", "chen", "dora", "fang", "ma", "ning", "qiu"])
def test_nobody_else_opens_or_changes_one(cast, at, site, who):
    actor = cast.actors[who]
    room = selectors.list_rooms(cast.gao).first()
    calls = [
        lambda: services.site_open(actor=actor, name="Hotel B", area_code=TOWNSHIP_A1, at=at),
        lambda: services.rooms_add(actor=actor, site_id=site.pk, rooms=[NewRoom("9")], at=at),
        lambda: services.room_take_out_of_use(actor=actor, room_id=room.pk, reason="damp", at=at),
        lambda: services.room_put_in_use(actor=actor, room_id=room.pk, at=at),
        lambda: services.site_close(actor=actor, site_id=site.pk, at=at),
    ]
    for call in calls:
        with pytest.raises(Denied):
            call()


def test_a_manager_opens_none_in_another_county(cast, at):
    with pytest.raises(Denied):
        services.site_open(actor=cast.gao, name="Hotel B", area_code=COUNTY_B, at=at)


def test_rooms_are_added_all_or_none(cast, at, site):
    with pytest.raises(Refused):
        services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom("103"), NewRoom("101")], at=at)
    with pytest.raises(Refused):
        services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom("104", "single", 0)], at=at)
    with pytest.raises(Absent):
        services.rooms_add(actor=cast.gao, site_id=0, rooms=[NewRoom("104")], at=at)
    assert selectors.list_rooms(cast.gao).count() == 3


def test_a_room_goes_out_of_use_and_comes_back(cast, at, site):
    room = selectors.list_rooms(cast.gao).first()
    services.room_take_out_of_use(actor=cast.gao, room_id=room.pk, reason="damp", at=at)
    assert [r.in_use for r in selectors.room_board(cast.gao, site.pk, at)] == [False, True, True]
    with pytest.raises(Refused):
        services.room_take_out_of_use(actor=cast.gao, room_id=room.pk, reason="damp", at=at)
    services.room_put_in_use(actor=cast.gao, room_id=room.pk, at=at)
    assert all(r.in_use for r in selectors.room_board(cast.gao, site.pk, at))
    for call in (services.room_put_in_use, services.room_take_out_of_use):
        with pytest.raises((Refused, TypeError)):
            call(actor=cast.gao, room_id=room.pk, at=at, **({"reason": " "} if "take" in call.__name__ else {}))
        with pytest.raises(Absent):
            call(actor=cast.gao, room_id=0, at=at, **({"reason": "x"} if "take" in call.__name__ else {}))


def test_the_log_does_not_tell_why_in_clear(cast, at, site):
    room = selectors.list_rooms(cast.gao).first()
    words = "王小明 13800001234 broke the window"
    services.room_take_out_of_use(actor=cast.gao, room_id=room.pk, reason=words, at=at)
    entry = AuditEntry.objects.get(action="room.take_out_of_use")
    assert not any(word in json.dumps(entry.detail, ensure_ascii=False) for word in words.split())
    assert open_reason(entry.detail["reason"], write_id=entry.write_id) == words


def test_an_occupied_room_or_site_is_not_taken_away(cast, at, site):
    order = order_of(cast.xia, OrderKind.QUARANTINE_CENTRAL, at=at)
    stay = services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at)
    with pytest.raises(Refused):
        services.room_take_out_of_use(actor=cast.gao, room_id=stay.room_id, reason="damp", at=at)
    with pytest.raises(Refused):
        services.site_close(actor=cast.gao, site_id=site.pk, at=at)
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at + timedelta(hours=1))
    services.site_close(actor=cast.gao, site_id=site.pk, at=at + timedelta(hours=2))
    with pytest.raises(Refused):
        services.site_close(actor=cast.gao, site_id=site.pk, at=at + timedelta(hours=2))
    with pytest.raises(Absent):
        services.site_close(actor=cast.gao, site_id=0, at=at)
    with pytest.raises(Refused):
        services.stay_arrive(
            actor=cast.gao, person_id=cast.xia, order_id=order.pk, site_id=site.pk, at=at + timedelta(hours=3)
        )


@pytest.mark.parametrize("who", SEES)
def test_who_may_see_rooms_sees_them(cast, at, site, who):
    actor = cast.actors[who]
    assert selectors.access_site(actor, site.pk) == site
    assert selectors.list_sites(actor, below=cast.path(COUNTY_A)).count() == 1
    assert selectors.list_rooms(actor).count() == 3
    assert selectors.access_room(actor, selectors.list_rooms(actor)[0].pk)
    assert len(selectors.room_board(actor, site.pk, at)) == 3
    (figures,) = selectors.occupancy(actor, at)
    assert (figures.rooms, figures.beds, figures.taken, figures.rooms_taken) == (3, 5, 0, 0)


@pytest.mark.parametrize("who", SEES_NOT)
def test_to_others_they_look_absent(cast, at, site, who):
    actor = cast.actors[who]
    room = selectors.list_rooms(cast.gao).first()
    for call in (
        lambda: selectors.access_site(actor, site.pk),
        lambda: selectors.access_room(actor, room.pk),
        lambda: selectors.room_board(actor, site.pk, at),
    ):
        with pytest.raises(Absent):
            call()
    assert not selectors.list_sites(actor).exists()
    assert not selectors.list_rooms(actor).exists()
    assert selectors.occupancy(actor, at) == []
