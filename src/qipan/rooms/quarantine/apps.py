from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    name = "qipan.rooms.quarantine"
    label = "quarantine"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators.registry import register
        from qipan.foundation.intake.kinds import register as register_kind
        from qipan.rooms.quarantine import exports
        from qipan.rooms.quarantine.indicators import INDICATORS
        from qipan.rooms.quarantine.intake import ROOMS

        for indicator in INDICATORS:
            register(indicator)
        register_kind(ROOMS)
        register_export(exports.ROOMS)
