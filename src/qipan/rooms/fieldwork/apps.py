from django.apps import AppConfig


class FieldworkConfig(AppConfig):
    name = "qipan.rooms.fieldwork"
    label = "fieldwork"

    def ready(self) -> None:
        from qipan.foundation.indicators.registry import register
        from qipan.rooms.fieldwork.indicators import INDICATORS

        for indicator in INDICATORS:
            register(indicator)
