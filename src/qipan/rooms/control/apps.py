from django.apps import AppConfig


class ControlConfig(AppConfig):
    name = "qipan.rooms.control"
    label = "control"
