from django.apps import AppConfig


class ControlConfig(AppConfig):
    name = "qipan.rooms.control"
    label = "control"

    def ready(self) -> None:
        """Make the room's files and numbers known."""
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators.registry import register as register_indicator
        from qipan.foundation.intake.kinds import register as register_kind
        from qipan.rooms.control import exports
        from qipan.rooms.control.indicators import INDICATORS
        from qipan.rooms.control.intake import EVIDENCE

        register_kind(EVIDENCE)
        for indicator in INDICATORS:
            register_indicator(indicator)
        register_export(exports.EVIDENCE)
