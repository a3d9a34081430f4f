"""Registering people: documents, duplicates, places, references; allowed and denied."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import AT, COUNTY_A, COUNTY_B, GRID_A1, GRID_A1_2, GRID_A2, GRID_B1, PEOPLE, VILLAGE_A1, Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons import selectors, services
from qipan.rooms.persons.models import BlindIndex, Household, Person, PersonKey, SealedIdentity
from qipan.rooms.persons.rules import RowProblem, check_person
from qipan.rooms.persons.services import DocumentKind, NewPerson
from qipan.terms.errors import Absent, BadInput, Conflict, Denied
from qipan.terms.identity import check_character, parse_person_code, person_code
from qipan.terms.roles import SYSTEM_ACTOR

TODAY = date(2022, 7, 20)
LI = NewPerson("r1", "李雷", GRID_A1, "id", "11010519491231002X", date(1949, 12, 31), "female", "13800138000",
               "演示路1号", "h1")  # fmt: skip
BARE = NewPerson("r2", "", GRID_A1)


def citizen(born: str = "19800203", serial: str = "001", area: str = "411202") -> str:
    body = f"{area}{born}{serial}"
    return body + check_character(body)


# --- rules --------------------------------------------------------------------------------------------------


@given(st.dates(date(1895, 1, 1), date(2022, 7, 20)), st.integers(0, 999))
def test_a_citizen_number_says_birth_and_sex(born: date, serial: int) -> None:
    number = citizen(born.strftime("%Y%m%d"), f"{serial:03d}")
    row = NewPerson("1", "李雷", GRID_A1, "id", number)
    checked = check_person(row, today=TODAY, demo=False)
    assert checked.identity.birth_date == born
    assert checked.birth_year == born.year
    assert checked.sex == ("male" if serial % 2 else "female")
    # any other last character is wrong
    for last in set("0123456789X") - {number[-1]}:
        with pytest.raises(RowProblem) as caught:
            check_person(replace(row, document_number=number[:-1] + last), today=TODAY, demo=False)
        assert caught.value.column == "document_number"


def test_an_old_number_of_15_digits_is_the_same_person() -> None:
    old, new = (
        check_person(NewPerson("1", "李雷", GRID_A1, "id", number), today=TODAY, demo=False).identity
        for number in ("110105491231002", "11010519491231002x")
    )
    assert old == new


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"source_id": " "}, "source_id"),
        ({"source_id": person_code(17)}, "source_id"),
        ({"document_kind": "visa"}, "document_kind"),
        ({"document_number": ""}, "document_number"),
        ({"document_number": "110105194912310021"}, "document_number"),
        ({"document_number": "000105194912310021"}, "document_number"),
        ({"document_number": citizen("19490230")}, "document_number"),
        ({"document_kind": "passport", "document_number": "E1"}, "document_number"),
        ({"document_kind": "passport", "document_number": "SYN-12345"}, "document_number"),
        ({"document_kind": "none"}, "document_number"),
        ({"document_kind": "synthetic", "document_number": "SYN-1", "name": "演示·甲"}, "document_kind"),
        ({"birth_date": date(1949, 12, 30)}, "birth_date"),
        ({"document_number": citizen("20220721"), "birth_date": None, "sex": ""}, "birth_date"),
        ({"document_kind": "none", "document_number": "", "birth_date": TODAY + timedelta(days=1)}, "birth_date"),
        ({"sex": "male"}, "sex"),
        ({"sex": "f"}, "sex"),
        ({"phone": "none"}, "phone"),
        ({"name": ""}, "name"),
        ({"name": "演示·李雷"}, "name"),
        ({"name": "李\u200b雷"}, "name"),
        ({"name": "李\u202e雷"}, "name"),
        ({"name": "李\n雷"}, "name"),
        ({"name": "李" * 101}, "name"),
        ({"address": "路" * 301}, "address"),
    ],
)
def test_rows_that_are_not_registered(change: dict[str, Any], column: str) -> None:
    check_person(LI, today=TODAY, demo=False)
    with pytest.raises(RowProblem) as caught:
        check_person(replace(LI, **change), today=TODAY, demo=False)
    assert caught.value.column == column
    for text in (LI.name, LI.document_number, LI.phone):  # the reason goes into logs and lists of rejects
        assert text not in caught.value.reason


@pytest.mark.parametrize("name", ["𠮷野", "阿卜杜热合曼·买买提", "O’Brien-Müller", "㐂龘", "Nguyễn Văn"])
def test_rare_names_are_kept_exactly(name: str) -> None:
    assert check_person(replace(LI, name=f" {name} "), today=TODAY, demo=False).identity.name == name


@pytest.mark.parametrize(
    ("change", "column"),
    [({"name": "李雷"}, "name"), ({"document_number": "X-1"}, "document_number"), ({"phone": "13800138000"}, "phone")],
)
def test_synthetic_people_look_it(change: dict[str, Any], column: str) -> None:
    row = NewPerson("1", "演示·甲", GRID_A1, "synthetic", "syn-0001", phone="00012345678")
    checked = check_person(row, today=TODAY, demo=True)
    assert checked.identity.document_kind is DocumentKind.SYNTHETIC
    assert checked.identity.document_number == "SYN-0001"
    with pytest.raises(RowProblem) as caught:
        check_person(replace(row, **change), today=TODAY, demo=True)
    assert caught.value.column == column


# --- one and many ---------------------------------------------------------------------------------------------


def test_one_person_registered(cast: Cast) -> None:
    pk = services.person_register(actor=cast.chen, source="census", person=LI, at=AT)
    person = selectors.access_person(cast.alice, pk)
    assert (person.area_path, person.birth_year, person.sex, person.synthetic) == (
        cast.path(GRID_A1), 1949, "female", False,
    )  # fmt: skip
    assert person.registered_at == AT
    opened = services.identity_open(actor=cast.alice, person_ids=[pk], purpose="contact_tracing", at=AT)
    assert opened[pk] == services.Identity(
        "李雷", DocumentKind.ID, "11010519491231002X", date(1949, 12, 31), "13800138000", "演示路1号"
    )


def test_people_without_documents_and_even_without_names(cast: Cast) -> None:
    first = services.person_register(actor=cast.alice, source="s", person=BARE, at=AT)
    second = services.person_register(actor=cast.alice, source="s", person=replace(BARE, source_id="r3"), at=AT)
    assert first != second
    assert selectors.access_person(cast.alice, first).sex == "unknown"
    assert BlindIndex.objects.get(pk=first).document is None


def test_households(cast: Cast) -> None:
    rows = [replace(BARE, source_id=f"p{n}", household=home) for n, home in enumerate(["a", "a", "b", ""])]
    ids = services.persons_register_bulk(actor=cast.alice, source="s", persons=rows, at=AT)
    later = services.person_register(actor=cast.alice, source="s", at=AT,
                                     person=replace(BARE, source_id="p9", household="a"))  # fmt: skip
    other = services.person_register(actor=cast.alice, source="other", at=AT,
                                     person=replace(BARE, source_id="p9", household="a"))  # fmt: skip
    home = Person.objects.get(pk=ids[0]).household_id
    assert {p.pk for p in selectors.access_household(cast.alice, home)} == {ids[0], ids[1], later}
    assert Person.objects.get(pk=ids[3]).household_id is None
    assert Person.objects.get(pk=other).household_id != home
    with pytest.raises(Absent):
        selectors.access_household(cast.dora, home)


def test_the_same_person_is_registered_once(cast: Cast) -> None:
    services.person_register(actor=cast.alice, source="s", person=LI, at=AT)
    with pytest.raises(BadInput):  # the same id of the same source
        services.person_register(actor=cast.alice, source="s", person=replace(BARE, source_id="r1"), at=AT)
    with pytest.raises(BadInput):  # the same document, in its old form, from another source
        services.person_register(
            actor=cast.alice, source="t", at=AT, person=replace(LI, document_number="110105491231002")
        )
    rows = [replace(BARE, source_id="x"), replace(BARE, source_id="x")]
    with pytest.raises(BadInput, match="Row 2"):
        services.persons_register_bulk(actor=cast.alice, source="s", persons=rows, at=AT)
    assert Person.objects.count() == len(cast.persons) + 1


def test_the_database_refuses_a_document_twice_where_the_check_was_passed(cast: Cast) -> None:
    placed, _ = services.persons_check([LI, replace(LI, source_id="r9")], source="s", at=AT)
    row = placed[0]
    assert row is not None
    services.persons_write([row], source="s", at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        services.persons_write([row], source="t", at=AT)
    assert Person.objects.count() == len(cast.persons) + 1
    assert SealedIdentity.objects.count() == len(cast.persons) + 1


def test_bulk_writes_in_chunks_with_an_entry_each_and_few_queries(cast: Cast) -> None:
    def rows() -> Iterator[NewPerson]:
        for n in range(250):
            grid = GRID_A1 if n % 2 else GRID_A2
            yield NewPerson(f"p{n}", f"张{n}", grid, "passport", f"E{n:08d}", phone=f"1380000{n:04d}")

    with CaptureQueriesContext(connection) as queries:
        ids = services.persons_register_bulk(actor=cast.alice, source="s", persons=rows(), at=AT, chunk=100)
    assert len(set(ids)) == 250
    assert len(queries) <= 3 * 30
    entries = AuditEntry.objects.filter(action="person.register").order_by("seq")
    assert [entry.detail["persons"] for entry in entries] == [100, 100, 50]
    assert {entry.area_path for entry in entries} == {cast.path(COUNTY_A)}
    assert PersonKey.objects.filter(person_id__in=ids).count() == 250


def test_ids_are_never_used_again(cast: Cast) -> None:
    first = services.person_register(actor=cast.alice, source="s", person=BARE, at=AT)
    SealedIdentity.objects.filter(pk=first).delete()
    BlindIndex.objects.filter(pk=first).delete()
    PersonKey.objects.filter(person_id=first).delete()
    Person.objects.filter(pk=first).delete()
    assert services.person_register(actor=cast.alice, source="s", person=BARE, at=AT) > first
    grid = cast.areas[GRID_A1]
    assert Person.objects.create(area_id=grid.id, area_path=grid.path, registered_at=AT).pk > first + 1


# --- who may --------------------------------------------------------------------------------------------------

REGISTER = {"alice": COUNTY_A, "bob": "411202001", "chen": VILLAGE_A1, "ning": COUNTY_A, "dora": COUNTY_B}


@pytest.mark.parametrize("name", [row[0] for row in PEOPLE])
@pytest.mark.parametrize("grid", [GRID_A1, GRID_A2, GRID_B1])
def test_who_registers_where(cast: Cast, name: str, grid: str) -> None:
    person = replace(LI, area=grid)
    if name in REGISTER and cast.path(grid).startswith(cast.path(REGISTER[name])):
        assert services.person_register(actor=cast.actors[name], source="s", person=person, at=AT)
    else:
        with pytest.raises(Denied):
            services.person_register(actor=cast.actors[name], source="s", person=person, at=AT)
        assert Person.objects.count() == len(cast.persons)
        assert SealedIdentity.objects.count() == len(cast.persons)


def test_one_row_elsewhere_refuses_the_chunk(cast: Cast) -> None:
    rows = [BARE, replace(BARE, source_id="r3", area=GRID_B1)]
    with pytest.raises(Denied):
        services.persons_register_bulk(actor=cast.alice, source="s", persons=rows, at=AT)
    assert Person.objects.count() == len(cast.persons)


SEES = {
    "alice": {"xia", "yun", "wei", "zhu"}, "gao": {"xia", "yun", "wei", "zhu"}, "ning": {"xia", "yun", "wei", "zhu"},
    "bob": {"xia", "yun", "wei"}, "chen": {"xia", "yun", "wei"}, "dora": {"tao"},
    "hu": {"xia", "yun", "wei", "zhu", "tao"}, "lin": {"xia", "yun", "wei", "zhu", "tao"},
    "eva": set(), "fang": set(), "ma": set(), "qiu": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SEES))
def test_who_sees_whom(cast: Cast, name: str) -> None:
    actor = cast.actors[name]
    assert {p.pk for p in selectors.list_persons(actor)} == {cast.persons[who] for who in SEES[name]}
    in_a1 = {"xia", "yun", "wei"} & SEES[name]
    assert {p.pk for p in selectors.list_persons(actor, below=cast.path("411202001"))} == {
        cast.persons[who] for who in in_a1
    }
    for who, pk in cast.persons.items():
        if who in SEES[name]:
            assert selectors.access_person(actor, pk).pk == pk
        else:
            with pytest.raises(Absent) as forbidden:
                selectors.access_person(actor, pk)
            with pytest.raises(Absent) as absent:
                selectors.access_person(actor, 999_999_999)
            assert (str(forbidden.value), forbidden.value.what) == (str(absent.value), absent.value.what)


def test_scope_follows_the_person(cast: Cast) -> None:
    with pytest.raises(Denied):  # nobody is fetched
        services.person_move(actor=cast.dora, person_id=cast.xia, area=GRID_B1, at=AT)
    services.person_move(actor=cast.alice, person_id=cast.xia, area=GRID_B1, at=AT)
    with pytest.raises(Absent):
        selectors.access_person(cast.alice, cast.xia)
    with pytest.raises(Denied):
        services.identity_open(actor=cast.alice, person_ids=[cast.xia], purpose="follow_up", at=AT)
    assert cast.xia not in [p.pk for p in selectors.list_persons(cast.chen)]
    assert selectors.access_person(cast.dora, cast.xia).area_id == cast.areas[GRID_B1].id
    assert services.identity_open(actor=cast.dora, person_ids=[cast.xia], purpose="follow_up", at=AT)
    with pytest.raises(BadInput):
        services.person_move(actor=cast.dora, person_id=cast.xia, area="999999", at=AT)
    with pytest.raises(Absent):
        services.person_move(actor=cast.dora, person_id=999_999, area=GRID_B1, at=AT)


# --- references -----------------------------------------------------------------------------------------------


def test_references(cast: Cast, django_assert_num_queries: Any) -> None:
    code = person_code(cast.zhu)
    with django_assert_num_queries(2):
        found = selectors.resolve_persons(
            ["xia", "cast:yun", code, code.lower(), "nobody", "cast:nobody", person_code(99_999_999), ""], source="cast"
        )
    assert {reference: ref.id for reference, ref in found.items()} == {
        "xia": cast.xia, "cast:yun": cast.yun, code: cast.zhu, code.lower(): cast.zhu,
    }  # fmt: skip
    assert found["xia"].area_path == cast.path(GRID_A1)
    with django_assert_num_queries(2):
        selectors.resolve_persons([f"p{n}" for n in range(5000)] + [person_code(n) for n in range(5000)], source="cast")
    assert selectors.resolve_persons(["xia", "cast:xia"], source="other").keys() == {"cast:xia"}
    assert selectors.resolve_persons([code[:-1] + ("0" if code[-1] != "0" else "1")], source="cast") == {}
    assert selectors.person_refs([cast.tao])[cast.tao].area_path == cast.path(GRID_B1)


def test_references_of_a_column(cast: Cast, django_assert_num_queries: Any) -> None:
    code, other = person_code(cast.zhu), person_code(cast.yun)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    texts = ["xia", code, code.lower(), "cast:yun", "nobody", wrong, f" {other}", person_code(99_999_999), None, code]
    found = selectors.persons_frame(pl.Series(texts, dtype=pl.String), source="cast")
    one_by_one = selectors.resolve_persons([text for text in texts if text], source="cast")
    assert len(found) == len(one_by_one) == 4
    assert set(found.rows()) == {(text, ref.id, ref.area_path) for text, ref in one_by_one.items()}
    with django_assert_num_queries(1):
        # around the person's own id: a database that has run many tests has given out many
        codes = pl.Series([person_code(n) for n in range(max(cast.zhu - 2500, 0), cast.zhu + 2500)])
        assert cast.zhu in selectors.persons_frame(codes, source="cast")["person_id"]
    assert not len(selectors.persons_frame(pl.Series([], dtype=pl.String), source="cast"))


@given(st.integers(0, 999_999_999), st.integers(0, 10), st.sampled_from("0123456789Xx"))
def test_ids_of_codes_are_those_of_the_rule(number: int, place: int, instead: str) -> None:
    code = person_code(number)
    changed = code[:place] + instead + code[place + 1 :]
    for text in (code, changed):
        try:
            expected: int | None = parse_person_code(text)
        except ValueError:
            expected = None
        assert selectors._ids_of_codes(pl.Series([text])).to_list() == [expected]


def for_references(cast: Cast, actor: Any, references: list[str], **more: Any) -> dict[str, selectors.PersonRef]:
    area = more.pop("area", cast.areas[COUNTY_A])
    return services.persons_for_references(actor=actor, source="cast", references=references, area=area, at=AT, **more)


def test_unknown_references_make_people_once(cast: Cast) -> None:
    unknown = person_code(99_999_999)
    more = {"areas": {"case-2": cast.areas[GRID_A1_2]}, "birth_years": {"case-1": 1960}, "sexes": {"case-1": "male"}}
    made = for_references(cast, cast.alice, ["xia", "case-1", "case-2", "case-1", unknown], **more)
    assert made.keys() == {"xia", "case-1", "case-2"}
    assert made["xia"].id == cast.xia
    assert made["case-2"].area_path == cast.path(GRID_A1_2)
    person = selectors.access_person(cast.alice, made["case-1"].id)
    assert (person.birth_year, person.sex, person.area_path) == (1960, "male", cast.path(COUNTY_A))
    assert for_references(cast, cast.alice, ["case-1", "case-2"]) == {k: made[k] for k in ("case-1", "case-2")}
    assert AuditEntry.objects.filter(action="person.register").count() == 1
    assert for_references(cast, SYSTEM_ACTOR, ["case-3"])


def test_who_makes_people_for_references(cast: Cast) -> None:
    for name in ("eva", "fang", "gao", "hu", "lin", "ma", "qiu", "dora"):
        with pytest.raises(Denied):
            for_references(cast, cast.actors[name], ["case-1"])
        assert for_references(cast, cast.actors[name], ["xia"]).keys() == {"xia"}  # nothing is made
    with pytest.raises(Denied):
        for_references(cast, cast.alice, ["case-1"], area=cast.areas[COUNTY_B])
    assert Person.objects.count() == len(cast.persons)


def test_an_identity_is_recorded_later_and_corrected(cast: Cast) -> None:
    pk = for_references(cast, cast.alice, ["case-1"])["case-1"].id
    assert services.identity_open(actor=cast.alice, person_ids=[pk], purpose="follow_up", at=AT) == {}
    services.identity_record(actor=cast.alice, person_id=pk, person=LI, at=AT)
    services.identity_record(actor=cast.alice, person_id=pk, person=replace(LI, name="李蕾"), at=AT)
    assert services.identity_open(actor=cast.alice, person_ids=[pk], purpose="follow_up", at=AT)[pk].name == "李蕾"
    search = {"actor": cast.alice, "by": "name", "purpose": "follow_up", "at": AT}
    assert services.identity_search(text="李雷", **search) == []
    assert [ref.id for ref in services.identity_search(text="李蕾", **search)] == [pk]
    assert selectors.access_person(cast.alice, pk).birth_year == 1949
    for name in ("dora", "eva", "fang", "lin", "gao"):
        with pytest.raises(Denied):
            services.identity_record(actor=cast.actors[name], person_id=pk, person=LI, at=AT)
    with pytest.raises(Conflict):  # somebody else's document
        services.identity_record(actor=cast.alice, person_id=cast.wei, person=LI, at=AT)
    with pytest.raises(BadInput):
        services.identity_record(actor=cast.alice, person_id=pk, person=replace(LI, sex="male"), at=AT)
    with pytest.raises(Absent):
        services.identity_record(actor=cast.alice, person_id=999_999, person=LI, at=AT)
    assert Household.objects.count() == 1
