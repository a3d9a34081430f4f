from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "qipan.rooms.organizations"
    label = "organizations"

    def ready(self) -> None:
        from qipan.foundation.access.selectors import user_labels
        from qipan.foundation.pages.lookups import register as register_lookup
        from qipan.rooms.organizations.selectors import unit_labels

        register_lookup("user", user_labels)
        register_lookup("unit", unit_labels)
