from django.apps import AppConfig


class FieldworkConfig(AppConfig):
    name = "qipan.rooms.fieldwork"
    label = "fieldwork"
