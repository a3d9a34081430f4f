from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "qipan.foundation.jobs"
    label = "jobs"

    def ready(self) -> None:
        from qipan.foundation.jobs.log_check import LOG_CHECK
        from qipan.foundation.jobs.registry import register

        register(LOG_CHECK)
