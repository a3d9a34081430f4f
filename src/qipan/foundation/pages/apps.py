from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "qipan.foundation.pages"
    label = "pages"
