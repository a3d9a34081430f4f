"""Files of rooms: taken in by those who furnish the area, taken back, sent again."""

from datetime import timedelta

import pytest
from tests.cast import COUNTY_B, TOWNSHIP_A1, TOWNSHIP_A2, TOWNSHIP_B1
from tests.orders import order_of

from qipan.foundation.intake.services import batch_void, file_import
from qipan.rooms.quarantine import selectors, services
from qipan.rooms.quarantine.models import Room, Site
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.evidence import OrderKind

pytestmark = pytest.mark.django_db
FILE = f"""site,room,kind,area,capacity
Hotel A,101,single,{TOWNSHIP_A1},
Hotel A,102,家庭间,{TOWNSHIP_A1},
Hotel A,103,family,{TOWNSHIP_A1},4
Hotel B,1,accessible,{TOWNSHIP_A2},1
"""


@pytest.fixture
def send(tmp_path, cast, at):
    def imported(text, *, who="gao", source="hotels", when=at):
        path = tmp_path / f"rooms-{abs(hash(text))}.csv"
        path.write_text(text, encoding="utf-8")
        return file_import(actor=cast.actors[who], kind="rooms", path=path, source=source, at=when)

    return imported


def reasons(result):
    return [(reject["row"], reject["column"]) for reject in result.rejects]


def test_a_file_furnishes_sites(cast, at, send):
    result = send(FILE)
    assert (result.declared, result.accepted, result.rejected, result.state) == (4, 4, 0, "complete")
    rooms = selectors.list_rooms(cast.gao).values_list("site__name", "number", "kind", "capacity")
    assert list(rooms) == [
        ("Hotel A", "101", "single", 1),
        ("Hotel A", "102", "family", 2),
        ("Hotel A", "103", "family", 4),
        ("Hotel B", "1", "accessible", 1),
    ]
    again = send(FILE + "\n")
    assert (again.accepted, again.duplicate) == (0, 4)


def test_the_capacity_may_be_missing(send):
    text = "\n".join(line.rsplit(",", 1)[0] for line in FILE.splitlines())
    assert send(text).accepted == 4
    assert Room.objects.get(number="103").capacity == 2


def test_wrong_rows_are_named(cast, at, send):
    services.rooms_add(
        actor=cast.gao,
        site_id=services.site_open(actor=cast.gao, name="Own", area_code=TOWNSHIP_A1, at=at).pk,
        rooms=[NewRoom("1")],
        at=at,
    )
    result = send(
        f"""site,room,kind,area,capacity
Hotel A,1,single,{TOWNSHIP_A1},1
Hotel A,2,single,{TOWNSHIP_A2},1
Hotel A,3,suite,{TOWNSHIP_A1},1
Hotel A,4,family,{TOWNSHIP_A1},0
Hotel C,1,single,999999999,1
Hotel D,1,single,{TOWNSHIP_B1},1
Own,1,single,{TOWNSHIP_A1},1
"""
    )
    assert (result.accepted, result.rejected) == (1, 6)
    assert reasons(result) == [(3, "area"), (4, "kind"), (5, "capacity"), (6, "area"), (7, "area"), (8, "room")]
    assert set(Site.objects.values_list("name", flat=True)) == {"Hotel A", "Own"}


@pytest.mark.parametrize("who", ["alice", "dora", "fang", "hu"])
def test_nobody_else_furnishes(send, who):
    assert send(FILE, who=who).accepted == 0
    assert not Room.objects.exists()


def test_another_source_does_not_take_rooms_over(send):
    send(FILE)
    assert send(FILE, source="others").rejected == 4


def test_a_batch_is_taken_back_and_may_come_again(cast, at, send):
    batch = send(FILE).batch
    order = order_of(cast.xia, OrderKind.QUARANTINE_CENTRAL, at=at)
    room = Room.objects.get(number="101")
    stay = services.stay_arrive(actor=cast.gao, person_id=cast.xia, order_id=order.pk, room_id=room.pk, at=at)
    later = at + timedelta(hours=1)
    counts = batch_void(actor=cast.gao, batch_id=batch, at=later)
    assert (counts["rooms"], counts["occupied"]) == (4, 1)
    # nobody new comes in; who is inside stays
    assert [o.stay_id for o in selectors.occupants(cast.gao, later)] == [stay.pk]
    assert not any(room.in_use for room in selectors.room_board(cast.gao, room.site_id, later))
    mended = FILE.replace("family", "single").replace(",4\n", ",1\n")
    assert send(mended, when=later + timedelta(hours=1)).accepted == 4
    again = Room.objects.get(number="103")
    assert (again.kind, again.capacity, again.out_of_use_at) == ("single", 1, None)


def test_a_county_away_is_not_his(send):
    result = send(f"site,room,kind,area\nHotel,1,single,{COUNTY_B}\n")
    assert reasons(result) == [(2, "area")]
