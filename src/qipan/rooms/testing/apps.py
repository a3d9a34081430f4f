from django.apps import AppConfig


class TestingConfig(AppConfig):
    name = "qipan.rooms.testing"
    label = "testing"
