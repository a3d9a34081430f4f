"""Sites, the room board, arrivals, releases and stays, as somebody at a browser meets them."""

import re
from datetime import timedelta

import pytest
from tests.cast import COUNTY_A, COUNTY_B, TOWNSHIP_A1, TOWNSHIP_B1
from tests.orders import close, order_of

from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.models import Room, Site, Stay
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.evidence import OrderKind
from qipan.terms.identity import person_code

pytestmark = pytest.mark.django_db
CENTRAL = OrderKind.QUARANTINE_CENTRAL
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def site(cast, at):
    site = services.site_open(actor=cast.gao, name="演示·甲", area_code=TOWNSHIP_A1, at=at - 9 * DAY)
    rooms = [NewRoom("101"), NewRoom("102"), NewRoom("103", "family", 2)]
    services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=rooms, at=at - 9 * DAY)
    return site


@pytest.fixture
def orders(cast, at):
    return {who: order_of(getattr(cast, who), CENTRAL, at=at - DAY) for who in ("xia", "yun", "wei")}


@pytest.fixture
def stay(cast, at, site, orders):
    return services.stay_arrive(
        actor=cast.gao, person_id=cast.xia, order_id=orders["xia"].pk, at=at - HOUR,
        room_id=Room.objects.get(number="101").pk,
    )  # fmt: skip


@pytest.fixture
def tao_site(cast, at):
    """A site of county B, which gao does not see."""
    area = cast.areas[TOWNSHIP_B1]
    return Site.objects.create(name="演示·乙", area_id=area.id, area_path=area.path, opened_at=at - DAY)


def text(answer):
    return answer.content.decode()


def pages(site, stay):
    room = stay.room_id
    return {
        "view": ["/quarantine/", f"/quarantine/{site.pk}/", "/quarantine/arrivals", "/quarantine/releases",
                 "/quarantine/stays/", f"/quarantine/stays/{stay.pk}/", f"/quarantine/rooms/{room}/"],
        "manage": ["/quarantine/add", f"/quarantine/{site.pk}/receive", f"/quarantine/{site.pk}/rooms/add",
                   f"/quarantine/{site.pk}/close", f"/quarantine/{site.pk}/reopen",
                   f"/quarantine/stays/{stay.pk}/depart", f"/quarantine/stays/{stay.pk}/move",
                   f"/quarantine/stays/{stay.pk}/take-back",
                   f"/quarantine/rooms/{room}/out", f"/quarantine/rooms/{room}/in"],
    }  # fmt: skip


VIEWERS, MANAGERS = {"alice", "gao", "ma", "qiu"}, {"gao"}


@pytest.mark.parametrize(
    "who", ["alice", "bob", "chen", "dora", "eva", "fang", "gao", "hu", "lin", "ma", "ning", "qiu"]
)
def test_who_opens_what(browse, site, stay, who):
    client, urls = browse(who), pages(site, stay)
    lists = ("/quarantine/", "/quarantine/arrivals", "/quarantine/releases", "/quarantine/stays/")
    for url in urls["view"]:
        # dora holds the right in county B: her lists are empty, what lies in county A is absent
        seen = who in VIEWERS or (who == "dora" and url in lists)
        assert client.get(url).status_code == (200 if seen else 404), url
    for url in urls["manage"]:
        assert client.get(url).status_code == (200 if who in MANAGERS else 404), url
        if who not in MANAGERS:
            assert client.post(url, {"confirmed": "1"}).status_code == 404, url
    if who == "dora":
        assert "演示·甲" not in text(client.get("/quarantine/"))
        assert person_code(stay.person_id) not in text(client.get("/quarantine/stays/"))


def test_the_site_of_another_county_looks_absent(browse, tao_site, stay):
    gao = browse("gao")
    for url in (f"/quarantine/{tao_site.pk}/", f"/quarantine/{tao_site.pk}/receive", f"/quarantine/{tao_site.pk}/close",
                f"/quarantine/?area={COUNTY_B}", "/quarantine/4711/", f"/quarantine/{10**30}/"):  # fmt: skip
        assert gao.get(url).status_code == 404, url
    assert browse("dora").get(f"/quarantine/{tao_site.pk}/").status_code == 200


def test_bulk_actions_are_not_for_those_who_only_look(browse, stay):
    for who in ("alice", "qiu", "ma"):
        answer = browse(who).post("/quarantine/releases", {"act": "let-go", "row": [stay.pk], "confirm": "1"})
        assert answer.status_code == 404
    assert Stay.objects.get(pk=stay.pk).departed_at is None


def test_the_board_says_who_is_where_by_code_and_until_when(browse, site, stay, cast):
    page = text(browse("gao").get(f"/quarantine/{site.pk}/"))
    assert person_code(cast.xia) in page
    assert "until 26 Jul 24:00" in page
    assert "day 1" in page
    assert not any(name in page for name in ("演示·xia", "000123"))
    assert "演示·甲" in page
    assert "Close the site" in page
    watching = text(browse("qiu").get(f"/quarantine/{site.pk}/"))
    assert "Close the site" not in watching
    assert "Receive" not in watching


def test_an_order_that_is_over_is_an_alarm_in_words(browse, site, stay, orders, at):
    close(orders["xia"], at)
    board = text(browse("gao").get(f"/quarantine/{site.pk}/"))
    assert "no order binds" in board
    assert "inside without an order" in board
    only = text(browse("gao").get(f"/quarantine/{site.pk}/?state=alarm&view=table"))
    assert "101" in only
    assert ">102<" not in only
    assert "1" in re.findall(r'data-label="Without order"[^>]*>\s*(\d+)', text(browse("gao").get("/quarantine/")))


def test_a_room_out_of_use_is_hatched_and_said(browse, site):
    room = Room.objects.get(number="102")
    gao = browse("gao")
    assert gao.post(f"/quarantine/rooms/{room.pk}/out", {"reason": ""}).status_code == 400
    assert gao.post(f"/quarantine/rooms/{room.pk}/out", {"reason": "Water damage"}).status_code == 302
    page = text(gao.get(f"/quarantine/{site.pk}/"))
    assert "room-out" in page
    assert "out of use" in page
    assert gao.post(f"/quarantine/rooms/{room.pk}/out", {"reason": "Water damage"}).status_code == 400
    assert gao.post(f"/quarantine/rooms/{room.pk}/in").status_code == 302
    assert Room.objects.get(number="102").out_of_use_at is None


def test_a_room_with_somebody_in_it_stays_in_use(browse, stay):
    answer = browse("gao").post(f"/quarantine/rooms/{stay.room_id}/out", {"reason": "Paint"})
    assert answer.status_code == 400
    assert "Somebody is in this room" in text(answer)


def test_a_site_is_added_furnished_closed_and_opened_again(browse, cast):
    gao = browse("gao")
    answer = gao.post("/quarantine/add", {"name": "演示·丙", "area_code": COUNTY_A})
    site = Site.objects.get(name="演示·丙")
    assert answer.headers["Location"] == f"/quarantine/{site.pk}/"
    assert "This site has no rooms yet" in text(gao.get(f"/quarantine/{site.pk}/"))
    assert gao.post("/quarantine/add", {"name": "演示·丙", "area_code": COUNTY_A}).status_code == 400
    assert gao.post("/quarantine/add", {"name": "x", "area_code": "999999"}).status_code == 400
    assert gao.post("/quarantine/add", {"name": "x", "area_code": COUNTY_B}).status_code == 404
    add = f"/quarantine/{site.pk}/rooms/add"
    rooms = {"first": "A301", "last": "A312", "kind": "family", "capacity": "3"}
    assert gao.post(add, rooms).status_code == 302
    assert list(site.rooms.order_by("number").values_list("number", flat=True)[:2]) == ["A301", "A302"]
    assert site.rooms.filter(kind="family", capacity=3).count() == 12
    for wrong in ({"last": "B312"}, {"last": "A200"}, {"capacity": "0"}, {"kind": "cave"}, {"first": "A300"},
                  {"last": "A9999"}, {"first": ""}, {"first": "lobby"}):  # fmt: skip
        assert gao.post(add, rooms | wrong).status_code == 400, wrong
    asked = gao.post(f"/quarantine/{site.pk}/close")
    assert "Before you confirm" in text(asked)
    assert Site.objects.get(pk=site.pk).closed_at is None
    assert gao.post(f"/quarantine/{site.pk}/close", {"confirmed": "1"}).status_code == 302
    assert gao.get(f"/quarantine/{site.pk}/close").status_code == 422
    assert "closed" in text(gao.get(f"/quarantine/{site.pk}/"))
    assert gao.post(f"/quarantine/{site.pk}/reopen").status_code == 302


def test_a_site_with_somebody_inside_is_not_closed(browse, site, stay):
    answer = browse("gao").post(f"/quarantine/{site.pk}/close", {"confirmed": "1"})
    assert answer.status_code == 400
    assert "Somebody stays at this site" in text(answer)


def test_an_arrival_is_received_in_the_proposed_room_after_its_consequences(browse, site, orders, cast):
    gao, url = browse("gao"), f"/quarantine/{site.pk}/receive"
    form = text(gao.get(f"{url}?order={orders['wei'].pk}"))
    assert person_code(cast.wei) in form
    asked = text(gao.post(url, {"order": orders["wei"].pk, "room": ""}))
    assert "room 101, as proposed" in asked
    for said in ("Grounds", "End", "Effect", "Appeal", "until 26 Jul 24:00"):
        assert said in asked
    assert not Stay.objects.exists()
    answer = gao.post(url, {"order": orders["wei"].pk, "room": "", "confirmed": "1"})
    assert answer.status_code == 302
    assert Stay.objects.get().room.number == "101"


def test_an_override_is_kept(browse, site, orders):
    gao, url = browse("gao"), f"/quarantine/{site.pk}/receive"
    room = Room.objects.get(number="102")
    assert "room 102, as you chose" in text(gao.post(url, {"order": orders["wei"].pk, "room": room.pk}))
    gao.post(url, {"order": orders["wei"].pk, "room": room.pk, "confirmed": "1"})
    assert Stay.objects.get().room == room


def test_who_is_second_is_told_so(browse, site, orders):
    """Two forms are open on one bed, and on one person."""
    gao, url = browse("gao"), f"/quarantine/{site.pk}/receive"
    room = Room.objects.get(number="101")
    first = {"order": orders["wei"].pk, "room": room.pk, "confirmed": "1"}
    assert gao.post(url, first).status_code == 302
    bed = gao.post(url, first | {"order": orders["xia"].pk})
    assert bed.status_code == 409
    assert "Somebody else took the bed" in text(bed)
    person = gao.post(url, first | {"room": Room.objects.get(number="102").pk})
    assert person.status_code == 409
    assert "not due any more" in text(person)
    assert Stay.objects.count() == 1


@pytest.mark.parametrize("data", [{"order": ""}, {"order": "x"}, {"order": "1" * 30}, {"order": "-1"}, {"room": "x"}])
def test_a_wrong_arrival_is_said_in_words(browse, site, orders, data):
    answer = browse("gao").post(f"/quarantine/{site.pk}/receive", {"order": orders["wei"].pk, "confirmed": "1"} | data)
    assert answer.status_code == 400
    assert "Please look at these fields" in text(answer)


def test_a_room_of_another_site_is_no_choice(browse, site, orders, tao_site, cast):
    room = Room.objects.create(site=tao_site, number="1")
    data = {"order": orders["wei"].pk, "room": room.pk, "confirmed": "1"}
    assert browse("gao").post(f"/quarantine/{site.pk}/receive", data).status_code == 404


def test_somebody_is_moved_and_the_second_is_told_so(browse, site, stay, orders, cast, at):
    gao, url = browse("gao"), f"/quarantine/stays/{stay.pk}/move"
    room = Room.objects.get(number="102")
    assert "room 102" in text(gao.get(url))
    services.stay_arrive(actor=cast.gao, person_id=cast.wei, order_id=orders["wei"].pk, room_id=room.pk, at=at)
    assert gao.post(url, {"room": room.pk}).status_code == 409
    assert gao.post(url, {"room": Room.objects.get(number="103").pk}).status_code == 302
    assert gao.get(url).status_code == 409
    assert gao.get(f"/quarantine/stays/{stay.pk}/").status_code == 200
    assert "Arrived in" in text(gao.get(f"/quarantine/stays/{stay.pk}/"))


def test_a_departure_is_confirmed_and_recorded_once(browse, stay):
    gao, url = browse("gao"), f"/quarantine/stays/{stay.pk}/depart"
    asked = text(gao.post(url))
    assert "the order binds until" in asked
    assert gao.post(url, {"confirmed": "1"}).status_code == 302
    assert gao.post(url, {"confirmed": "1"}).status_code == 409


def undo_of(page):
    return re.search(r'name="token" value="([^"]+)"', page)[1]


def test_arrivals_are_placed_in_one_act_and_taken_back(browse, site, orders, cast):
    gao, url = browse("gao"), "/quarantine/arrivals"
    rows = [order.pk for order in orders.values()]
    preview = text(gao.post(url, {"act": "place", "row": rows}))
    assert person_code(cast.wei) in preview
    assert "演示·甲, room" in preview
    assert not Stay.objects.exists()
    page = text(gao.post(url, {"act": "place", "row": rows, "confirm": "1"}, follow=True))
    assert Stay.objects.filter(departed_at=None).count() == 3
    assert "Nobody here waits for a room" in page
    back = gao.post(url, {"act": "undo", "token": undo_of(page)}, follow=True)
    assert not Stay.objects.filter(departed_at=None).exists()
    assert "3 taken back" in text(back)
    assert person_code(cast.wei) in text(back)


def test_who_finds_no_bed_is_named_by_code(browse, site, orders, cast):
    Room.objects.exclude(number="101").delete()
    page = text(browse("gao").post("/quarantine/arrivals", {
        "act": "place", "row": [order.pk for order in orders.values()], "confirm": "1"}, follow=True))  # fmt: skip
    assert "1 done" in page
    assert page.count("no free bed") == 2


@pytest.mark.parametrize("rows", [[], ["x"], ["9" * 30]])
def test_wrong_rows_are_answered_in_words(browse, site, rows):
    assert browse("gao").post("/quarantine/arrivals", {"act": "place", "row": rows}).status_code == 400
    assert browse("gao").post("/quarantine/releases", {"act": "let-go", "row": rows}).status_code == 400


def test_releases_are_let_go_in_one_act_and_taken_back(browse, site, stay, orders, at, cast):
    gao, url = browse("gao"), "/quarantine/releases"
    assert "Nobody has to be let go today" in text(gao.get(url))
    close(orders["xia"], at)
    assert "no order binds: let go now" in text(gao.get(url))
    assert "no order binds any more" in text(gao.post(url, {"act": "let-go", "row": [stay.pk]}))
    page = text(gao.post(url, {"act": "let-go", "row": [stay.pk], "confirm": "1"}, follow=True))
    assert Stay.objects.get(pk=stay.pk).departed_at == at
    gao.post(url, {"act": "undo", "token": undo_of(page)})
    assert Stay.objects.get(pk=stay.pk).departed_at is None


def test_lists_are_filtered_and_wrong_filters_said(browse, site, stay, cast):
    gao = browse("gao")
    code = person_code(cast.xia)
    assert code in text(gao.get(
        f"/quarantine/stays/?person={code}&state=inside&arrived_from=2022-07-20&site=甲&room=101"))
    for query in ("state=left", "arrived_to=2022-07-19", "site=乙", "left_from=2022-07-01"):
        assert code not in text(gao.get(f"/quarantine/stays/?{query}")), query
    for url in ("/quarantine/stays/?state=x", "/quarantine/stays/?arrived_from=x", "/quarantine/?state=x",
                "/quarantine/stays/?person=P1", "/quarantine/?sort=share",
                f"/quarantine/{site.pk}/?state=x", "/quarantine/arrivals?kind=test",
                "/quarantine/releases?page=zzz"):  # fmt: skip
        assert gao.get(url).status_code == 400, url


def test_names_are_offered_to_those_who_may_and_export_is_a_file(browse, site, stay, orders):
    gao = browse("gao")
    assert "Open names" in text(gao.get("/quarantine/stays/"))
    assert "Open names" not in text(browse("ma").get("/quarantine/stays/"))
    told = {"act": "export", "purpose": "Beds for the duty room tonight"}
    for name, lines in (("", 1), ("arrivals", 2), ("stays/", 1), ("releases", 0)):
        file = gao.post(f"/quarantine/{name}", told)
        assert len(text(file).strip().splitlines()) == lines + 1, name
    assert browse("gao", verified=False).get("/quarantine/stays/?export=1").headers["Location"].startswith("/second")


def test_both_languages(browse, site, stay):
    for url in pages(site, stay)["view"] + pages(site, stay)["manage"]:
        answer = browse("gao", language="zh-hans").get(url)
        assert (answer.status_code, 'lang="zh-Hans"' in text(answer)) == (200, True), url


def test_queries_do_not_grow_with_rooms(browse, site, stay, orders, cast, at, django_assert_max_num_queries):
    rooms = [NewRoom(str(number)) for number in range(200, 260)]
    services.rooms_add(actor=cast.gao, site_id=site.pk, rooms=rooms, at=at)
    services.stays_arrive_bulk(
        actor=cast.gao, placements=services.placements_propose(actor=cast.gao, at=at).placements, at=at
    )
    gao = browse("gao")
    for url in pages(site, stay)["view"] + pages(site, stay)["manage"]:
        with django_assert_max_num_queries(30):
            gao.get(url)


def test_the_person_s_page_shows_the_stays_to_those_who_may(cast, at, site, stay):
    from qipan.rooms.quarantine.web.person import stays_panel

    assert [row.pk for row in stays_panel(cast.alice, cast.xia, at).rows] == [stay.pk]
    for who in ("dora", "chen", "ning"):
        assert stays_panel(cast.actors[who], cast.xia, at) is None
    assert stays_panel(cast.alice, cast.zhu, at) is None


def test_a_person_is_told_of_the_stays_that_are_held(cast, at, site, stay, orders):
    from qipan.foundation.access.holdings import held_about

    def lines():
        return next(list(held.lines) for held in held_about(cast.xia) if held.name == "stays")

    assert lines() == ["演示·甲, room 101, since 20 Jul 11:00"]
    services.arrivals_take_back(actor=cast.gao, stay_ids=[stay.pk], at=at)
    again = services.stay_arrive(
        actor=cast.gao, person_id=cast.xia, order_id=orders["xia"].pk, site_id=site.pk, at=at
    )
    services.stay_depart(actor=cast.gao, stay_id=again.pk, at=at + HOUR)
    assert lines() == [
        "演示·甲, room 101, 20 Jul 11:00: recorded by mistake and taken back",
        "演示·甲, room 101, from 20 Jul 12:00 until 20 Jul 13:00",
    ]


def test_one_departure_and_one_arrival_are_taken_back(browse, site, stay, cast, at, monkeypatch):
    gao, url = browse("gao"), f"/quarantine/stays/{stay.pk}/take-back"
    services.stay_depart(actor=cast.gao, stay_id=stay.pk, at=at)
    assert "the same bed as before" in text(gao.post(url))
    assert "Take back" in text(gao.get(f"/quarantine/stays/{stay.pk}/"))
    assert gao.post(url, {"confirmed": "1"}).status_code == 302
    assert Stay.objects.get(pk=stay.pk).departed_at is None
    monkeypatch.setenv("QIPAN_NOW", (at + HOUR).isoformat())
    assert gao.post(url, {"confirmed": "1"}).status_code == 422
    monkeypatch.setenv("QIPAN_NOW", at.isoformat())
    assert "never in this room" in text(gao.post(url))
    assert gao.post(url, {"confirmed": "1"}).status_code == 302
    assert gao.post(url, {"confirmed": "1"}).status_code == 404
