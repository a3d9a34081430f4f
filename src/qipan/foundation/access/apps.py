from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "qipan.foundation.access"
    label = "access"
