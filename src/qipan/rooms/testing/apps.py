from django.apps import AppConfig


class TestingConfig(AppConfig):
    name = "qipan.rooms.testing"
    label = "testing"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators import registry
        from qipan.foundation.intake import kinds
        from qipan.rooms.testing import exports
        from qipan.rooms.testing.indicators import INDICATORS
        from qipan.rooms.testing.intake import TESTS

        kinds.register(TESTS)
        for indicator in INDICATORS:
            registry.register(indicator)
        register_export(exports.TESTS)
