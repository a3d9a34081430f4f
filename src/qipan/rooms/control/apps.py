from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ControlConfig(AppConfig):
    name = "qipan.rooms.control"
    label = "control"

    def ready(self) -> None:
        """Make the room's files and numbers known."""

        from qipan.foundation.access import holdings
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators.registry import register as register_indicator
        from qipan.foundation.intake.kinds import register as register_kind
        from qipan.foundation.jobs.registry import register as register_job
        from qipan.foundation.pages import person_panels
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.control import exports
        from qipan.rooms.control.indicators import INDICATORS
        from qipan.rooms.control.intake import EVIDENCE
        from qipan.rooms.control.selectors import find_order
        from qipan.rooms.control.services.replays import REPLAY_JOB
        from qipan.rooms.control.web import person
        from qipan.rooms.control.web.holdings import held_facts, held_orders
        from qipan.terms.roles import Permission

        register_kind(EVIDENCE)
        for indicator in INDICATORS:
            register_indicator(indicator)
        register_job(REPLAY_JOB)
        person_panels.register("code", person.code_panel, order=10)
        person_panels.register("orders", person.orders_panel, order=20)
        person_panels.register("evidence", person.evidence_panel, order=70)
        person_panels.register("appeals", person.appeals_panel, order=80)
        person_panels.register_actions("control", person.actions, order=10)
        holdings.register("facts", _("Facts in the ledger"), held_facts, order=20)
        holdings.register("orders", _("Orders, of now and of the past"), held_orders, order=30)
        register_finder("orders", _("Orders"), Permission.ORDER_VIEW, find_order)
        register_export(exports.EVIDENCE)
