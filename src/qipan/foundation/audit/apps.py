from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "qipan.foundation.audit"
    label = "audit"
