"""What this room shows on a person's page: the cases that the person was, and the exposures."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column
from qipan.foundation.pages.detail_page import Action, Panel
from qipan.foundation.pages.page import address
from qipan.rooms.investigation.selectors import cases_of_person, contacts_of_person
from qipan.rooms.investigation.web.cases import CLASSIFICATION, ONSET, REPORT
from qipan.rooms.investigation.web.contacts import CASE, CLASS, LAST, SETTING
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

_MOST = 10
_CASE = Column(key="case_id", title=_("Case"), link="case")


def cases_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The cases of a person; nothing where there is none, so that nobody is called a case by an empty box."""
    rows = list(cases_of_person(actor, person_id)[:_MOST])
    return Panel(_("Cases"), (_CASE, CLASSIFICATION, ONSET, REPORT), rows) if rows else None


def contacts_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """To which cases a person was exposed."""
    rows = list(contacts_of_person(actor, person_id).select_related("from_case")[:_MOST])
    return Panel(_("Exposures"), (CASE, CLASS, LAST, SETTING), rows) if rows else None


def case_actions(actor: Actor, person_id: int, area_path: str, at: datetime) -> Sequence[Action]:
    """Entering this person as a case."""
    if not actor.may(Permission.CASE_EDIT, area_path):
        return ()
    return (Action(_("Add a case"), f"{address('case-add')}?person={person_code(person_id)}", grave=True),)
