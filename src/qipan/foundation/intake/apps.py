from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "qipan.foundation.intake"
    label = "intake"

    def ready(self) -> None:
        from qipan.foundation.intake.running import JOBS
        from qipan.foundation.jobs.registry import register

        for kind in JOBS:
            register(kind)
