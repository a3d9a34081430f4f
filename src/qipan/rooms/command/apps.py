from django.apps import AppConfig


class CommandConfig(AppConfig):
    name = "qipan.rooms.command"
    label = "command"

    def ready(self) -> None:
        from qipan.foundation.indicators.registry import register
        from qipan.rooms.command.indicators import INDICATORS

        for indicator in INDICATORS:
            register(indicator)
