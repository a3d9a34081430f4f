from django.apps import AppConfig


class TestingConfig(AppConfig):
    name = "qipan.rooms.testing"
    label = "testing"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from qipan.foundation.access import holdings
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators import registry
        from qipan.foundation.intake import kinds
        from qipan.foundation.pages import person_panels
        from qipan.rooms.testing import exports
        from qipan.rooms.testing.indicators import INDICATORS
        from qipan.rooms.testing.intake import TESTS
        from qipan.rooms.testing.selectors import held_tests
        from qipan.rooms.testing.web.person import tests_panel

        person_panels.register("tests", tests_panel, order=60)
        holdings.register("tests", _("Test results"), held_tests, order=60)
        kinds.register(TESTS)
        for indicator in INDICATORS:
            registry.register(indicator)
        register_export(exports.TESTS)
