from datetime import date

import pytest

from qipan.rooms.investigation.rules import (
    diagnosis_day,
    diagnosis_value,
    exposure_value,
    exposure_window,
    linked_person,
)
from qipan.terms.evidence import VALUE_KEYS, Classification, ContactClass, EvidenceKind

D1, D2, D3 = date(2022, 7, 1), date(2022, 7, 2), date(2022, 7, 3)


@pytest.mark.parametrize(
    ("first", "last", "window"),
    [(D1, D2, (D1, D2)), (None, D2, (D2, D2)), (D1, None, (D1, D1)), (None, None, None)],
)
def test_exposure_window_says_what_is_known_and_no_more(
    first: date | None, last: date | None, window: tuple[date, date] | None
) -> None:
    assert exposure_window(first, last) == window


def test_a_contacts_contact_is_never_linked_to_the_case() -> None:
    assert linked_person(ContactClass.CLOSE, case_person=1, via_person=None) == 1
    assert linked_person(ContactClass.GENERAL, case_person=1, via_person=None) == 1
    assert linked_person(ContactClass.SECONDARY, case_person=1, via_person=2) == 2
    assert linked_person(ContactClass.SECONDARY, case_person=1, via_person=None) is None


def test_values_have_the_keys_of_their_kind() -> None:
    exposure = exposure_value(
        window=(D1, D2), contact_class=ContactClass.CLOSE, setting="", minutes=30, distance_m=0.5
    )
    assert exposure == {
        "first": "2022-07-01",
        "last": "2022-07-02",
        "setting": "unknown",
        "class": "close",
        "minutes": 30,
        "distance_m": 0.5,
    }
    diagnosis = diagnosis_value(Classification.CONFIRMED, D1)
    for kind, value in ((EvidenceKind.EXPOSURE, exposure), (EvidenceKind.DIAGNOSIS, diagnosis)):
        required, optional = VALUE_KEYS[kind]
        assert set(required) <= set(value) <= set(required + optional)
    assert diagnosis_value(Classification.SUSPECTED, None) == {"classification": "suspected"}


def test_a_diagnosis_is_of_the_report_else_of_onset_else_of_recording() -> None:
    assert diagnosis_day(D2, D1, D3) == D2
    assert diagnosis_day(None, D1, D3) == D1
    assert diagnosis_day(None, None, D3) == D3
