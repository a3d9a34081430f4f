from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    name = "qipan.rooms.quarantine"
    label = "quarantine"
