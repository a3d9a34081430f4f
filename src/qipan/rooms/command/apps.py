from django.apps import AppConfig


class CommandConfig(AppConfig):
    name = "qipan.rooms.command"
    label = "command"

    def ready(self) -> None:
        from qipan.foundation.jobs.registry import register
        from qipan.rooms.command.services import DAY_JOB

        register(DAY_JOB)
