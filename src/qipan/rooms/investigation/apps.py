from django.apps import AppConfig


class InvestigationConfig(AppConfig):
    name = "qipan.rooms.investigation"
    label = "investigation"
