from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvestigationConfig(AppConfig):
    name = "qipan.rooms.investigation"
    label = "investigation"

    def ready(self) -> None:
        from qipan.foundation.indicators import registry
        from qipan.foundation.intake import kinds
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.investigation.indicators import INDICATORS
        from qipan.rooms.investigation.intake import CASES, CONTACTS
        from qipan.rooms.investigation.selectors import find_cases
        from qipan.terms.roles import Permission

        kinds.register(CASES)
        kinds.register(CONTACTS)
        for indicator in INDICATORS:
            registry.register(indicator)
        register_finder("cases", _("Cases"), Permission.CASE_VIEW, find_cases)
