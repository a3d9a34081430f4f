from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ControlConfig(AppConfig):
    name = "qipan.rooms.control"
    label = "control"

    def ready(self) -> None:
        """Make the room's files and numbers known."""
        from qipan.foundation.indicators.registry import register as register_indicator
        from qipan.foundation.intake.kinds import register as register_kind
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.control.indicators import INDICATORS
        from qipan.rooms.control.intake import EVIDENCE
        from qipan.rooms.control.selectors import find_order
        from qipan.terms.roles import Permission

        register_kind(EVIDENCE)
        for indicator in INDICATORS:
            register_indicator(indicator)
        register_finder("orders", _("Orders"), Permission.ORDER_VIEW, find_order)
