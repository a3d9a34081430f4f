from django.apps import AppConfig


class InvestigationConfig(AppConfig):
    name = "qipan.rooms.investigation"
    label = "investigation"

    def ready(self) -> None:
        from qipan.foundation.exports.kinds import register as register_export
        from qipan.foundation.indicators import registry
        from qipan.foundation.intake import kinds
        from qipan.rooms.investigation import exports
        from qipan.rooms.investigation.indicators import INDICATORS
        from qipan.rooms.investigation.intake import CASES, CONTACTS

        kinds.register(CASES)
        kinds.register(CONTACTS)
        for indicator in INDICATORS:
            registry.register(indicator)
        register_export(exports.CASES)
        register_export(exports.CONTACTS)
