from django.apps import AppConfig


class CommandConfig(AppConfig):
    name = "qipan.rooms.command"
    label = "command"
