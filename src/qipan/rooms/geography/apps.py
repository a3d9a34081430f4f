from django.apps import AppConfig


class GeographyConfig(AppConfig):
    name = "qipan.rooms.geography"
    label = "geography"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.intake.kinds import register
        from qipan.foundation.pages.lookups import register as register_lookup
        from qipan.rooms.geography import exports
        from qipan.rooms.geography.intake import AREAS, POPULATION
        from qipan.rooms.geography.selectors import area_labels

        register_lookup("area", area_labels)
        register(AREAS)
        register(POPULATION)
        register_export(exports.AREAS)
        register_export(exports.POPULATION)
