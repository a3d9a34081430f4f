from django.apps import AppConfig


class GeographyConfig(AppConfig):
    name = "qipan.rooms.geography"
    label = "geography"

    def ready(self) -> None:
        from qipan.foundation.intake.kinds import register
        from qipan.rooms.geography.intake import AREAS, POPULATION

        register(AREAS)
        register(POPULATION)
