from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvestigationConfig(AppConfig):
    name = "qipan.rooms.investigation"
    label = "investigation"

    def ready(self) -> None:
        from qipan.foundation.access import holdings
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators import registry
        from qipan.foundation.intake import kinds
        from qipan.foundation.pages import person_panels
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.investigation import exports
        from qipan.rooms.investigation.indicators import INDICATORS
        from qipan.rooms.investigation.intake import CASES, CONTACTS
        from qipan.rooms.investigation.selectors import find_cases, held_cases, held_exposures
        from qipan.rooms.investigation.web.person import case_actions, cases_panel, contacts_panel
        from qipan.terms.roles import Permission

        person_panels.register("cases", cases_panel, order=30)
        person_panels.register("contacts", contacts_panel, order=31)
        person_panels.register_actions("cases", case_actions, order=30)
        holdings.register("cases", _("Entered as a case"), held_cases, order=30)
        holdings.register("exposures", _("Exposures"), held_exposures, order=31)
        kinds.register(CASES)
        kinds.register(CONTACTS)
        for indicator in INDICATORS:
            registry.register(indicator)
        register_finder("cases", _("Cases"), Permission.CASE_VIEW, find_cases)
        register_export(exports.CASES)
        register_export(exports.CONTACTS)
