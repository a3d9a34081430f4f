from django.apps import AppConfig


class PersonsConfig(AppConfig):
    name = "qipan.rooms.persons"
    label = "persons"

    def ready(self) -> None:
        from qipan.foundation.intake.kinds import register
        from qipan.foundation.pages.names import register as register_vault
        from qipan.rooms.persons.intake import KIND
        from qipan.rooms.persons.web.vault import open_names, purposes

        register(KIND)
        register_vault(open_names, purposes)
