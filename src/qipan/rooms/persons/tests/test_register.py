"""Registering people: by file rows, by the chunk, for references; allowed and denied."""

from dataclasses import replace
from datetime import date

import pytest
from tests.cast import AT, COUNTY_A, GRID_A1, GRID_A1_2, GRID_B1, VILLAGE_A1, Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.persons import selectors, services
from qipan.rooms.persons.models import BlindIndex, Household, Person, SealedIdentity
from qipan.rooms.persons.services import NewPerson
from qipan.terms.errors import Absent, BadInput, Conflict, Denied
from qipan.terms.identity import check_character, person_code

LI = NewPerson("r1", "李雷", GRID_A1, "id", "11010519491231002X", date(1949, 12, 31), "female", "13800138000", "1-2-3",
               "h1")  # fmt: skip


def citizen(area: str, born: str, serial: str) -> str:
    body = f"{area}{born}{serial}"
    return body + check_character(body)


def test_one_person_registered(cast: Cast) -> None:
    pk = services.person_register(actor=cast.chen, source="census", person=LI, at=AT)
    person = selectors.access_person(cast.alice, pk)
    assert (person.area_path, person.birth_year, person.sex, person.synthetic) == (
        cast.path(GRID_A1), 1949, "female", False,
    )  # fmt: skip
    assert selectors.resolve_persons(["r1", "census:r1", person_code(pk), "r2"], source="census").keys() == {
        "r1", "census:r1", person_code(pk),
    }  # fmt: skip
    assert selectors.resolve_persons(["r1", "census:r1"], source="other").keys() == {"census:r1"}
    opened = services.identity_open(actor=cast.alice, person_ids=[pk], purpose="contact_tracing", at=AT)
    assert opened[pk].name == "李雷"
    assert opened[pk].document_number == "11010519491231002X"
    assert opened[pk].address == "1-2-3"
