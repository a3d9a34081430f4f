from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QuarantineConfig(AppConfig):
    name = "qipan.rooms.quarantine"
    label = "quarantine"

    def ready(self) -> None:
        from qipan.foundation.access import holdings
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators.registry import register
        from qipan.foundation.intake.kinds import register as register_kind
        from qipan.foundation.pages import person_panels
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.quarantine import exports
        from qipan.rooms.quarantine.indicators import INDICATORS
        from qipan.rooms.quarantine.intake import ROOMS
        from qipan.rooms.quarantine.selectors import find_sites
        from qipan.rooms.quarantine.web.person import held_stays, stays_panel
        from qipan.terms.roles import Permission

        for indicator in INDICATORS:
            register(indicator)
        register_kind(ROOMS)
        person_panels.register("stays", stays_panel, order=40)
        holdings.register("stays", _("Stays in quarantine sites"), held_stays, order=40)
        register_finder("sites", _("Quarantine sites"), Permission.ROOM_VIEW, find_sites)
        register_export(exports.ROOMS)
