from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "qipan.web"
    label = "web"
