"""The root navigation: every section, in order, with the permissions of which one opens it.

A room's pages name their section (`Page.section`); a new room adds its line here.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.page import Words
from qipan.terms.roles import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """A section: its name in `Page.section`, its title, the name of its URL. No permissions: everybody."""

    name: str
    title: Words
    url: str
    permissions: tuple[Permission, ...] = ()


SECTIONS = (
    Entry("board", _("Board"), "board", (Permission.INDICATOR_VIEW,)),
    Entry("cases", _("Cases"), "cases", (Permission.CASE_VIEW,)),
    Entry("people", _("People"), "persons", (Permission.PERSON_VIEW,)),
    Entry("orders", _("Orders"), "orders", (Permission.ORDER_VIEW,)),
    Entry("appeals", _("Appeals"), "appeals", (Permission.APPEAL_VIEW,)),
    Entry("testing", _("Testing"), "test-results", (Permission.TEST_VIEW,)),
    Entry("quarantine", _("Quarantine"), "sites", (Permission.ROOM_VIEW,)),
    Entry("field", _("Field"), "field-work", (Permission.VISIT_VIEW,)),
    Entry("rulebooks", _("Rulebooks"), "rulebooks", (Permission.RULEBOOK_VIEW,)),
    Entry("imports", _("Imports"), "imports", (Permission.BATCH_VIEW,)),
    Entry("areas", _("Areas"), "areas", (Permission.AREA_VIEW,)),
    Entry("units", _("Units"), "units", (Permission.UNIT_VIEW,)),
    Entry("users", _("Users"), "users", (Permission.USER_MANAGE,)),
    Entry("jobs", _("Jobs"), "jobs", (Permission.JOB_VIEW,)),
    Entry("log", _("Log"), "log", (Permission.AUDIT_VIEW,)),
)
