"""The words of this room: states, facts in plain words, who wrote what."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages import formats
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import Grave, register_words, word
from qipan.rooms.control.models import Appeal, Evidence
from qipan.rooms.control.rules import OrderState
from qipan.rooms.control.selectors import Ground, Line
from qipan.terms.evidence import (
    Classification,
    ContactClass,
    EvidenceKind,
    FollowUpOutcome,
    OrderKind,
    TestOutcome,
)

register_words(
    OrderState,
    {
        "coming": (_("not begun yet"), Grave.INFO),
        "binding": (_("in force"), Grave.WARN),
        "awaiting": (_("awaiting result"), Grave.ALARM),
        "ended": (_("ended"), Grave.QUIET),
        "lapsed": (_("lapsed"), Grave.QUIET),
        "released": (_("released"), Grave.GOOD),
        "replaced": (_("replaced"), Grave.QUIET),
    },
)
register_words(
    Appeal.State,
    {
        "open": (_("open"), Grave.WARN),
        "upheld": (_("upheld: the order stands"), Grave.QUIET),
        "granted": (_("granted: the order ended"), Grave.GOOD),
        "released": (_("released by default"), Grave.ALARM),
        "moot": (_("moot: the order had ended"), Grave.QUIET),
    },
)
_LEVELS = {
    "high": _("high risk"), "medium": _("medium risk"), "mid": _("medium risk"), "middle": _("medium risk"),
    "low": _("low risk"), "unknown": _("unknown risk"),
}  # fmt: skip
#: what an exposure's setting is called; other settings are shown as they were written
SETTINGS = {
    "household": _("household"), "work": _("work"), "workplace": _("workplace"), "school": _("school"),
    "transport": _("transport"), "shop": _("shop"), "restaurant": _("restaurant"), "hospital": _("hospital"),
    "gathering": _("gathering"), "community": _("community"), "other": _("other"),
}  # fmt: skip
_STEPS = {
    "opened": _("The order was made"),
    "appealed": _("An appeal was opened"),
    "appeal_upheld": _("The appeal was answered: the order stands"),
    "appeal_granted": _("The appeal was granted"),
    "appeal_released": _("Nobody answered the appeal in time: released by default"),
    "appeal_moot": _("The order ended before the appeal was answered"),
    "lapsed": _("It lapsed at its end"),
    "released": _("It was released: the rulebook no longer asks for it"),
    "replaced": _("It was replaced by another order"),
}
#: actions of the log in the words of a reader who is not from the house
_ACTIONS = {
    "identity.open": _("Your identity was opened"),
    "identity.search": _("You were found by name, number or phone"),
    "identity.record": _("Your identity was recorded"),
    "person.register": _("You were registered"),
    "person.move": _("Your place of residence was changed"),
    "person.purge": _("Your identity was destroyed"),
    "personal_link.issue": _("This personal link was issued"),
    "personal_link.revoke": _("A personal link was taken back"),
    "evidence.record": _("A fact about you was recorded"),
    "evidence.void": _("A fact about you was taken back"),
    "appeal.open": _("An appeal was opened"),
    "appeal.decide": _("An appeal was answered"),
    "appeal.release": _("An appeal was not answered in time: released by default"),
}
#: causes of orders in the words of the house
_CAUSES = {
    "evidence.record": _("a fact was recorded"),
    "evidence.void": _("a fact was taken back"),
    "evidence.void_batch": _("a batch was taken back"),
    "decision.refresh": _("the daily cycle decided again"),
    "decision.rebuild": _("all decisions were rebuilt"),
    "appeal.open": _("an appeal was opened"),
    "appeal.decide": _("an appeal was answered"),
    "appeal.release": _("an appeal went unanswered for 24 hours"),
}


def language() -> str:
    """The reader's language, as rulebooks want it."""
    return get_language() or "en"


def step_words(what: str) -> Words:
    """A step in the life of an order."""
    return _STEPS.get(what, what)


def cause_words(entry: AuditEntry | None) -> Words:
    """What the entry of the log says happened."""
    return "" if entry is None else _CAUSES.get(entry.action, entry.action)


def action_words(action: str) -> Words:
    """An action of the log for the person whom it concerns."""
    return _ACTIONS.get(action, _("An entry was made about you"))


def rule_words(ground: Ground) -> str:
    """The rule in plain words; its id where its book is not here."""
    return ground.words.say(language()) if ground.words is not None else ground.rule


def value_words(kind: str, value: Mapping[str, Any]) -> str:
    """What a fact says, in one line."""
    said = list(_said(EvidenceKind(kind), value))
    return " · ".join(str(each) for each in said if each not in (None, ""))


def _said(kind: EvidenceKind, value: Mapping[str, Any]) -> Sequence[Any]:
    match kind:
        case EvidenceKind.TEST:
            ct = value.get("ct")
            return (word(TestOutcome, value.get("result")), value.get("method"), f"Ct {ct}" if ct is not None else "")
        case EvidenceKind.EXPOSURE:
            first, last = value.get("first"), value.get("last")
            days = _day(last) if first == last else f"{_day(first)} – {_day(last)}"
            setting = str(value.get("setting", ""))
            minutes = value.get("minutes")
            length = gettext("%(n)s minutes together") % {"n": formats.number(minutes)} if minutes is not None else ""
            return (word(ContactClass, value.get("class")), days, SETTINGS.get(setting, setting), length)
        case EvidenceKind.ARRIVAL:
            return (gettext("from %(place)s") % {"place": value.get("origin_area", "")},)
        case EvidenceKind.RESIDENCE:
            return (value.get("area"), _LEVELS.get(str(value.get("level", "")), value.get("level")))
        case EvidenceKind.SYMPTOM:
            return (_listed(value.get("symptoms")), _degrees(value.get("temperature")))
        case EvidenceKind.DIAGNOSIS:
            onset = value.get("onset_date")
            begun = gettext("onset %(day)s") % {"day": _day(onset)} if onset else ""
            return (word(Classification, value.get("classification")), begun, value.get("place"), value.get("group"))
        case EvidenceKind.EXEMPTION:
            until = gettext("until %(day)s") % {"day": _day(value.get("until"))}
            return (gettext("free from %(order)s") % {"order": word(OrderKind, value.get("order_kind"))}, until)
        case EvidenceKind.FOLLOW_UP:
            return (
                word(FollowUpOutcome, value.get("outcome")), _degrees(value.get("temperature")),
                _listed(value.get("symptoms")),
            )  # fmt: skip
        case _:
            return ()


def _day(text: Any) -> str:
    try:
        return formats.day_text(date.fromisoformat(str(text)[:10]))
    except ValueError:
        return str(text or "")


def _degrees(number: Any) -> str:
    return f"{number} °C" if number is not None else ""


def _listed(symptoms: Any) -> str:
    if isinstance(symptoms, list | tuple):
        return ", ".join(str(each) for each in symptoms)
    return str(symptoms or "")


def fact_words(row: Evidence) -> str:
    """A fact in one line: what, and what it says."""
    said = value_words(row.kind, row.value)
    kind = str(word(EvidenceKind, row.kind))
    return f"{kind}: {said}" if said else kind


def void_words(line: Line) -> str:
    """Why a fact was taken back."""
    if line.why:
        return line.why
    if line.void_batch is not None:
        return gettext("Batch %(batch)s was taken back as a whole.") % {"batch": line.void_batch}
    return gettext("No reason is written down.") if line.void is not None else ""


class Names:
    """The names of users and units, asked once for a page."""

    def __init__(self, users: Collection[int | None] = (), units: Collection[int | None] = ()) -> None:
        self._users = names_of("user", [each for each in users if each is not None])
        self._units = names_of("unit", [each for each in units if each is not None])

    @classmethod
    def of(cls, entries: Collection[AuditEntry | None]) -> "Names":
        """Of those who wrote these entries."""
        there = [entry for entry in entries if entry is not None]
        return cls([entry.actor_user_id for entry in there], [entry.actor_unit_id for entry in there])

    def user(self, user_id: int | None) -> str:
        """A user by name."""
        if user_id is None:
            return gettext("the system")
        return self._users.get(user_id, gettext("user %(id)s") % {"id": user_id})

    def unit(self, unit_id: int | None) -> str:
        """A unit by name; "" for none."""
        if unit_id is None:
            return ""
        return self._units.get(unit_id, gettext("unit %(id)s") % {"id": unit_id})

    def who(self, entry: AuditEntry | None) -> str:
        """Who wrote an entry: the person and the unit, or the machinery by its own name."""
        if entry is None:
            return ""
        if entry.actor_user_id is None:
            return self.label(entry.actor_label)
        return " · ".join(part for part in (self.user(entry.actor_user_id), self.unit(entry.actor_unit_id)) if part)

    def office(self, entry: AuditEntry) -> str:
        """Which office wrote an entry, without the name of whoever sat there."""
        if entry.actor_user_id is None:
            return self.label(entry.actor_label)
        return self.unit(entry.actor_unit_id) or gettext("an office")

    @staticmethod
    def label(label: str) -> str:
        """Machinery and residents by name."""
        if label == "system":
            return gettext("the daily cycle")
        return gettext("the person himself or herself") if label == "resident" else label
