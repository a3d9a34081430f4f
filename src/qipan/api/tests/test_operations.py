"""What the operations do, through the same services as the pages."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.cast import COUNTY_A, GRID_A1, VILLAGE_A1

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.diseases.services import rulebook_publish
from qipan.rooms.investigation.models import Case
from qipan.rooms.quarantine import services as quarantine
from qipan.rooms.quarantine.services import NewRoom
from qipan.rulebooks.loader import book_text
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Grant, Role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def book(cast, at):
    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    return rulebook_publish(actor=root, text=book_text("covid19-cn-9"), area_path="/", at=at - 24 * HOUR)


def fact(cast, at, **more):
    return {
        "person": person_code(cast.xia), "kind": "diagnosis", "at": (at - HOUR).isoformat(),
        "value": {"classification": "confirmed"}, "source": "hospital", **more,
    }  # fmt: skip


@pytest.mark.usefixtures("book")
def test_a_fact_decides_at_once(call, cast, at):
    ning = call("ning")
    answer = ning.post("/evidence", fact(cast, at))
    assert answer.status_code == 201
    assert answer.json()["opened"] == {"isolate": 1}
    decision = ning.get(f"/people/{person_code(cast.xia)}/decision").json()
    assert decision["code"] == "red"
    assert decision["reasons"][0]["evidence"] == [str(answer.json()["evidence"])]
    orders = ning.get("/orders?kind=isolate").json()["items"]
    assert [order["person"] for order in orders] == [person_code(cast.xia)]
    assert call("dora").get("/orders").json()["items"] == []
    assert call("dora").get(f"/orders/{orders[0]['id']}").status_code == 404
    evidence = ning.get(f"/people/{person_code(cast.xia)}/evidence").json()["items"]
    assert [each["kind"] for each in evidence] == ["diagnosis"]


@pytest.mark.usefixtures("book")
def test_a_request_that_comes_again_is_done_once(call, cast, at):
    ning = call("ning")
    first = ning.post("/evidence", fact(cast, at), Idempotency_Key="a1")
    again = ning.post("/evidence", fact(cast, at), Idempotency_Key="a1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert Evidence.objects.count() == 1
    assert Order.objects.count() == 1
    other = ning.post("/evidence", fact(cast, at, source="clinic"), Idempotency_Key="a1")
    assert other.status_code == 409
    assert ning.post("/evidence", fact(cast, at), Idempotency_Key="x" * 81).status_code == 400
    # another caller's key is another key
    assert call("alice").post("/evidence", fact(cast, at), Idempotency_Key="a1").status_code == 201


def test_what_failed_is_not_remembered(call, cast, at):
    ning = call("ning")
    assert ning.post("/evidence", fact(cast, at, value={}), Idempotency_Key="b").status_code == 400
    assert ning.post("/evidence", fact(cast, at), Idempotency_Key="b").status_code == 201


def test_a_denial_under_a_key_stays_in_the_log(call, cast, at):
    answer = call("dora").post("/evidence", fact(cast, at), Idempotency_Key="c")
    assert answer.status_code == 404
    assert AuditEntry.objects.filter(action="denied", actor_label="dora").count() == 1
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [({"person": "P1"}, 400), ({"at": "2022-07-20T03:00:00"}, 400), ({"kind": "colour"}, 422), ({"value": []}, 422),
     ({"kind": "exemption", "value": {"order_kind": "isolate", "until": "2022-08-01"}}, 422),
     ({"at": "2022-07-21T03:00:00Z"}, 400), ({"source": "a\0b"}, 400), ({"identity": "\0"}, 400),
     ({"linked_person": "P0"}, 400)],
)  # fmt: skip
def test_a_fact_that_cannot_be_is_refused_in_words(call, cast, at, change, status):
    answer = call("ning").post("/evidence", {**fact(cast, at), **change})
    assert answer.status_code == status
    assert answer.json()["error"]
    assert not Evidence.objects.exists()


@pytest.mark.usefixtures("book")
def test_a_case_is_entered_confirmed_and_discarded(call, cast):
    alice = call("alice")
    made = alice.post("/cases", {"person": person_code(cast.xia), "case_id": "A-1", "classification": "suspected"})
    assert made.status_code == 201
    case = made.json()
    assert alice.post(f"/cases/{case['id']}/confirm", {}, If_Match="wrong").status_code == 409
    confirmed = alice.post(f"/cases/{case['id']}/confirm", {}, If_Match=case["version"])
    assert confirmed.json()["classification"] == "confirmed"
    assert confirmed.json()["version"] != case["version"]
    # the one who read it before is told that somebody was first
    assert alice.post(f"/cases/{case['id']}/discard", {"reason": "test"}, If_Match=case["version"]).status_code == 409
    assert alice.post(f"/cases/{case['id']}/confirm", {}).status_code == 422
    contact = alice.post(
        f"/cases/{case['id']}/contacts",
        {"person": person_code(cast.wei), "first_exposure": "2022-07-18", "last_exposure": "2022-07-19"},
    )
    assert contact.status_code == 201
    assert len(alice.get(f"/cases/{case['id']}/contacts").json()["items"]) == 1
    assert len(alice.get(f"/contacts?area={VILLAGE_A1}").json()["items"]) == 1
    assert alice.post(f"/cases/{case['id']}/discard", {"reason": "a mixed-up tube"}).status_code == 200
    assert call("dora").get(f"/cases/{case['id']}").status_code == 404
    assert call("dora").post(f"/cases/{case['id']}/confirm", {}).status_code == 404


def test_lists_page_by_cursor(call, cast, at):
    for n in range(5):
        Case.objects.create(
            source="t", case_id=str(n), person_id=cast.xia, area_id=cast.areas[GRID_A1].id,
            area_path=cast.path(GRID_A1), disease="covid19", classification="confirmed", recorded_at=at,
            evidence_key=bytes([n]) * 16,
        )  # fmt: skip
    alice = call("alice")
    seen, marker = [], ""
    while True:
        page = alice.get(f"/cases?limit=2&cursor={marker}").json()
        seen += [case["case_id"] for case in page["items"]]
        marker = page["next"]
        if not marker:
            break
    assert seen == ["0", "1", "2", "3", "4"]
    assert alice.get("/cases?cursor=nonsense").status_code == 400
    assert alice.get("/cases?limit=0").status_code == 422


@pytest.mark.usefixtures("book")
def test_somebody_arrives_and_leaves(call, cast, at):
    site = quarantine.site_open(actor=cast.gao, name="Hotel", area_code=COUNTY_A, at=at - HOUR)
    quarantine.rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom("1")], at=at - HOUR)
    call("ning").post("/evidence", fact(cast, at))
    order = Order.objects.get()
    gao = call("gao")
    arrival = {"person": person_code(cast.xia), "order": order.pk, "site": site.pk}
    made = gao.post("/stays", arrival, Idempotency_Key="stay")
    assert made.status_code == 201
    assert gao.post("/stays", arrival, Idempotency_Key="stay").json() == made.json()
    assert gao.post("/stays", arrival).status_code == 422
    stay = made.json()
    assert [each["id"] for each in gao.get("/stays").json()["items"]] == [stay["id"]]
    assert gao.post(f"/stays/{stay['id']}/depart", None, If_Match="old").status_code == 409
    assert gao.post(f"/stays/{stay['id']}/depart", None, If_Match=stay["version"]).status_code == 200
    assert gao.get("/stays").json()["items"] == []
    assert call("alice").post("/stays", arrival).status_code == 404


def test_a_file_is_taken_in_with_its_totals(call):
    fang = call("fang")
    header = "code,level,parent,name_zh,name_en,population\n"
    text = f"{header}411202003,township,411202,某镇,Some Town,\n4112,county,411200,x,,\n"
    answer = fang.upload("/batches", kind="areas", source="nbs", file=SimpleUploadedFile("areas.csv", text.encode()))
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["declared"], told["accepted"], told["rejected"], told["duplicate"]) == (2, 1, 1, 0)
    assert told["rejects"][0]["row"] == 3
    assert fang.get(f"/batches/{told['batch']}").json()["file_name"] == "areas.csv"
    assert fang.get(f"/batches/{told['batch']}/rejects").json() == told["rejects"]
    wrong = fang.upload("/batches", kind="areas", source="nbs", file=SimpleUploadedFile("a.pdf", b"%PDF-1.7"))
    assert wrong.status_code == 400
    denied = call("chen").upload("/batches", kind="areas", source="n", file=SimpleUploadedFile("a.csv", b"x"))
    assert denied.status_code == 404


def test_indicators_are_listed(call):
    ma = call("ma")
    assert len(ma.get("/indicators").json()) >= 12
    assert ma.get("/indicators/testing.positive").json() == {"items": [], "next": ""}
    assert ma.get("/indicators/weather").status_code == 404


def test_errors_speak_the_readers_language(call):
    answer = call("alice").get("/people/nobody", Accept_Language="zh-CN")
    assert answer.json()["error"] == "未找到，或您无权查看。"


def test_the_schema_says_who_may_and_what_comes(client):
    schema = client.get("/api/v1/openapi.json", secure=True).json()
    operations = [op for path in schema["paths"].values() for op in path.values()]
    assert len(operations) >= 23
    assert all(op["security"] == [{"TokenAuth": []}] for op in operations)
    assert all({"400", "401", "404", "409", "422"} <= set(op["responses"]) for op in operations)


def test_the_page_about_the_api_is_ours_and_names_every_operation(client):
    schema = client.get("/api/v1/openapi.json", secure=True).json()
    page = client.get("/api/v1/docs", secure=True, headers={"Accept-Language": "en"})
    text = page.content.decode()
    for path, methods in schema["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert "https://" not in text
    assert '&quot;confirmed&quot;' in text  # what may be said is said


def test_no_operation_takes_a_colour(client):
    schema = client.get("/api/v1/openapi.json", secure=True).json()
    bodies = {name: each for name, each in schema["components"]["schemas"].items() if name.endswith("In")}
    assert len(bodies) >= 6
    assert not [name for name, body in bodies.items() if {"code", "colour", "color"} & set(body["properties"])]
