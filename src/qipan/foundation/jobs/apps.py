from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "qipan.foundation.jobs"
    label = "jobs"
