from django.apps import AppConfig


class PersonsConfig(AppConfig):
    name = "qipan.rooms.persons"
    label = "persons"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.intake.kinds import register
        from qipan.rooms.persons import exports
        from qipan.rooms.persons.intake import KIND

        register(KIND)
        register_export(exports.PERSONS)
