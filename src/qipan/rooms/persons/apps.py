from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PersonsConfig(AppConfig):
    name = "qipan.rooms.persons"
    label = "persons"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.intake.kinds import register
        from qipan.foundation.pages.names import register as register_vault
        from qipan.rooms.persons import exports
        from qipan.rooms.persons.intake import KIND
        from qipan.rooms.persons.web.vault import open_names, purposes

        register(KIND)
        register_vault(open_names, purposes)
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.persons.intake import KIND
        from qipan.rooms.persons.selectors import find_by_code
        from qipan.terms.roles import Permission

        register(KIND)
        register_finder("people", _("People"), Permission.PERSON_VIEW, find_by_code)
        register_export(exports.PERSONS)
