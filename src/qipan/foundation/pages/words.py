"""The words of the vocabulary as people read them, with how grave each is (grey, blue, amber, red)."""

from enum import Enum, StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.page import Words
from qipan.terms.areas import AreaLevel
from qipan.terms.evidence import (
    Classification,
    ContactClass,
    EvidenceKind,
    FollowUpOutcome,
    HealthCode,
    OrderKind,
    TestOutcome,
)
from qipan.terms.roles import Role


class Grave(StrEnum):
    """How much a state asks for attention. Never by colour alone: the word stands beside it."""

    QUIET = "quiet"
    INFO = "info"
    WARN = "warn"
    ALARM = "alarm"
    GOOD = "good"


_WORDS: dict[type[Enum], dict[str, tuple[Words, Grave]]] = {
    AreaLevel: {
        "province": (_("province"), Grave.QUIET),
        "city": (_("city"), Grave.QUIET),
        "county": (_("county"), Grave.QUIET),
        "township": (_("township"), Grave.QUIET),
        "village": (_("village or community"), Grave.QUIET),
        "grid": (_("grid cell"), Grave.QUIET),
    },
    HealthCode: {
        "green": (_("green"), Grave.GOOD),
        "yellow": (_("yellow"), Grave.WARN),
        "red": (_("red"), Grave.ALARM),
    },
    OrderKind: {
        "isolate": (_("isolation"), Grave.ALARM),
        "quarantine_central": (_("central quarantine"), Grave.ALARM),
        "quarantine_home": (_("quarantine at home"), Grave.WARN),
        "monitor_home": (_("monitoring at home"), Grave.WARN),
        "test": (_("testing"), Grave.INFO),
    },
    Classification: {
        "suspected": (_("suspected"), Grave.WARN),
        "probable": (_("probable"), Grave.WARN),
        "confirmed": (_("confirmed"), Grave.ALARM),
        "asymptomatic": (_("asymptomatic"), Grave.ALARM),
        "discarded": (_("discarded"), Grave.QUIET),
    },
    ContactClass: {
        "close": (_("close contact"), Grave.ALARM),
        "secondary": (_("secondary contact"), Grave.WARN),
        "general": (_("general contact"), Grave.INFO),
    },
    TestOutcome: {
        "positive": (_("positive"), Grave.ALARM),
        "negative": (_("negative"), Grave.GOOD),
        "indeterminate": (_("indeterminate"), Grave.WARN),
    },
    FollowUpOutcome: {
        "well": (_("well"), Grave.GOOD),
        "symptomatic": (_("symptomatic"), Grave.ALARM),
        "not_found": (_("not found"), Grave.WARN),
        "refused": (_("refused"), Grave.WARN),
    },
    EvidenceKind: {
        "test": (_("test result"), Grave.QUIET),
        "exposure": (_("exposure"), Grave.QUIET),
        "arrival": (_("arrival"), Grave.QUIET),
        "residence": (_("residence in a risk area"), Grave.QUIET),
        "symptom": (_("symptoms"), Grave.QUIET),
        "diagnosis": (_("diagnosis"), Grave.QUIET),
        "recovery": (_("recovery"), Grave.QUIET),
        "exemption": (_("exemption"), Grave.QUIET),
        "follow_up": (_("follow-up"), Grave.QUIET),
        "correction": (_("correction"), Grave.QUIET),
    },
    Role: {
        "command": (_("command"), Grave.QUIET),
        "supervisor": (_("supervisor"), Grave.QUIET),
        "epidemiologist": (_("epidemiologist"), Grave.QUIET),
        "tracer": (_("tracer"), Grave.QUIET),
        "grid_worker": (_("grid worker"), Grave.QUIET),
        "site_manager": (_("quarantine-site manager"), Grave.QUIET),
        "clinician": (_("clinician"), Grave.QUIET),
        "laboratory": (_("laboratory"), Grave.QUIET),
        "privacy_officer": (_("privacy officer"), Grave.QUIET),
        "auditor": (_("auditor"), Grave.QUIET),
        "administrator": (_("administrator"), Grave.QUIET),
        "system": (_("the daily cycle"), Grave.QUIET),
    },
}


def register_words(enum: type[Enum], words: dict[str, tuple[Words, Grave]]) -> None:
    """Say the values of a room's own enumeration (called at import by the room's `web.py`).

    Raises ValueError where a value has no word.
    """
    if missing := {str(member.value) for member in enum} - set(words):
        raise ValueError(f"{enum.__name__}: no word for {sorted(missing)}")
    _WORDS[enum] = words


def word(enum: type[Enum], value: Any) -> Words:
    """The word for a value; the value itself where it is unknown, "" for none."""
    if value in (None, ""):
        return ""
    found = _WORDS.get(enum, {}).get(str(value))
    return found[0] if found else str(value)


def gravity(enum: type[Enum], value: Any) -> Grave:
    """How grave a value is."""
    found = _WORDS.get(enum, {}).get(str(value))
    return found[1] if found else Grave.QUIET


def choices(enum: type[Enum], *, leave_out: tuple[str, ...] = ()) -> list[tuple[str, Words]]:
    """(value, word) of an enumeration, in its own order, for forms and filters."""
    return [(str(m.value), word(enum, m.value)) for m in enum if str(m.value) not in leave_out]
