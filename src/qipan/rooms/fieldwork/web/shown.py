"""What the pages of this room share: words, and what an outcome leads to, said before and after."""

from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.words import Grave, register_words
from qipan.rooms.fieldwork.models import Visit
from qipan.terms.evidence import FollowUpOutcome

if TYPE_CHECKING:
    from datetime import date


class Task(StrEnum):
    """What is to be done for somebody."""

    VISIT = "visit"
    TEST = "test"


class TaskState(StrEnum):
    """How far it is."""

    OVERDUE = "overdue"
    DUE = "due"
    DONE = "done"
    TRIED = "tried"


class PassedTo(StrEnum):
    """Who takes over."""

    TRACER = "tracer"
    SUPERVISOR = "supervisor"


register_words(Task, {"visit": (_("visit"), Grave.QUIET), "test": (_("sample"), Grave.QUIET)})
register_words(
    TaskState,
    {
        "overdue": (_("overdue"), Grave.ALARM),
        "due": (_("due"), Grave.WARN),
        "done": (_("done"), Grave.GOOD),
        "tried": (_("tried, again another day"), Grave.INFO),
    },
)
register_words(
    PassedTo, {"tracer": (_("to the tracer"), Grave.WARN), "supervisor": (_("to the supervisor"), Grave.WARN)}
)


def will_follow(outcome: FollowUpOutcome, again: str, passed_to: str) -> str:
    """What recording this outcome leads to, before it is recorded."""
    if outcome is FollowUpOutcome.WELL:
        return gettext("Seen today: nobody has to come again before tomorrow.")
    if outcome is FollowUpOutcome.SYMPTOMATIC:
        return gettext(
            "It goes into the ledger and the rulebook decides at once, for example a test. Call the doctor if the "
            "person feels ill."
        )
    if outcome is FollowUpOutcome.REFUSED:
        return gettext("The supervisor takes over, somebody comes again tomorrow. Do not argue at the door.")
    if passed_to:
        return gettext("The third time in a row: the tracer takes over, and somebody comes again.")
    if again == "today":
        return gettext("The door stays on your list: try again later today.")
    return gettext("Somebody comes again tomorrow.")


def follows(visit: Visit, today: "date") -> str:
    """What a recorded visit led to."""
    said = []
    if visit.passed_to == PassedTo.TRACER:
        said.append(gettext("The tracer takes over."))
    if visit.passed_to == PassedTo.SUPERVISOR:
        said.append(gettext("The supervisor takes over."))
    if visit.again_on == today:
        said.append(gettext("Try again later today."))
    elif visit.again_on is not None:
        said.append(gettext("Again on %(day)s.") % {"day": formats.day_text(visit.again_on)})
    return " ".join(said)
