from django.apps import AppConfig


class GeographyConfig(AppConfig):
    name = "qipan.rooms.geography"
    label = "geography"
