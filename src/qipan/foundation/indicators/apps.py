from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "qipan.foundation.indicators"
    label = "indicators"
