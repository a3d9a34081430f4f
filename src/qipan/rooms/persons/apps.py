from django.apps import AppConfig


class PersonsConfig(AppConfig):
    name = "qipan.rooms.persons"
    label = "persons"
