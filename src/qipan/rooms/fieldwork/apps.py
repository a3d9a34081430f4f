from django.apps import AppConfig


class FieldworkConfig(AppConfig):
    name = "qipan.rooms.fieldwork"
    label = "fieldwork"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from qipan.foundation.access import holdings
        from qipan.foundation.indicators.registry import register
        from qipan.foundation.pages import person_panels
        from qipan.rooms.fieldwork.indicators import INDICATORS
        from qipan.rooms.fieldwork.web.person import held_visits, visit_actions, visits_panel

        for indicator in INDICATORS:
            register(indicator)
        person_panels.register("visits", visits_panel, order=50)
        person_panels.register_actions("visits", visit_actions, order=50)
        holdings.register("visits", _("Visits at the door"), held_visits, order=50)
