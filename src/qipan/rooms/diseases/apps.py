from django.apps import AppConfig


class DiseasesConfig(AppConfig):
    name = "qipan.rooms.diseases"
    label = "diseases"
