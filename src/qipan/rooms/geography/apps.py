from django.apps import AppConfig


class GeographyConfig(AppConfig):
    name = "qipan.rooms.geography"
    label = "geography"

    def ready(self) -> None:
        from qipan.foundation.intake.kinds import register
        from qipan.foundation.pages.area_field import register as register_areas
        from qipan.foundation.pages.lookups import register as register_lookup
        from qipan.rooms.geography.intake import AREAS, POPULATION
        from qipan.rooms.geography.selectors import area_labels, areas_named, areas_offered

        register_lookup("area", area_labels)
        register_areas(areas_named, areas_offered)
        register(AREAS)
        register(POPULATION)
