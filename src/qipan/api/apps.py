from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "qipan.api"
    label = "api"
