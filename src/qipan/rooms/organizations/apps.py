from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "qipan.rooms.organizations"
    label = "organizations"

    def ready(self) -> None:
        from qipan.foundation.access.acting import register_actor_builder
        from qipan.rooms.organizations.selectors import actor_for

        register_actor_builder(actor_for)
