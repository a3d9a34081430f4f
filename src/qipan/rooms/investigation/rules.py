"""What cases and contacts mean for the ledger. Pure: local days in, evidence values out."""

from datetime import date, timedelta
from typing import Any

from qipan.terms.evidence import Classification, ContactClass

#: Onset is at most this long after the report: half as long again as the longest incubation (14 days, plan
#: of the 8th edition). What lies beyond is an exchanged day and month, not a course of disease.
ONSET_AFTER_REPORT = timedelta(days=21)
#: The oldest person on record was 122.
OLDEST = 125


def diagnosis_value(classification: Classification, onset: date | None) -> dict[str, Any]:
    """The ledger's value of a case's classification."""
    value: dict[str, Any] = {"classification": classification.value}
    if onset is not None:
        value["onset_date"] = onset.isoformat()
    return value


def diagnosis_day(report: date | None, onset: date | None, recorded: date) -> date:
    """The local day of which the diagnosis is evidence: of the report, else of onset, else of recording."""
    return report or onset or recorded


def exposure_window(first: date | None, last: date | None) -> tuple[date, date] | None:
    """First and last day of exposure as far as known: one day known is that day's exposure; none is no
    evidence, whatever might be guessed from the case.
    """
    if first is None and last is None:
        return None
    known_first, known_last = first or last, last or first
    assert known_first is not None
    assert known_last is not None
    return known_first, known_last


def exposure_value(
    *,
    window: tuple[date, date],
    contact_class: ContactClass,
    setting: str,
    minutes: int | None,
    distance_m: float | None,
) -> dict[str, Any]:
    """The ledger's value of an exposure; `setting` "unknown" where nobody said."""
    value: dict[str, Any] = {
        "first": window[0].isoformat(),
        "last": window[1].isoformat(),
        "setting": setting or "unknown",
        "class": contact_class.value,
    }
    if minutes is not None:
        value["minutes"] = minutes
    if distance_m is not None:
        value["distance_m"] = distance_m
    return value


def linked_person(contact_class: ContactClass, *, case_person: int, via_person: int | None) -> int | None:
    """Whose evidence the exposure hangs on: the case's; of a contact's contact the contact's, if he is known.

    A contact's contact must not be linked to the case: the 9th edition makes him a contact as soon as the
    linked person tests positive, which a case has.
    """
    return via_person if contact_class is ContactClass.SECONDARY else case_person
