"""What other rooms' pages show of the visits to a person: the panel of his page, what he is told is held about him."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, Panel
from qipan.foundation.pages.page import address
from qipan.foundation.pages.words import word
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.selectors import list_visits, visit_order
from qipan.rooms.fieldwork.web.shown import PassedTo
from qipan.terms.evidence import FollowUpOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

_MOST = 10


def visits_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The visits that this reader may see, the newest first. One query."""
    if not actor.areas_for(Permission.VISIT_VIEW):
        return None
    rows = list(list_visits(actor).filter(person_id=person_id).order_by("-visited_at")[: _MOST + 1])
    if not rows:
        return None
    columns = (
        Column(key="visited_at", title=_("Visited"), kind=Kind.INSTANT, link="visit"),
        Column(key="outcome", title=_("Outcome"), kind=Kind.WORD, words=FollowUpOutcome),
        Column(key="passed_to", title=_("Passed on"), kind=Kind.WORD, words=PassedTo),
    )
    more = f"{address('visits')}?person={person_code(person_id)}" if len(rows) > _MOST else ""
    return Panel(_("Visits"), columns, rows[:_MOST], more=more)


def visit_actions(actor: Actor, person_id: int, area_path: str, at: datetime) -> Sequence[Action]:
    """To record a visit while an order at home binds, for whoever records visits there."""
    if not actor.may(Permission.VISIT_RECORD, area_path):
        return ()
    order_id = visit_order(actor, person_id, at)
    return () if order_id is None else (Action(_("Record a visit"), address("visit-record", order_id)),)


def held_visits(person_id: int) -> Sequence[str]:
    """A line in plain words for each visit. One query. For the person's own page."""
    return [
        gettext("%(moment)s: %(outcome)s") % {
            "moment": formats.moment_text(visit.visited_at), "outcome": word(FollowUpOutcome, visit.outcome),
        }
        for visit in Visit.objects.filter(person_id=person_id).order_by("visited_at")
    ]  # fmt: skip

