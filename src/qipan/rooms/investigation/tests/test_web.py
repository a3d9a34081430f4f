"""Pages of cases, contacts and chains, as somebody at a browser meets them."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.cast import AT, COUNTY_A, COUNTY_B, GRID_A1, GRID_A1_2

from qipan.foundation.access.holdings import held_about
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages import person_panels
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.selectors import (
    bound_by_case,
    case_contacts_count,
    cases_of_person,
    chain_around,
    contacts_of_person,
    epidemic_curve,
    held_cases,
    held_exposures,
    kept_apart,
    line_list,
    linked_cases,
)
from qipan.rooms.investigation.services import case_add, case_confirm, contact_add
from qipan.rooms.persons.models import Person
from qipan.terms.errors import Absent, BadInput, Conflict, Denied
from qipan.terms.evidence import Classification
from qipan.terms.identity import person_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client
    from tests.cast import Cast

    Browse = Callable[..., Client]

pytestmark = pytest.mark.django_db

VIEWERS = ("alice", "ning")
STRANGERS = ("chen", "eva", "fang", "gao", "hu", "lin", "ma", "qiu")


@pytest.fixture
def make_case(cast: Cast, at: datetime) -> Callable[..., Case]:
    def make(name: str, person_id: int, area: str = GRID_A1, **fields: object) -> Case:
        ref = areas_by_code([area])[area]
        values = {
            "source": "cdc", "disease": "covid19", "classification": "confirmed", "report_date": date(2022, 7, 19),
            "recorded_at": at - timedelta(hours=1), "evidence_key": name.encode().ljust(16, b"."), **fields,
        }  # fmt: skip
        return Case.objects.create(case_id=name, person_id=person_id, area_id=ref.id, area_path=ref.path, **values)

    return make


@pytest.fixture
def outbreak(cast: Cast, make_case: Callable[..., Case], at: datetime) -> dict[str, Case]:
    """Xia infected Wei and Zhu; Wei is known by the contact, Zhu named her source. Tao, in B, is alone."""
    xia = make_case("c-xia", cast.xia, onset_date=date(2022, 7, 12), report_date=date(2022, 7, 13))
    wei = make_case("c-wei", cast.wei, onset_date=date(2022, 7, 16))
    zhu = make_case("c-zhu", cast.zhu, "411202002001-01", classification="asymptomatic", source_case_id="c-xia")
    tao = make_case("c-tao", cast.tao, "411203100201-01", onset_date=date(2022, 7, 15))
    Contact.objects.create(
        source="cdc", from_case=xia, person_id=cast.wei, contact_class="close", last_exposure=date(2022, 7, 13),
        setting="household", recorded_at=at - timedelta(hours=1),
    )  # fmt: skip
    return {"xia": xia, "wei": wei, "zhu": zhu, "tao": tao}


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def rows_of(page: str) -> int:
    return page.count("data-href=")


# ---------------------------------------------------------------------- who may


@pytest.mark.parametrize("url", ["/cases/", "/contacts/", "/chains/"])
def test_lists_open_to_those_who_see_cases_and_to_nobody_else(browse: Browse, outbreak: object, url: str) -> None:
    for name in (*VIEWERS, "bob", "dora"):
        assert browse(name).get(url).status_code == 200, name
    for name in STRANGERS:
        assert browse(name).get(url).status_code == 404, name


def test_the_line_list_is_narrowed_to_what_the_reader_holds(browse: Browse, outbreak: object) -> None:
    alice = text(browse("alice").get("/cases/"))
    assert all(name in alice for name in ("c-xia", "c-wei", "c-zhu"))
    assert "c-tao" not in alice
    dora = text(browse("dora").get("/cases/"))
    assert "c-tao" in dora
    assert "c-xia" not in dora
    assert "c-zhu" not in text(browse("bob").get("/cases/"))
    assert browse("alice").get(f"/cases/?area={COUNTY_B}").status_code == 404


@pytest.mark.parametrize("act", ["", "confirm/", "discard/", "contacts/add/"])
def test_a_case_of_another_county_looks_absent(browse: Browse, outbreak: dict[str, Case], act: str) -> None:
    url = f"/cases/{outbreak['xia'].pk}/{act}"
    assert browse("alice").get(url).status_code == 200
    for name in ("dora", *STRANGERS):
        assert browse(name).get(url).status_code == 404, name
        assert browse(name).post(url, {"reason": "x"}).status_code in (404, 405), name
    assert browse("alice").get(f"/cases/99999/{act}").status_code == 404


def test_a_tracer_takes_nothing_back(browse: Browse, outbreak: dict[str, Case]) -> None:
    page = text(browse("bob").get(f"/cases/{outbreak['xia'].pk}/"))
    assert "contacts/add/" in page
    assert "discard/" not in page
    assert browse("bob").get(f"/cases/{outbreak['xia'].pk}/discard/").status_code == 404


def test_the_form_for_a_new_case_is_for_those_who_edit(browse: Browse) -> None:
    assert browse("alice").get("/cases/add/").status_code == 200
    for name in STRANGERS:
        assert browse(name).get("/cases/add/").status_code == 404, name


# ---------------------------------------------------------------------- the lists


def test_filters_leave_what_they_say(browse: Browse, outbreak: object) -> None:
    alice = browse("alice")
    for query, left in (
        ("classification=asymptomatic", 1), ("onset_from=2022-07-16", 1), ("onset_to=2022-07-12", 1),
        ("report_from=2022-07-19&report_to=2022-07-19", 2), ("source=cdc", 3), ("source=none", 0), ("case=c-wei", 1),
    ):  # fmt: skip
        assert rows_of(text(alice.get(f"/cases/?{query}"))) == left, query
    assert "No row matches" in text(alice.get("/cases/?source=none"))


@pytest.mark.parametrize(
    "url",
    [
        "/cases/?classification=pope", "/cases/?onset_from=soon", "/cases/?sort=person_id", "/cases/?page=e30",
        "/contacts/?class=first", "/contacts/?placed=maybe", "/contacts/?last_from=2022-07-20&last_to=2022-07-01",
        "/chains/?day_from=x", "/chains/?source=%00", "/chains/?day_from=2022-07-20&day_to=2022-07-01",
    ],
)  # fmt: skip
def test_a_wrong_address_is_answered_in_words(browse: Browse, outbreak: object, url: str) -> None:
    assert browse("alice").get(url).status_code == 400


def test_the_curve_counts_what_the_filters_leave(browse: Browse, outbreak: object) -> None:
    def curve(query: str) -> dict[str, object]:
        page = text(browse("alice").get(f"/cases/?{query}"))
        found = re.search(r'<script id="epicurve" type="application/json">(.*?)</script>', page)
        assert found
        return json.loads(found[1])

    first = curve("")
    assert first["days"][0] == "2022-07-12"
    assert first["days"][-1] == "2022-07-20"  # up to today
    assert [(each["name"], sum(each["values"])) for each in first["series"]] == [("confirmed", 2), ("asymptomatic", 1)]
    assert [each["name"] for each in curve("classification=confirmed")["series"]] == ["confirmed"]
    by_onset = text(browse("alice").get("/cases/?by=onset"))
    assert "1 case without a known day is not in the picture" in by_onset
    assert sum(sum(each["values"]) for each in curve("by=report")["series"]) == 3
    assert "epicurve" not in text(browse("alice").get("/cases/?source=none"))


def test_the_table_below_the_curve_says_the_same(browse: Browse, outbreak: object) -> None:
    page = text(browse("alice").get("/cases/"))
    assert '<th scope="row">2022-07-12</th><td class="number">1</td><td class="number">0</td>' in page


def test_contacts_of_the_area_by_class_and_order(browse: Browse, town: Cast, outbreak: dict[str, Case],
                                                 at: datetime) -> None:  # fmt: skip
    contact_add(actor=town.alice, case_id=outbreak["xia"].pk, person_id=town.yun, at=at,
                last_exposure=date(2022, 7, 19), setting="household")  # fmt: skip
    alice = browse("alice")
    page = text(alice.get("/contacts/"))
    assert all(person_code(person) in page for person in (town.yun, town.wei))
    assert "central quarantine" in page or "quarantine at home" in page
    apart, free = text(alice.get("/contacts/?placed=yes")), text(alice.get("/contacts/?placed=no"))
    assert person_code(town.yun) in apart
    assert person_code(town.yun) not in free
    assert person_code(town.wei) in free
    assert person_code(town.wei) not in apart
    assert rows_of(text(alice.get("/contacts/?class=secondary"))) == 0
    assert "2 rows" in text(alice.get("/contacts/?case=c-xia"))
    assert person_code(town.yun) not in text(browse("dora").get("/contacts/"))


def test_export_carries_the_columns_and_their_counts(browse: Browse, outbreak: object) -> None:
    assert browse("alice", verified=False).get("/cases/?export=1").headers["Location"].startswith("/second-factor")
    assert browse("bob").get("/cases/?export=1").status_code == 404
    file = browse("alice").post("/cases/?export=1&case=c-xia", {"act": "export", "purpose": "Report to the prefecture"})
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("case_id,person_id,classification,onset_date,report_date,area_path,sex,age,source,")
    assert ",1,X" in lines[1]


# ---------------------------------------------------------------------- one case


def test_a_case_shows_contacts_chain_and_what_happened(browse: Browse, town: Cast, outbreak: dict[str, Case],
                                                       at: datetime) -> None:  # fmt: skip
    case = make_suspected(outbreak["wei"])
    case_confirm(actor=town.alice, case_id=case.pk, at=at)
    page = text(browse("alice").get(f"/cases/{case.pk}/"))
    assert "Case c-wei" in page
    assert f'href="/cases/{outbreak["xia"].pk}/' in page  # infected by
    assert 'aria-current="true"' in page  # in the picture
    assert "diagnosis: confirmed" in page
    assert "Alice" in page
    source = text(browse("alice").get(f"/cases/{outbreak['zhu'].pk}/"))
    assert re.search(rf'<a href="/cases/{outbreak["xia"].pk}/[^"]*">c-xia</a>', source)
    alone = text(browse("dora").get(f"/cases/{outbreak['tao'].pk}/"))
    assert "in no pair" in alone


def make_suspected(case: Case) -> Case:
    case.classification = "suspected"
    case.save(update_fields=["classification"])
    return case


def test_confirming_says_its_consequences_first(browse: Browse, town: Cast, outbreak: dict[str, Case]) -> None:
    case = make_suspected(outbreak["wei"])
    alice, url = browse("alice"), f"/cases/{case.pk}/confirm/"
    asked = alice.post(url, {"classification": "asymptomatic", "onset": ""})
    assert "Before you confirm" in text(asked)
    assert "Appeal" in text(asked)
    assert not Evidence.objects.exists()
    assert alice.post(url, {"classification": "asymptomatic", "confirmed": "1"}).status_code == 302
    case.refresh_from_db()
    assert case.classification == "asymptomatic"
    assert list_orders(town.alice, at=AT).filter(person_id=town.wei, kind="isolate").exists()
    again = alice.post(url, {"classification": "confirmed", "confirmed": "1"})
    assert again.status_code == 400
    assert "Only a suspected or probable case" in text(again)
    assert alice.post(url, {"classification": "discarded", "confirmed": "1"}).status_code == 400
    assert alice.post(url, {"classification": "confirmed", "onset": "2022-13-40"}).status_code == 400


def test_discarding_names_who_is_released(browse: Browse, town: Cast, outbreak: dict[str, Case], at: datetime) -> None:
    case = outbreak["xia"]
    contact_add(actor=town.alice, case_id=case.pk, person_id=town.yun, at=at, last_exposure=date(2022, 7, 19))
    assert bound_by_case(town.alice, case, at=at) == [town.yun]
    assert bound_by_case(town.dora, case, at=at) == []
    alice, url = browse("alice"), f"/cases/{case.pk}/discard/"
    asked = text(alice.post(url, {"reason": "two negative tests"}))
    assert person_code(town.yun) in asked
    assert "1 person is bound by an order that stands on this case" in asked
    assert alice.post(url, {"reason": "", "confirmed": "1"}).status_code == 400
    assert alice.post(url, {"reason": "two negative tests", "confirmed": "1"}).status_code == 302
    assert not list_orders(town.alice, at=at).filter(person_id=town.yun).exists()
    page = text(alice.get(f"/cases/{case.pk}/"))
    assert "discarded" in page
    assert "contacts/add/" not in page


def test_a_contact_is_added_by_code(browse: Browse, town: Cast, outbreak: dict[str, Case]) -> None:
    alice, url = browse("alice"), f"/cases/{outbreak['xia'].pk}/contacts/add/"
    good = {"person": person_code(town.yun).lower(), "contact_class": "close", "last": "2022-07-18", "minutes": "90",
            "setting": "meal"}  # fmt: skip
    asked = text(alice.post(url, good))
    assert "Before you confirm" in asked
    assert "Appeal" in asked
    assert alice.post(url, {**good, "confirmed": "1"}).status_code == 302
    contact = Contact.objects.get(person_id=town.yun)
    assert (contact.minutes, contact.setting, contact.last_exposure) == (90, "meal", date(2022, 7, 18))
    for wrong, said in (
        ({"person": person_code(town.yun)[:-2] + "77"}, "check character"), ({"person": ""}, "required"),
        ({"last": "2022-08-30"}, "future"),
        ({"first": "2022-07-19"}, "before the first"), ({"person": person_code(town.xia)}, "contact of himself"),
        ({"person": "P0099999990"}, ""), ({"via": person_code(town.wei)}, "Only a secondary contact"),
        ({"minutes": "-1"}, "greater than or equal to 0"), ({"contact_class": "near"}, "choice"),
    ):  # fmt: skip
        answer = alice.post(url, {**good, **wrong, "confirmed": "1"})
        assert answer.status_code in (400, 404), wrong
        assert said in text(answer), wrong
    without_day = text(alice.post(url, {"person": person_code(town.wei), "contact_class": "close"}))
    assert "no day of exposure is known" in without_day
    second = {"person": person_code(town.zhu), "contact_class": "secondary", "via": person_code(town.yun),
              "last": "2022-07-18", "confirmed": "1"}  # fmt: skip
    assert alice.post(url, second).status_code == 302
    assert Contact.objects.get(person_id=town.zhu).via_person_id == town.yun


# ---------------------------------------------------------------------- a new case


def test_a_case_is_added_for_a_person_and_decided(browse: Browse, town: Cast) -> None:
    alice = browse("alice")
    data = {"person": person_code(town.xia), "classification": "confirmed", "onset": "2022-07-18", "case_id": "A-1",
            "area": COUNTY_A}  # fmt: skip
    assert "Before you confirm" in text(alice.post("/cases/add/", data))
    answer = alice.post("/cases/add/", {**data, "confirmed": "1"})
    case = Case.objects.get()
    assert answer.headers["Location"].startswith(f"/cases/{case.pk}/")
    assert (case.case_id, case.person_id, case.report_date) == ("A-1", town.xia, date(2022, 7, 20))
    assert Evidence.objects.get(kind="diagnosis").key == bytes(case.evidence_key)
    assert list_orders(town.alice, at=AT).filter(person_id=town.xia, kind="isolate").exists()
    # the same illness again
    again = alice.post("/cases/add/", {**data, "case_id": "A-2", "confirmed": "1"})
    assert again.status_code == 409
    assert "a case already: A-1" in text(again)


def test_somebody_who_is_not_registered_becomes_a_pseudonym(browse: Browse, town: Cast) -> None:
    before = Person.objects.count()
    alice = browse("alice")
    data = {"area": "411202001", "classification": "suspected", "sex": "female", "birth_year": "1980", "confirmed": "1"}
    assert alice.post("/cases/add/", data).status_code == 302
    case = Case.objects.select_related("person").get()
    assert Person.objects.count() == before + 1
    assert (case.person.sex, case.person.birth_year) == ("female", 1980)
    assert re.fullmatch(r"220720-[0-9A-F]{6}", case.case_id)
    assert alice.post("/cases/add/", data).status_code == 302  # another one
    assert Person.objects.count() == before + 2


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"area": ""}, 400), ({"area": COUNTY_B}, 400), ({"area": "999"}, 400), ({"onset": "2022-07-30"}, 400),
        ({"classification": "discarded"}, 400), ({"birth_year": "1700"}, 400), ({"birth_year": "2090"}, 400),
        ({"person": "nobody"}, 400), ({"case_id": "x" * 81}, 400),
        ({"report": "2022-06-01", "onset": "2022-07-01"}, 400),
        ({"person": person_code(999_999)}, 404),
    ],
)  # fmt: skip
def test_a_new_case_that_cannot_be(browse: Browse, cast: Cast, wrong: dict[str, str], status: int) -> None:
    data = {"area": "411202001", "classification": "suspected", "confirmed": "1", **wrong}
    assert browse("alice").post("/cases/add/", data).status_code == status
    assert not Case.objects.exists()


def test_only_who_may_edit_there_adds_a_case(cast: Cast, at: datetime) -> None:
    with pytest.raises(Absent):
        case_add(actor=cast.dora, at=at, person_id=cast.xia)
    for stranger in (cast.chen, cast.ma):
        for whom in ({"person_id": cast.xia}, {"area": COUNTY_A}, {"area": "999999"}):
            with pytest.raises(Denied):
                case_add(actor=stranger, at=at, **whom)
    with pytest.raises(BadInput):
        case_add(actor=cast.dora, at=at, area=COUNTY_A)
    case, _ = case_add(actor=cast.bob, at=at, person_id=cast.xia, case_id="B-1")
    assert AuditEntry.objects.get(action="case.add").subject_id == str(case.pk)
    with pytest.raises(Conflict):
        case_add(actor=cast.bob, at=at, person_id=cast.wei, case_id="B-1")
    with pytest.raises(BadInput):
        case_add(actor=cast.bob, at=at, person_id=cast.wei, classification=Classification.DISCARDED)


# ---------------------------------------------------------------------- chains


def graph(page: str) -> dict[str, object]:
    found = re.search(r'<script id="chains-data" type="application/json">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def test_chains_in_pictures_words_and_figures(browse: Browse, outbreak: dict[str, Case]) -> None:
    page = text(browse("alice").get("/chains/"))
    data = graph(page)
    assert {node["label"] for node in data["nodes"]} == {"c-xia", "c-wei", "c-zhu"}
    named = {str(case.pk): name for name, case in outbreak.items()}
    assert {(named[a], named[b]) for a, b, _ in data["pairs"]} == {("xia", "wei"), ("xia", "zhu")}
    assert len({(node["x"], node["y"]) for node in data["nodes"]}) == 3
    assert "4.0 days" in page  # 12 to 16 July
    assert re.search(rf'<a href="/cases/{outbreak["wei"].pk}/[^"]*">c-wei</a>', page)
    assert graph(text(browse("alice").get("/chains/?case=c-wei")))["chosen"] == str(outbreak["wei"].pk)
    assert "no case c-tao" in text(browse("alice").get("/chains/?case=c-tao"))
    assert "No case was reported here" in text(browse("alice").get("/chains/?day_to=2021-01-01"))


def test_too_many_cases_are_not_drawn(browse: Browse, outbreak: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from qipan.rooms.investigation.web import chains

    monkeypatch.setattr(chains, "MOST_IN_A_PICTURE", 2)
    assert "Choose a smaller area" in text(browse("alice").get("/chains/"))
    assert browse("alice").get("/chains.svg").status_code == 422


def test_the_picture_leaves_as_svg_for_a_purpose(browse: Browse, outbreak: object) -> None:
    assert browse("alice", verified=False).get("/chains.svg").headers["Location"].startswith("/second-factor")
    for name in ("bob", "ning", "chen", "fang"):
        assert browse(name).get("/chains.svg").status_code == 404, name
    alice = browse("alice")
    assert alice.get("/chains.svg").status_code == 200
    assert alice.post("/chains.svg", {"purpose": "short"}).status_code == 400
    file = alice.post("/chains.svg", {"purpose": "For the meeting of the headquarters"})
    assert file.headers["Content-Type"].startswith("image/svg+xml")
    svg = file.content.decode()
    assert svg.startswith("<?xml")
    assert all(word in svg for word in ("c-xia", "c-wei", "Source: line list in qipan, 3 cases"))
    assert "<a " not in svg
    entry = AuditEntry.objects.get(action="rows.export")
    assert entry.subject_id in svg
    assert (entry.detail["what"], entry.detail["rows"]) == ("chains", 3)
    # whoever may export but sees no case gets a picture of nothing
    assert "c-xia" not in browse("ma").post("/chains.svg", {"purpose": "For the meeting of today"}).content.decode()


def test_the_png_is_offered_to_whoever_may_export_after_the_second_factor(browse: Browse, outbreak: object) -> None:
    assert 'data-chains="png"' in text(browse("alice").get("/chains/"))
    assert 'data-chains="png"' not in text(browse("alice", verified=False).get("/chains/"))
    assert 'data-chains="png"' not in text(browse("bob").get("/chains/"))


# ---------------------------------------------------------------------- selectors, panels, what is held


def test_selectors_are_scoped(town: Cast, outbreak: dict[str, Case], at: datetime) -> None:
    assert set(linked_cases(town.alice).cases) == {outbreak[name].pk for name in ("xia", "wei", "zhu")}
    assert linked_cases(town.ma).cases == {}
    around = chain_around(town.alice, outbreak["xia"])
    assert around.chain_of(outbreak["wei"].pk) == {outbreak[name].pk for name in ("xia", "wei", "zhu")}
    assert chain_around(town.dora, outbreak["tao"]).chain_of(outbreak["tao"].pk) == {outbreak["tao"].pk}
    assert list(cases_of_person(town.dora, town.xia)) == []
    assert list(contacts_of_person(town.dora, town.wei)) == []
    assert contacts_of_person(town.alice, town.wei).count() == 1
    assert case_contacts_count([outbreak["xia"].pk, outbreak["wei"].pk]) == {outbreak["xia"].pk: 1}
    assert epidemic_curve(line_list(town.dora)) == [(date(2022, 7, 15), "confirmed", 1)]
    assert not kept_apart(town.ma, at=at).exists()


def test_the_persons_page_shows_cases_and_exposures(cast: Cast, outbreak: object, at: datetime) -> None:
    assert "Cases" in [str(panel.title) for panel in person_panels.panels_of(cast.alice, cast.wei, at)]
    titles = [str(panel.title) for panel in person_panels.panels_of(cast.alice, cast.wei, at)]
    assert "Exposures" in titles
    titles = [str(panel.title) for panel in person_panels.panels_of(cast.dora, cast.wei, at)]
    assert not {"Cases", "Exposures"} & set(titles)
    actions = person_panels.actions_of(cast.alice, cast.wei, cast.path(GRID_A1_2), at)
    assert any(person_code(cast.wei) in action.url for action in actions)
    others = person_panels.actions_of(cast.dora, cast.wei, cast.path(GRID_A1_2), at)
    assert not any("cases/add" in action.url for action in others)


def test_what_is_held_is_told_without_the_other_person(cast: Cast, outbreak: object) -> None:
    assert held_cases(cast.wei) == ["2022-07-19 · confirmed"]
    assert held_exposures(cast.wei) == ["2022-07-13 · close contact"]
    told = {holding.name: holding for holding in held_about(cast.wei)}
    assert told["cases"].count == told["exposures"].count == 1
    assert not any(person_code(cast.xia) in line or "c-xia" in line for line in told["exposures"].lines)


# ---------------------------------------------------------------------- cost and language


def test_no_page_asks_more_than_thirty_questions(browse: Browse, town: Cast, outbreak: dict[str, Case], at: datetime,
                                                 django_assert_max_num_queries: object) -> None:  # fmt: skip
    for person in (town.yun, town.zhu, town.wei):
        contact_add(actor=town.alice, case_id=outbreak["xia"].pk, person_id=person, at=at,
                    last_exposure=date(2022, 7, 19))  # fmt: skip
    alice = browse("alice")
    for url in ("/cases/", "/contacts/", "/contacts/?placed=no", "/chains/", f"/cases/{outbreak['xia'].pk}/",
                f"/cases/{outbreak['zhu'].pk}/", "/cases/add/", "/chains.svg"):  # fmt: skip
        with django_assert_max_num_queries(30):  # type: ignore[operator]
            assert alice.get(url).status_code == 200, url


def test_nothing_inline(browse: Browse, outbreak: dict[str, Case]) -> None:
    for url in ("/cases/", "/contacts/", "/chains/", f"/cases/{outbreak['xia'].pk}/", "/cases/add/"):
        page = text(browse("alice").get(url))
        assert " style=" not in page, url
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page), url
        assert " onclick=" not in page


def test_pages_open_in_chinese(browse: Browse, outbreak: dict[str, Case]) -> None:
    chinese = browse("alice", language="zh-hans")
    for url in ("/cases/", "/contacts/", "/chains/", f"/cases/{outbreak['xia'].pk}/", "/cases/add/"):
        assert chinese.get(url).status_code == 200, url
