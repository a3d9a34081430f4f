"""What this room shows on a person's page: the results, from the ledger, which has them by person."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Panel
from qipan.rooms.persons.selectors import person_refs
from qipan.rooms.testing.selectors import facts_of_person
from qipan.terms.evidence import TestOutcome
from qipan.terms.roles import Actor, Permission

_MOST = 10


def _value(name: str) -> Any:
    return lambda fact: fact.value.get(name)


def tests_panel(actor: Actor, person_id: int, at: datetime) -> Panel | None:
    """The last results of a person."""
    ref = person_refs([person_id]).get(person_id)
    if ref is None or not actor.may(Permission.TEST_VIEW, ref.area_path):
        return None
    columns = (
        Column(key="at", title=_("Sampled"), kind=Kind.INSTANT, link="evidence"),
        Column(key="result", title=_("Result"), kind=Kind.WORD, words=TestOutcome, value=_value("result")),
        Column(key="method", title=_("Method"), value=_value("method")),
        Column(key="ct", title=_("Ct value"), kind=Kind.NUMBER, value=_value("ct")),
    )
    rows = list(facts_of_person(actor, person_id)[:_MOST])
    return Panel(_("Test results"), columns, rows, _("No result is in the ledger."))
