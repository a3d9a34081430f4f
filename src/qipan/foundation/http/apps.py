from django.apps import AppConfig


class HttpConfig(AppConfig):
    name = "qipan.foundation.http"
    label = "http"
