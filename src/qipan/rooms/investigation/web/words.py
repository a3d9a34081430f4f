"""What the pages of this room say: outcomes, colours and shapes of classifications, settings."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from qipan.foundation.clock import civil_zone, local_date
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import Grave, register_words
from qipan.rooms.investigation.models import Case
from qipan.terms.evidence import Classification

register_words(
    Case.Outcome,
    {
        "recovered": (_("recovered"), Grave.GOOD),
        "died": (_("died"), Grave.QUIET),
        "unknown": (_("not known yet"), Grave.QUIET),
    },
)

#: classification -> palette of charts.js, in the order in which bars are stacked
COLOURS: Mapping[str, str] = {
    Classification.CONFIRMED.value: "vermilion",
    Classification.ASYMPTOMATIC.value: "orange",
    Classification.PROBABLE.value: "blue",
    Classification.SUSPECTED.value: "sky",
    Classification.DISCARDED.value: "grey",
}
#: classification -> (colour, shape), for pictures of chains: never by colour alone
MARKS: Mapping[str, tuple[str, str]] = {
    Classification.CONFIRMED.value: ("#D55E00", "ellipse"),
    Classification.ASYMPTOMATIC.value: ("#E69F00", "diamond"),
    Classification.PROBABLE.value: ("#0072B2", "rectangle"),
    Classification.SUSPECTED.value: ("#56B4E9", "triangle"),
}

_SETTINGS: Mapping[str, Words] = {
    "household": _("household"),
    "workplace": _("workplace"),
    "school": _("school"),
    "transport": _("transport"),
    "meal": _("meal"),
    "community": _("community"),
    "hospital": _("hospital"),
    "shop": _("shop"),
    "unknown": _("not known"),
}
_SEXES: Mapping[str, Words] = {"male": _("male"), "female": _("female")}


def setting_words(setting: str) -> Words:
    """Where the exposure was: a known word translated, anything else as it came."""
    return _SETTINGS.get(setting, setting)


def sex_words(sex: str) -> Words:
    """Sex, "" where it is not known."""
    return _SEXES.get(sex, "")


def age_of(case: Any) -> int | None:
    """Age at report, to the year; None where the year of birth is not held."""
    born = case.person.birth_year
    day = case.report_date or case.onset_date or local_date(case.recorded_at, civil_zone())
    return None if born is None else max(day.year - born, 0)
