from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "qipan.rooms.organizations"
    label = "organizations"
