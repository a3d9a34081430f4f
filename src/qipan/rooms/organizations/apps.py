from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganizationsConfig(AppConfig):
    name = "qipan.rooms.organizations"
    label = "organizations"

    def ready(self) -> None:
        from qipan.foundation.access.selectors import user_labels
        from qipan.foundation.pages.lookups import register as register_lookup
        from qipan.rooms.organizations.selectors import unit_labels

        register_lookup("user", user_labels)
        register_lookup("unit", unit_labels)
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.organizations.selectors import find_accounts, find_units
        from qipan.terms.roles import Permission
        register_finder("units", _("Units"), Permission.UNIT_VIEW, find_units)
        register_finder("users", _("Users"), Permission.USER_MANAGE, find_accounts)
        from qipan.foundation.access.acting import register_actor_builder
        from qipan.rooms.organizations.selectors import actor_for

        register_actor_builder(actor_for)
