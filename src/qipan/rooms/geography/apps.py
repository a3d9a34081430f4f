from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GeographyConfig(AppConfig):
    name = "qipan.rooms.geography"
    label = "geography"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.intake.kinds import register
        from qipan.foundation.pages.area_field import register as register_areas
        from qipan.foundation.pages.lookups import register as register_lookup
        from qipan.foundation.pages.searching import register as register_finder
        from qipan.rooms.geography import exports
        from qipan.rooms.geography.intake import AREAS, POPULATION
        from qipan.rooms.geography.selectors import area_labels, areas_named, areas_offered, find_areas
        from qipan.terms.roles import Permission

        register_lookup("area", area_labels)
        register_areas(areas_named, areas_offered)
        register(AREAS)
        register(POPULATION)
        register_finder("areas", _("Areas"), Permission.AREA_VIEW, find_areas)
        register_export(exports.AREAS)
        register_export(exports.POPULATION)
