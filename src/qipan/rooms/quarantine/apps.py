from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    name = "qipan.rooms.quarantine"
    label = "quarantine"

    def ready(self) -> None:
        from qipan.foundation.indicators.registry import register
        from qipan.rooms.quarantine.indicators import INDICATORS

        for indicator in INDICATORS:
            register(indicator)
