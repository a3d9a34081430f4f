"""The files of this room: line lists (`cases`) and contact lists (`contacts`)."""

from qipan.rooms.investigation.intake.cases import CASES
from qipan.rooms.investigation.intake.contacts import CONTACTS

__all__ = ["CASES", "CONTACTS"]
