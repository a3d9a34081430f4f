"""Every indicator against a small city counted by hand, its list scoped, its queries constant."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qipan.foundation.indicators.registry import AreaRow
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rooms.investigation.indicators import INDICATORS
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.services import contact_add

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db
BY_ID = {indicator.id.removeprefix("investigation."): indicator for indicator in INDICATORS}
COUNTY_A, COUNTY_B = "411202", "411203"


def case(cast: "Cast", name: str, person: int, area: str, recorded: datetime, **fields: Any) -> Case:
    ref = areas_by_code([area])[area]
    values = {"classification": "confirmed", "recorded_at": recorded, **fields}
    return Case.objects.create(
        source="cdc", case_id=name, disease="covid19", person_id=person, area_id=ref.id, area_path=ref.path,
        evidence_key=name.encode().ljust(16, b"."), **values,
    )  # fmt: skip


def contact(one: Case, person: int, recorded: datetime, **fields: Any) -> Contact:
    values = {"contact_class": "close", **fields}
    return Contact.objects.create(
        source="cdc", from_case=one, person_id=person, recorded_at=recorded, **values
    )


def measure(cast: "Cast", name: str, at: datetime) -> dict[str, tuple[float, float | None]]:
    areas = [AreaRow(code, cast.path(code)) for code in ("411200", COUNTY_A, COUNTY_B)]
    return {m.area_code: (m.numerator, m.denominator) for m in BY_ID[name].compute(areas, at)}


@pytest.fixture
def city(cast: "Cast", at: datetime) -> "Cast":
    day = timedelta(days=1)
    one = case(
        cast, "c1", cast.xia, "411202001", at - 3 * day,
        onset_date=date(2022, 7, 12), report_date=date(2022, 7, 17),
    )  # fmt: skip
    # found by her contact with c1; contacts named too late
    two = case(
        cast, "c2", cast.zhu, "411202002", at - 2 * day,
        onset_date=date(2022, 7, 17), report_date=date(2022, 7, 18),
    )  # fmt: skip
    case(cast, "c3", cast.tao, "411203100", at - 2 * day, source_case_id="elsewhere", onset_date=None)
    # of today and not worked on yet: not late
    case(cast, "c4", cast.wei, "411202001", at - timedelta(hours=1))
    # neither an old case, nor a discarded, a voided or a future one counts
    case(cast, "old", cast.wei, "411202001", at - 8 * day)
    case(cast, "no", cast.wei, "411202001", at - day, classification="discarded")
    case(cast, "void", cast.wei, "411202001", at - day, voided_at=at)
    case(cast, "later", cast.wei, "411202001", at + day)
    contact(one, cast.zhu, at - 3 * day + timedelta(hours=23))
    contact(one, cast.yun, at - 2 * day)
    contact(two, cast.yun, at - timedelta(hours=5))
    contact(two, cast.tao, at - timedelta(hours=5), contact_class="general")
    contact(one, cast.tao, at - day, voided_at=at)
    return cast


def test_cases(city: "Cast", at: datetime) -> None:
    assert measure(city, "cases_reported", at) == {
        "411200": (4, None),
        COUNTY_A: (3, None),
        COUNTY_B: (1, None),
    }
    # c2 is a contact of c1, c3 names a source
    assert measure(city, "cases_with_source", at) == {"411200": (2, 4), COUNTY_A: (1, 3), COUNTY_B: (1, 1)}
    # c1 within 23 hours; c2 after 43; c3 never; c4 is not late yet
    assert measure(city, "cases_investigated", at) == {"411200": (1, 3), COUNTY_A: (1, 2), COUNTY_B: (0, 1)}
    assert measure(city, "onset_to_report", at) == {"411200": (3.0, None), COUNTY_A: (3.0, None)}
    assert measure(city, "contacts_a_case", at) == {"411200": (4, 4), COUNTY_A: (4, 3), COUNTY_B: (0, 1)}


def test_contacts_under_orders(city: "Cast", at: datetime) -> None:
    # nobody is under an order; Zhu and Yun are late, Yun's second contact is not yet
    assert measure(city, "contacts_ordered", at)["411200"] == (0, 2)


def test_contacts_under_orders_opened_at_once(town: "Cast", at: datetime) -> None:
    one = case(town, "c1", town.xia, "411202001", at - timedelta(hours=2))
    contact_add(actor=town.alice, case_id=one.pk, person_id=town.wei, at=at, last_exposure=date(2022, 7, 19))
    assert measure(town, "contacts_ordered", at + timedelta(hours=1)) == {
        "411200": (1, 1),
        COUNTY_A: (1, 1),
        COUNTY_B: (0, 0),
    }
    # a contact without evidence leads to no order, and after a day is seen to be without one
    contact_add(actor=town.alice, case_id=one.pk, person_id=town.yun, at=at)
    assert measure(town, "contacts_ordered", at + timedelta(hours=25))["411200"] == (1, 2)


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_the_list_behind_a_number_is_scoped(city: "Cast", at: datetime, name: str) -> None:
    listing = BY_ID[name].listing
    everything = city.path("411200")
    mine = list(listing(city.alice, everything, at))
    theirs = list(listing(city.dora, everything, at))
    assert mine
    assert not set(mine) & set(theirs)
    assert not list(listing(city.alice, city.path(COUNTY_B), at))
    for stranger in (city.chen, city.eva, city.ma, city.fang):
        assert not list(listing(stranger, everything, at))


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_queries_are_constant(city: "Cast", at: datetime, name: str) -> None:
    with CaptureQueriesContext(connection) as few:
        measure(city, name, at)
    one = Case.objects.get(case_id="c1")
    for number in range(10):
        case(city, f"x{number}", city.yun, "411202001", at, report_date=date(2022, 7, 20))
        contact(one, city.wei, at)
    with CaptureQueriesContext(connection) as many:
        measure(city, name, at)
    assert len(many) == len(few) <= 2
