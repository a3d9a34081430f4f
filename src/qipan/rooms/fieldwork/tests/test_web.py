"""The doors of today, visits from a phone, the area's work, as somebody at a browser meets them."""

import json
import re
from datetime import timedelta

import pytest
from tests.cast import COUNTY_A, COUNTY_B, GRID_A1, TODAY
from tests.orders import order_of

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.fieldwork import selectors, services
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.services import NewVisit
from qipan.terms.evidence import FollowUpOutcome, OrderKind
from qipan.terms.identity import person_code

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("undecided")]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOME = OrderKind.QUARANTINE_HOME


@pytest.fixture
def orders(cast, at):
    return {
        "xia": order_of(cast.xia, HOME, at=at - 2 * DAY, test_days=[TODAY - DAY]),
        "yun": order_of(cast.yun, OrderKind.MONITOR_HOME, at=at - 3 * HOUR),
        "wei": order_of(cast.wei, OrderKind.TEST, at=at - HOUR, test_days=[TODAY]),
        "zhu": order_of(cast.zhu, HOME, at=at - HOUR),
    }


@pytest.fixture
def visit(cast, at, orders):
    return services.visit_record(
        actor=cast.chen, order_id=orders["yun"].pk, due_on=TODAY, outcome=FollowUpOutcome.REFUSED,
        client_key="first-visit", visited_at=at - HOUR, now=at - HOUR,
    )  # fmt: skip


def text(answer):
    return answer.content.decode()


def sent(order, **changes):
    return {"key": "phone-0001", "order": order.pk, "outcome": "well", "visited_at": "2022-07-20T11:30",
            "temperature": "36.6", "symptoms": []} | changes  # fmt: skip


def send(client, *visits):
    return client.post("/field/send", json.dumps(visits), content_type="application/json")


VIEWERS = {"alice", "chen", "dora", "qiu"}


@pytest.mark.parametrize(
    "who", ["alice", "bob", "chen", "dora", "eva", "fang", "gao", "hu", "lin", "ma", "ning", "qiu"]
)
def test_who_opens_what(browse, orders, visit, who):
    client = browse(who)
    for url in ("/field/areas/", "/field/tasks/", "/field/visits/"):
        assert client.get(url).status_code == (200 if who in VIEWERS else 404), url
    assert client.get(f"/field/visits/{visit.pk}/").status_code == (200 if who in VIEWERS - {"dora"} else 404)
    # the list is the grid worker's; others who see visits get the area's work
    doors = client.get("/field/")
    assert doors.status_code == (200 if who == "chen" else 302 if who in VIEWERS else 404)
    if doors.status_code == 302:
        assert doors.headers["Location"].startswith("/field/areas/")
    record = f"/field/record/{orders['xia'].pk}?outcome=well"
    assert client.get(record).status_code == (200 if who == "chen" else 404)
    if who != "chen":
        assert client.post(record, {"outcome": "well"}).status_code == 404
        assert send(client, sent(orders["xia"])).status_code == 404
        assert client.post("/field/", {"purpose": "follow_up"}).status_code == 404
        assert Visit.objects.count() == 1
    if who == "dora":
        assert person_code(orders["xia"].person_id) not in text(client.get("/field/tasks/"))
        assert client.get(f"/field/tasks/?area={COUNTY_A}").status_code == 404


def test_the_cards_say_what_to_do_by_code_in_walking_order(browse, orders, cast):
    page = text(browse("chen").get("/field/"))
    codes = re.findall(r'data-code="(P\d+[\dX])"', page)
    assert codes == [person_code(person) for person in (cast.xia, cast.yun, cast.wei)]
    assert "One household: 2 persons" in page
    assert "missed since 18 Jul" in page
    assert "Take the sample" in page
    assert person_code(cast.zhu) not in page
    assert not any(secret in page for secret in ("演示·xia", "演示路", "0001234"))
    # a sample alone has no door to report of
    assert page.count('class="outcome outcome-well"') == 2


def test_what_an_outcome_leads_to_is_said_before(browse, orders, at, monkeypatch):
    page = text(browse("chen").get("/field/"))
    assert "The door stays on your list: try again later today." in page
    assert "The supervisor takes over" in page
    monkeypatch.setenv("QIPAN_NOW", (at + 6 * HOUR).isoformat())
    late = text(browse("chen").get("/field/"))
    assert "try again later today" not in late
    assert "Somebody comes again tomorrow." in late


def test_names_and_doors_are_opened_for_the_whole_list_in_one_entry(browse, orders, cast):
    chen = browse("chen")
    page = text(chen.post("/field/", {"purpose": "follow_up"}))
    for secret in ("演示·xia", "演示·yun", "演示·wei", "演示路0号", "tel:00012340000"):
        assert secret in page
    assert "演示·zhu" not in page
    entry = AuditEntry.objects.get(action="identity.open")
    assert (entry.purpose, entry.detail["persons"]) == ("follow_up", sorted([cast.xia, cast.yun, cast.wei]))
    assert "演示·xia" not in text(chen.get("/field/"))
    assert chen.post("/field/", {"purpose": "order_service"}).headers["Cache-Control"] == "no-store"
    for purpose in ("", "curiosity", "case_investigation"):
        assert chen.post("/field/", {"purpose": purpose}).status_code == 400


def test_an_empty_list_says_why(browse):
    assert "Nothing is due at your doors today" in text(browse("chen").get("/field/"))


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


def test_a_visit_by_the_form_is_one_however_often_it_is_sent(browse, orders, cast):
    chen, url = browse("chen"), f"/field/record/{orders['xia'].pk}?outcome=well"
    page = text(chen.get(url))
    data = {"client_key": hidden(page, "client_key"), "outcome": "well", "visited_at": "2022-07-20T11:59",
            "temperature": "36.6"}  # fmt: skip
    assert 'value="2022-07-20T12:00"' in page
    assert hidden(text(chen.get(url)), "client_key") != data["client_key"]
    for _ in range(2):
        assert chen.post(url, data).headers["Location"].startswith("/field/?")
    stored = Visit.objects.get()
    assert (stored.person_id, stored.outcome, stored.visited_at.isoformat()) == (
        cast.xia, "well", "2022-07-20T03:59:00+00:00",
    )  # fmt: skip
    assert person_code(cast.xia) in text(chen.get("/field/"))  # said above the list
    assert chen.post(url, data | {"outcome": "refused"}).status_code == 409


@pytest.mark.parametrize(
    ("outcome", "changes", "said"),
    [
        ("well", {"visited_at": "2022-07-20T12:30"}, "cannot lie in the future"),
        ("well", {"visited_at": "yesterday"}, "When"),
        ("well", {"visited_at": "0001-01-01T00:00"}, "not in force"),
        ("well", {"visited_at": "9999-12-31T23:59"}, "future"),
        ("well", {"temperature": "54"}, "Temperature"),
        ("well", {"temperature": "nan"}, "Temperature"),
        ("symptomatic", {}, "Say which symptoms."),
        ("symptomatic", {"symptoms": ["plague"]}, "Symptoms"),
        ("well", {"client_key": ""}, "Key of the visit"),
        ("", {"outcome": "dead"}, "What happened"),
    ],
)
def test_a_wrong_visit_is_said_in_words(browse, orders, outcome, changes, said):
    url = f"/field/record/{orders['xia'].pk}?outcome={outcome}"
    data = {"client_key": "k" * 20, "outcome": outcome, "visited_at": "2022-07-20T11:00"} | changes
    answer = browse("chen").post(url, data)
    assert (answer.status_code, said in text(answer)) == (400, True)
    assert not Visit.objects.exists()


def test_wrong_addresses_of_a_visit(browse, orders):
    chen = browse("chen")
    assert chen.get(f"/field/record/{orders['xia'].pk}?outcome=dead").status_code == 400
    assert chen.get(f"/field/record/{orders['wei'].pk}").status_code == 422
    for pk in (orders["zhu"].pk, 4711, 10**30):
        assert chen.get(f"/field/record/{pk}").status_code == 404


def test_a_phone_sends_what_it_kept_and_each_visit_is_answered(browse, orders, cast):
    chen = browse("chen")
    away = sent(orders["yun"], key="phone-0002", outcome="not_found", temperature=None)
    late = sent(orders["xia"], key="phone-0003", visited_at="2022-07-20T13:00")
    answer = send(chen, sent(orders["xia"]), away, late, sent(orders["zhu"], key="phone-0004"))
    told = answer.json()["visits"]
    assert answer.status_code == 200
    assert told["phone-0001"]["state"] == "recorded"
    assert told["phone-0002"] == {"state": "recorded", "text": "Try again later today.", "again": "today"}
    assert (told["phone-0003"]["state"], "future" in told["phone-0003"]["text"]) == ("refused", True)
    assert told["phone-0004"] == {"state": "refused", "text": "Not found, or not yours to see."}
    again = send(chen, sent(orders["xia"]), away).json()["visits"]
    assert [again[key]["state"] for key in ("phone-0001", "phone-0002")] == ["known", "known"]
    assert Visit.objects.count() == 2
    assert "Save the visit" not in text(chen.get("/field/visits/"))


@pytest.mark.parametrize(
    "change",
    [{"order": "1"}, {"order": True}, {"order": 2**80}, {"order": None}, {"outcome": "dead"}, {"visited_at": "x"},
     {"visited_at": None}, {"visited_at": "0001-01-01T00:00:00-14:00"}, {"temperature": "warm"}, {"symptoms": "fever"},
     {"symptoms": ["plague"]}, {"key": "x"}, {"key": 7}, {"key": "phone\u0000001"}, {"temperature": [1]}],
)  # fmt: skip
def test_one_visit_that_cannot_be_read_holds_up_no_other(browse, orders, change):
    answer = send(browse("chen"), sent(orders["xia"], key="phone-0009"), sent(orders["yun"]) | change)
    states = sorted(each["state"] for each in answer.json()["visits"].values())
    assert states == ["recorded", "refused"]


@pytest.mark.parametrize("body", ["", "{}", "x", "[" * 100_000, json.dumps([{}] * 201), "\0"])
def test_what_is_no_list_of_visits_is_refused(browse, orders, body):
    assert browse("chen").post("/field/send", body, content_type="application/json").status_code == 400


def test_rows_that_are_no_visits_at_all(browse, orders):
    answer = send(browse("chen"), 7, None, [], {})
    assert [each["state"] for each in answer.json()["visits"].values()] == ["refused"]


def test_the_queue_of_the_phone_needs_the_page_s_token(browse, orders):
    from django.test import Client

    chen = browse("chen")
    strict = Client(enforce_csrf_checks=True, **{"wsgi.url_scheme": "https"})
    strict.cookies = chen.cookies
    assert send(strict, sent(orders["xia"])).status_code == 400
    token = hidden(text(strict.get("/field/")), "csrfmiddlewaretoken")
    answer = strict.post("/field/send", json.dumps([sent(orders["xia"])]), content_type="application/json",
                         headers={"X-CSRFToken": token, "Referer": "https://testserver/field/"})  # fmt: skip
    assert answer.status_code == 200


def test_the_area_s_work_by_cell_and_the_list_behind_it(browse, orders, visit, cast):
    qiu = browse("qiu")
    (line,) = [cell for cell in selectors.work_by_cell(cast.qiu, TODAY) if cell.area_code == GRID_A1]
    assert (line.due, line.done, line.overdue, line.tried, line.to_supervisor) == (2, 0, 2, 1, 1)
    assert selectors.work_by_cell(cast.dora, TODAY) == []
    page = text(qiu.get("/field/areas/"))
    assert f"/field/areas/{GRID_A1}/" in page
    behind = qiu.get(f"/field/areas/{GRID_A1}/", follow=True)
    assert person_code(cast.yun) in text(behind)
    assert person_code(cast.zhu) not in text(behind)
    assert browse("dora").get(f"/field/areas/{GRID_A1}/", follow=True).status_code == 404
    assert person_code(cast.yun) in text(qiu.get("/field/tasks/?state=tried"))
    assert person_code(cast.yun) not in text(qiu.get("/field/tasks/?state=overdue&task=visit"))


def test_visits_are_listed_filtered_and_opened(browse, orders, visit, cast):
    qiu = browse("qiu")
    code = person_code(cast.yun)
    assert code in text(qiu.get(
        f"/field/visits/?person={code}&outcome=refused&passed_to=supervisor&due_on_from=2022-07-20"))
    assert code not in text(qiu.get("/field/visits/?outcome=well"))
    page = text(qiu.get(f"/field/visits/{visit.pk}/"))
    assert "refused" in page
    assert "to the supervisor" in page
    assert qiu.get("/field/visits/4711/").status_code == 404
    for url in ("visits/?outcome=x", "visits/?due_on_from=x", "tasks/?state=x", "areas/?sort=x", "visits/?page=x",
                "visits/?person=x"):  # fmt: skip
        assert qiu.get(f"/field/{url}").status_code == 400, url


def test_lists_leave_as_files(browse, orders, visit):
    told = {"act": "export", "purpose": "Doors for the shift of tonight"}
    for name, rows in (("visits", 1), ("tasks", 5), ("areas", 3)):
        file = browse("qiu").post(f"/field/{name}/", told)
        assert len(text(file).strip().splitlines()) == rows + 1, name
    assert browse("chen").post("/field/visits/", told).status_code == 404


def test_both_languages(browse, orders, visit):
    chen = browse("chen", language="zh-hans")
    for url in ("/field/", "/field/areas/", "/field/tasks/", "/field/visits/", f"/field/visits/{visit.pk}/",
                f"/field/record/{orders['xia'].pk}?outcome=symptomatic"):  # fmt: skip
        answer = chen.get(url)
        assert (answer.status_code, 'lang="zh-Hans"' in text(answer)) == (200, True), url


def test_queries_do_not_grow_with_doors(browse, cast, at, django_assert_max_num_queries):
    from qipan.rooms.persons.models import Person

    area = cast.areas[GRID_A1]
    people = [Person.objects.create(area_id=area.id, area_path=area.path, registered_at=at) for _ in range(40)]
    made = [order_of(person.pk, HOME, at=at - DAY) for person in people]
    visits = [
        NewVisit(f"bulk-{order.pk}", order.pk, TODAY, FollowUpOutcome.NOT_FOUND, at - HOUR) for order in made
    ]
    services.visits_record_bulk(actor=cast.chen, now=at, visits=visits)
    chen = browse("chen")
    for url in ("/field/", "/field/areas/", "/field/tasks/", "/field/visits/",
                f"/field/record/{made[0].pk}?outcome=well"):  # fmt: skip
        with django_assert_max_num_queries(30):
            assert chen.get(url).status_code == 200
    with django_assert_max_num_queries(30):
        chen.post("/field/", {"purpose": "follow_up"})


def test_another_county_is_absent(browse, orders):
    assert browse("chen").get(f"/field/?area={COUNTY_B}").status_code == 404


def test_the_person_s_page_shows_the_visits_to_those_who_may(cast, at, orders, visit):
    from qipan.rooms.fieldwork.web.person import visit_actions, visits_panel

    assert [row.pk for row in visits_panel(cast.alice, cast.yun, at).rows] == [visit.pk]
    assert [str(action.url) for action in visit_actions(cast.chen, cast.xia, cast.path(GRID_A1), at)] == [
        f"/field/record/{orders['xia'].pk}"
    ]
    for who in ("dora", "gao", "ning"):
        assert visits_panel(cast.actors[who], cast.yun, at) is None
        assert visit_actions(cast.actors[who], cast.yun, cast.path(GRID_A1), at) == ()
    # under an order to test alone nobody is visited; in the next village it is not this worker's business
    assert selectors.visit_order(cast.chen, cast.wei, at) is None
    assert selectors.visit_order(cast.chen, cast.zhu, at) is None


def test_a_person_is_told_of_the_visits_that_are_held(cast, visit):
    from qipan.foundation.access.holdings import held_about

    (held,) = [each for each in held_about(cast.yun) if each.name == "visits"]
    assert list(held.lines) == ["20 Jul 11:00: refused"]
