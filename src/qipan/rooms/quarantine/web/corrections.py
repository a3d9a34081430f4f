"""One arrival or departure that was recorded by mistake, taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.page import Words, address
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.models import Stay
from qipan.rooms.quarantine.rules import TAKE_BACK_WITHIN
from qipan.rooms.quarantine.selectors import access_stay
from qipan.rooms.quarantine.web.shown import demand
from qipan.terms.errors import Refused
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission


def can_take_back(stay: Stay, at: datetime) -> bool:
    """Whether the last that was recorded of a stay is fresh enough."""
    return at <= (stay.departed_at or stay.arrived_at) + TAKE_BACK_WITHIN


class StayTakeBack(FormPage):
    """The departure of somebody who is still inside, or the arrival of somebody who never came."""

    title = _("Take back what was recorded")
    section = "quarantine"
    permission = Permission.STAY_MANAGE
    button = _("Take it back")
    confirm = True
    grave = True
    help = _("For an hour, what was recorded by mistake can be taken back. Both stay in the log.")

    def fetch(self, **kwargs: Any) -> Stay:
        """Absent where the reader manages no stays there. Raises Refused once it is too late."""
        stay = access_stay(self.actor, kwargs["stay_id"])
        demand(self.actor, Permission.STAY_MANAGE, stay.room.site)
        if not can_take_back(stay, self.at):
            raise Refused("It is too late to take this back.")
        return stay

    def heading(self, thing: Stay) -> Words:
        """Whose, and what."""
        return f"{self.page_title()} · {person_code(thing.person_id)}"

    def back(self, thing: Stay) -> str:
        """The stay."""
        return address("stay", thing.pk)

    def consequences(self, thing: Stay, data: dict[str, Any]) -> Sequence[Consequence]:
        """What it says of the person."""
        if thing.departed_at is not None:
            effect = _("The departure is taken back: the person is in the same bed as before. Somebody who is inside "
                       "although no order binds has to be let go at once.")  # fmt: skip
        else:
            effect = _("The arrival is taken back: the person was never in this room, and is due in a room again.")
        return (Consequence(_("Effect"), effect),)

    def submit(self, thing: Stay, data: dict[str, Any]) -> Done:
        """Conflict where the bed, the person or the record is another's meanwhile."""
        if thing.departed_at is not None:
            taken = services.departures_take_back(
                actor=self.actor, stay_ids=[thing.pk], departed_at=thing.departed_at, at=self.at
            )
        else:
            taken = services.arrivals_take_back(actor=self.actor, stay_ids=[thing.pk], at=self.at)
        for _stay, error in taken.refused:
            raise error
        return Done(_("It is taken back."), address("site", thing.room.site_id))
