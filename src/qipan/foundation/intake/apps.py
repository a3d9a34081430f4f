from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "qipan.foundation.intake"
    label = "intake"
