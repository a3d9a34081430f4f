"""People as the API shows them: pseudonyms."""

from ninja import Schema

from qipan.foundation.http.api import code_of
from qipan.rooms.persons.models import Person
from qipan.terms.identity import person_code


class PersonOut(Schema):
    """A pseudonymous person."""

    person: str
    area: str
    household: int | None
    birth_year: int | None
    sex: str
    synthetic: bool


class PeoplePage(Schema):
    """A page of people."""

    items: list[PersonOut]
    next: str


def person_out(person: Person) -> PersonOut:
    """One person; the area by its code."""
    return PersonOut(
        person=person_code(person.pk), area=code_of(person.area_path),
        household=person.household_id, birth_year=person.birth_year, sex=person.sex, synthetic=person.synthetic,
    )  # fmt: skip
