"""Pages of people, as somebody at a browser meets them: pseudonyms by area, identities by purpose."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from tests.cast import AT, COUNTY_B, GRID_A1, GRID_A2, GRID_B1, TODAY, TOWNSHIP_A1, VILLAGE_A1

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages import person_panels
from qipan.foundation.pages.columns import Column
from qipan.foundation.pages.detail_page import Action, Panel
from qipan.rooms.organizations.services import membership_grant
from qipan.rooms.persons import services
from qipan.rooms.persons.models import Person, PersonalLink
from qipan.rooms.persons.rules import Purpose
from qipan.rooms.persons.selectors import access_link, access_person, person_history, person_of_link
from qipan.rooms.persons.web.vault import open_names, purposes
from qipan.terms.errors import Absent, Denied
from qipan.terms.identity import check_character, person_code
from qipan.terms.roles import Role

pytestmark = pytest.mark.django_db

SEES = ["alice", "bob", "chen", "gao", "hu", "lin", "ning"]
SEES_NOBODY = ["eva", "fang", "ma", "qiu"]
OPENS = ["alice", "bob", "chen", "gao", "lin", "ning"]
SEARCHES = ["alice", "bob", "chen", "lin", "ning"]
REGISTERS = ["alice", "bob", "chen", "ning"]
EVERYBODY = [*SEES, *SEES_NOBODY, "dora"]


def text(answer) -> str:
    return answer.content.decode()


def page_of(person: int, act: str = "") -> str:
    return f"/people/{person_code(person)}/{act}"


def citizen(born: str = "19800203", serial: str = "001", area: str = "411202") -> str:
    body = f"{area}{born}{serial}"
    return body + check_character(body)


# --- who opens what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_address_by_role(browse, cast, name):
    client = browse(name)
    pages = {
        "/people/": [*SEES, "dora"],
        "/people/search/": [*SEARCHES, "dora"],
        "/people/add/": [*REGISTERS, "dora"],
        page_of(cast.xia): SEES,
        page_of(cast.xia, "identity/"): OPENS,
        page_of(cast.xia, "identity/record/"): REGISTERS,
        page_of(cast.xia, "move/"): REGISTERS,
        page_of(cast.xia, "purge/"): ["lin"],
        page_of(cast.xia, "link/"): OPENS,
    }
    for url, allowed in pages.items():
        assert client.get(url).status_code == (200 if name in allowed else 404), url
        if name not in allowed:
            filled = {"confirmed": "1", "purpose": "follow_up", "reason": "retention_ended", "days": "7"}
            # a page that shows takes no POST from anybody
            assert client.post(url, filled).status_code == (405 if url == page_of(cast.xia) and name == "dora" else 404)
    assert Person.objects.get(pk=cast.xia).purged_at is None


def test_another_township_and_another_county_are_absent(browse, cast):
    for name, other in (("bob", cast.zhu), ("chen", cast.zhu), ("alice", cast.tao), ("dora", cast.xia)):
        for act in ("", "identity/", "link/", "move/", "identity/record/"):
            assert browse(name).get(page_of(other, act)).status_code == 404
            assert browse(name).post(page_of(other, act), {"purpose": "follow_up", "days": "7"}).status_code != 200
    assert not AuditEntry.objects.filter(action="identity.open").exists()


def test_a_right_held_elsewhere_opens_nothing_here(browse, cast):
    """Hu sees pseudonyms of the city; as a tracer of township A1 he opens identities there and nowhere else."""
    membership_grant(actor=cast.fang, user=cast.users["hu"], unit=cast.units["LAB"], role=Role.TRACER, at=AT,
                     area=TOWNSHIP_A1, starts_on=TODAY)  # fmt: skip
    hu = browse("hu")
    for act in ("identity/", "identity/record/", "move/", "link/"):
        assert hu.get(page_of(cast.xia, act)).status_code == 200
        assert hu.get(page_of(cast.zhu, act)).status_code == 404
    assert "Open the identity" in text(hu.get(page_of(cast.xia)))
    assert "Open the identity" not in text(hu.get(page_of(cast.zhu)))


@pytest.mark.parametrize("code", ["P000000001", "P0000000010", "X", "P999999999999999999X", "1", "P٠٠٠٠٠٠٠٠١X"])
def test_a_wrong_code_finds_nobody(browse, cast, code):
    for act in ("", "identity/", "move/"):
        assert browse("lin").get(f"/people/{code}/{act}").status_code == 404


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_holds_pseudonyms_of_the_readers_area(browse, cast, django_assert_max_num_queries):
    alice = browse("alice")
    with django_assert_max_num_queries(30):
        page = text(alice.get("/people/"))
    assert person_code(cast.xia) in page
    assert person_code(cast.tao) not in page
    assert "演示·xia" not in page
    assert person_code(cast.zhu) not in text(browse("bob").get("/people/"))
    assert person_code(cast.zhu) not in text(alice.get(f"/people/?area={VILLAGE_A1}"))
    assert alice.get(f"/people/?area={COUNTY_B}").status_code == 404


def test_the_list_is_filtered(browse, cast):
    lin = browse("lin")

    def found(query: str) -> set[str]:
        return set(re.findall(r"/people/(P\w+)/", text(lin.get(f"/people/?{query}"))))

    assert found(f"code={person_code(cast.xia)}") == {person_code(cast.xia)}
    assert found("sex=female") == {person_code(cast.xia), person_code(cast.zhu)}
    assert found("born=1985") == {person_code(cast.tao)}
    assert found("born=1980-1989") == {person_code(cast.xia), person_code(cast.tao)}
    services.person_purge(actor=cast.lin, person_id=cast.wei, reason="retention_ended", at=AT)
    assert found("identity=destroyed") == {person_code(cast.wei)}
    assert person_code(cast.wei) not in found("identity=kept")


@pytest.mark.parametrize(
    "query", ["code=P0000000019", "code=17", "born=old", "born=19", "born=1980-x", "sex=x", "sort=area_path", "page=q"]
)
def test_a_wrong_filter_is_answered_in_words(browse, query):
    assert browse("lin").get(f"/people/?{query}").status_code == 400


def test_names_of_a_page_are_opened_for_a_purpose_in_one_entry(browse, cast):
    services.person_purge(actor=cast.lin, person_id=cast.wei, reason="retention_ended", at=AT)
    page = text(browse("chen").post("/people/", {"act": "names", "purpose": "follow_up"}))
    assert "演示·xia" in page
    assert "演示·yun" in page
    entry = AuditEntry.objects.get(action="identity.open")
    assert (entry.purpose, entry.detail["persons"]) == ("follow_up", [cast.xia, cast.yun])
    assert browse("chen").post("/people/", {"act": "names", "purpose": "curiosity"}).status_code == 422
    assert browse("hu").post("/people/", {"act": "names", "purpose": "testing"}).status_code == 404
    with pytest.raises(Denied):
        open_names(cast.alice, [cast.tao], "follow_up", AT)
    assert {value for value, _ in purposes()} == {each.value for each in Purpose}


# --- one person -----------------------------------------------------------------------------------------------------


def test_a_person_is_a_pseudonym_with_a_household(browse, cast, django_assert_max_num_queries):
    alice = browse("alice")
    with django_assert_max_num_queries(30):
        page = text(alice.get(page_of(cast.xia)))
    for words in (person_code(cast.xia), "1980", "female", "Lives with", person_code(cast.yun), "Open the identity"):
        assert words in page
    assert "演示·xia" not in page
    assert "Open the identity" not in text(browse("hu").get(page_of(cast.xia)))
    assert "Destroy the identity" in text(browse("lin").get(page_of(cast.xia)))
    assert "Destroy the identity" not in page


def test_rooms_show_their_panels_and_actions(browse, cast, monkeypatch):
    monkeypatch.setattr(person_panels, "_panels", {})
    monkeypatch.setattr(person_panels, "_actions", {})

    def absent(actor, person_id, *rest):
        raise Absent("not yours")

    def cases(actor, person_id, at):
        return Panel("Cases of this test", (Column(key="n", title="N"),), [{"n": f"case of {person_id}"}])

    person_panels.register("late", lambda *_: Panel("Shown last"), order=90)
    person_panels.register("cases", cases, order=30)
    person_panels.register("cases", cases, order=30)
    person_panels.register("absent", absent, order=10)
    person_panels.register("none", lambda *_: None, order=20)
    person_panels.register_actions("appeal", lambda *_: [Action("Appeal for them", "/x/")], order=10)
    person_panels.register_actions("absent", absent, order=20)
    page = text(browse("alice").get(page_of(cast.xia)))
    assert f"case of {cast.xia}" in page
    assert page.index("Cases of this test") < page.index("Shown last")
    assert "Appeal for them" in page
    with pytest.raises(ValueError, match="twice"):
        person_panels.register("cases", absent, order=30)


# --- the identity ---------------------------------------------------------------------------------------------------


def test_an_identity_is_shown_once_for_a_purpose(browse, cast):
    alice = browse("alice")
    url = page_of(cast.xia, "identity/")
    assert "演示·xia" not in text(alice.get(url))
    answer = alice.post(url, {"purpose": "contact_tracing"})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    for words in ("演示·xia", "SYN-CAST-XIA", "1980-02-03", "00012340000", "演示路0号", "tracing contacts"):
        assert words in text(answer)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.purpose, entry.subject_id) == ("identity.open", "contact_tracing", str(cast.xia))
    sessions = [repr(session.get_decoded()) for session in Session.objects.all()]
    assert not any("xia" in each for each in sessions)
    assert "演示·xia" not in text(alice.get(page_of(cast.xia)))


@pytest.mark.parametrize("purpose", ["", "curiosity", "debt", "\0"])
def test_there_is_no_other_purpose(browse, cast, purpose):
    answer = browse("alice").post(page_of(cast.xia, "identity/"), {"purpose": purpose})
    assert answer.status_code == 400
    assert "演示·xia" not in text(answer)


def test_somebody_without_identity_is_said_to_have_none(browse, cast):
    area = cast.areas[GRID_A1]
    made = services.persons_for_references(actor=cast.alice, source="s", references=["q"], area=area, at=AT)
    page = text(browse("alice").post(page_of(made["q"].id, "identity/"), {"purpose": "follow_up"}))
    assert "No identity is recorded" in page
    assert page_of(made["q"].id, "identity/record/") in page


def test_the_page_tells_who_opened_also_in_lists(browse, cast):
    services.identity_open(actor=cast.bob, person_ids=[cast.xia], purpose="follow_up", at=AT)
    services.identity_open(actor=cast.ning, person_ids=[cast.xia, cast.yun, cast.wei], purpose="medical_care", at=AT)
    services.identity_open(actor=cast.chen, person_ids=[cast.yun, cast.wei], purpose="testing", at=AT)
    services.identity_search(actor=cast.alice, by="name", text="演示·xia", purpose="appeal", at=AT)
    old = AT - timedelta(days=61)
    services.identity_open(actor=cast.gao, person_ids=[cast.xia, cast.yun], purpose="order_service", at=old)
    page = text(browse("alice").get(page_of(cast.xia)))
    for words in ("Bob", "follow-up visit", "Ning", "medical care · with 2 other people", "an appeal"):
        assert words in page
    assert "Chen" not in page
    assert "Gao" not in page  # lists are looked through for 60 days
    # whoever opens nothing is not told who did
    assert "Ning" not in text(browse("hu").get(page_of(cast.xia)))
    assert person_history(cast.hu, access_person(cast.hu, cast.xia), AT) == []
    with pytest.raises(Absent):
        access_person(cast.dora, cast.xia)
    # an id within another number is not taken for it
    assert person_history(cast.lin, access_person(cast.lin, cast.zhu), AT) == []


# --- searching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "typed"), [("name", "演示· XIA"), ("document", "syn-cast-xia"), ("phone", "000 1234 0000"),
                     ("phone", "００012340000")]
)
def test_somebody_is_found_by_exact_name_or_number(browse, cast, by, typed):
    page = text(browse("alice").post("/people/search/", {"by": by, "text": typed, "purpose": "follow_up"}))
    assert person_code(cast.xia) in page
    assert "1 person found" in page
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail["found"]) == ("identity.search", 1)
    assert typed not in json.dumps(entry.detail)


def test_nobody_of_another_county_is_found(browse, cast):
    page = text(browse("dora").post("/people/search/", {"by": "name", "text": "演示·xia", "purpose": "follow_up"}))
    assert "0 people found" in page
    assert person_code(cast.xia) not in page


@pytest.mark.parametrize(
    ("field", "value"), [("by", "face"), ("text", ""), ("text", "x" * 200), ("purpose", "gossip"), ("text", "\0")]
)
def test_a_wrong_search_is_answered_in_words(browse, cast, field, value):
    filled = {"by": "name", "text": "演示·xia", "purpose": "follow_up"} | {field: value}
    assert browse("alice").post("/people/search/", filled).status_code == 400
    assert not AuditEntry.objects.exists()


# --- registering ----------------------------------------------------------------------------------------------------


NEW = {
    "name": "李雷", "document_kind": "id", "document_number": citizen(), "birth_date": "", "sex": "unknown",
    "phone": "13800138000", "area": GRID_A1, "address": "演示路1号",
}  # fmt: skip


def test_somebody_is_registered(browse, cast):
    chen = browse("chen")
    answer = chen.post("/people/add/", NEW)
    made = Person.objects.latest("pk")
    assert answer["Location"] == page_of(made.pk)
    assert (made.birth_year, made.sex, made.area_path) == (1980, "male", cast.path(GRID_A1))
    assert "李雷" not in answer["Location"]
    wide = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
    assert chen.post("/people/add/", NEW | {"document_number": citizen().translate(wide)}).status_code == 400
    again = chen.post("/people/add/", NEW)
    assert again.status_code == 400
    assert "A person with this document is registered already." in text(again)
    assert "Row 1" not in text(again)
    # by the name of the place, with a passport, without a document
    assert chen.post("/people/add/", NEW | {"area": "演示·网格02", "document_kind": "passport",
                                            "document_number": "E12345678"}).status_code == 302  # fmt: skip
    assert chen.post("/people/add/", NEW | {"document_kind": "none", "document_number": ""}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("document_number", "41120219800203001", "18 digits"),
        ("document_number", citizen(area="000000"), "region"),
        ("document_number", citizen(born="19801332"), "birth date in this identity number"),
        ("document_number", citizen()[:-1] + ("0" if citizen()[-1] != "0" else "1"), "check digit"),
        ("birth_date", "1981-01-01", "not that of the identity number"),
        ("sex", "female", "not that of the identity number"),
        ("phone", "12", "not a phone number"),
        ("area", GRID_B1, "There is no area"),
        ("area", "410000", "There is no area"),
        ("document_kind", "synthetic", "Select a valid choice"),
        ("name", "", "has a name"),
        ("name", "演示·李雷", "Synthetic people"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(browse, cast, field, value, said):
    answer = browse("chen").post("/people/add/", NEW | {field: value})
    assert answer.status_code == 400
    page = text(answer)
    assert f'id="id_{field}_error"' in page
    assert said in html.unescape(page)
    assert "演示路1号" in page  # nothing typed is lost
    assert Person.objects.count() == 5


def test_all_that_is_wrong_is_said_at_once(browse, cast):
    page = text(browse("chen").post("/people/add/", NEW | {"area": "nowhere", "document_number": "1"}))
    assert 'id="id_area_error"' in page
    assert 'id="id_document_number_error"' in page


def test_an_identity_is_recorded_after_a_warning(browse, cast):
    url = page_of(cast.wei, "identity/record/")
    alice = browse("alice")
    assert "演示·wei" not in text(alice.get(url))
    filled = {name: value for name, value in NEW.items() if name != "area"}
    assert "Before you confirm" in text(alice.post(url, filled))
    assert alice.post(url, filled | {"confirmed": "1"}).status_code == 302
    opened = services.identity_open(actor=cast.alice, person_ids=[cast.wei], purpose="follow_up", at=AT)
    assert opened[cast.wei].name == "李雷"
    # the document is another's now
    assert alice.post(page_of(cast.zhu, "identity/record/"), filled | {"confirmed": "1"}).status_code == 409


# --- moving, destroying ---------------------------------------------------------------------------------------------


def test_who_moves_is_seen_by_the_new_place_at_once(browse, cast):
    bob, url = browse("bob"), page_of(cast.xia, "move/")
    assert "Before you confirm" in text(bob.post(url, {"area": GRID_B1}))
    answer = bob.post(url, {"area": GRID_B1, "confirmed": "1"}, follow=True)
    assert "no longer" in text(answer) or "not yours" in text(answer)
    assert bob.get(page_of(cast.xia)).status_code == 404
    assert browse("dora").get(page_of(cast.xia)).status_code == 200
    assert "moved to another area" in text(browse("dora").get(page_of(cast.xia)))
    assert bob.post(page_of(cast.wei, "move/"), {"area": "410000", "confirmed": "1"}).status_code == 302
    assert bob.post(page_of(cast.yun, "move/"), {"area": "nowhere", "confirmed": "1"}).status_code == 400
    assert bob.post(page_of(cast.zhu, "move/"), {"area": GRID_A1, "confirmed": "1"}).status_code == 404


def test_an_identity_is_destroyed_by_the_privacy_officer_behind_the_second_factor(browse, cast):
    url = page_of(cast.xia, "purge/")
    asked = browse("lin", verified=False).get(url)
    assert asked["Location"].startswith("/second-factor")
    lin = browse("lin")
    warned = text(lin.post(url, {"reason": "retention_ended"}))
    assert "Nobody can bring them back" in warned
    assert Person.objects.get(pk=cast.xia).purged_at is None
    assert lin.post(url, {"reason": "bored", "confirmed": "1"}).status_code == 400
    assert lin.post(url, {"reason": "retention_ended", "confirmed": "1"}).status_code == 302
    page = text(lin.get(page_of(cast.xia)))
    assert "identity destroyed" in page
    assert "Open the identity" not in page
    for act in ("identity/", "identity/record/", "move/", "link/", "purge/"):
        assert lin.get(page_of(cast.xia, act)).status_code == 404


# --- personal links -------------------------------------------------------------------------------------------------


def test_a_link_is_shown_once_with_its_picture_and_taken_back(browse, cast):
    chen, url = browse("chen"), page_of(cast.xia, "link/")
    answer = chen.post(url, {"days": "30"})
    page = text(answer)
    assert answer["Cache-Control"] == "no-store"
    link = re.search(r'class="link-once" href="([^"]+)"', page).group(1)
    token = link.rstrip("/").rpartition("/")[2]
    assert person_of_link(token, AT + timedelta(days=29)) == cast.xia
    assert "<svg" in page
    assert "style=" not in page
    kept = [repr(session.get_decoded()) for session in Session.objects.all()]
    kept += [repr(vars(entry)) for entry in AuditEntry.objects.all()]
    assert not any(token in each for each in kept)
    made = PersonalLink.objects.get()
    shown = text(chen.get(page_of(cast.xia)))
    assert f"/people/links/{made.pk}/revoke/" in shown
    assert token not in shown
    revoke = f"/people/links/{made.pk}/revoke/"
    for name in ("dora", "hu", "ma", "fang"):
        assert browse(name).get(revoke).status_code == 404
        assert browse(name).post(revoke, {"confirmed": "1"}).status_code == 404
    with pytest.raises(Absent):
        access_link(cast.dora, made.pk)
    assert "Before you confirm" in text(chen.post(revoke, {}))
    assert chen.post(revoke, {"confirmed": "1"}).status_code == 302
    with pytest.raises(Absent):
        person_of_link(token, AT)
    assert "taken back" in text(chen.get(page_of(cast.xia)))
    assert chen.post(revoke, {"confirmed": "1"}).status_code == 400
    assert chen.get("/people/links/999999/revoke/").status_code == 404
    assert chen.post(url, {"days": "365"}).status_code == 400


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_speaks_both_languages(browse, cast, language):
    lin, chen = browse("lin", language=language), browse("chen", language=language)
    for client, url in (
        (lin, "/people/"), (lin, "/people/search/"), (chen, "/people/add/"), (lin, page_of(cast.xia)),
        (lin, page_of(cast.xia, "identity/")), (lin, page_of(cast.xia, "purge/")), (lin, page_of(cast.xia, "link/")),
        (chen, page_of(cast.xia, "move/")), (chen, page_of(cast.zhu, "move/")),
    ):  # fmt: skip
        answer = client.get(url)
        assert answer.status_code == (404 if client is chen and page_of(cast.zhu) in url else 200)
        assert answer["Content-Language"] == ("zh-Hans" if language == "zh-hans" else "en")


def test_a_person_of_the_other_township_by_area(browse, cast):
    assert browse("bob").get(page_of(cast.zhu)).status_code == 404
    assert Person.objects.get(pk=cast.zhu).area_path == cast.path(GRID_A2)
