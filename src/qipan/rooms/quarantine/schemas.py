"""Stays as the API takes and shows them."""

from datetime import datetime
from typing import Annotated

from ninja import Field, Schema

from qipan.foundation.http.versions import version_of
from qipan.rooms.quarantine.models import Stay
from qipan.terms.identity import person_code


class StayOut(Schema):
    """A person in a bed."""

    id: int
    person: str
    order: int
    site: int
    room: str
    slot: int
    arrived_at: datetime
    departed_at: datetime | None
    version: str


class StaysPage(Schema):
    """A page of stays."""

    items: list[StayOut]
    next: str


class ArrivalIn(Schema):
    """An arrival under an order: in this room, or in any suitable room of this site."""

    person: Annotated[str, Field(max_length=24)]
    order: int
    room: int | None = None
    site: int | None = None


def stay_state(stay: Stay) -> dict[str, object]:
    """What a stay's version covers."""
    return {
        "id": stay.pk, "person": person_code(stay.person_id), "order": stay.order_id, "site": stay.room.site_id,
        "room": stay.room.number, "slot": stay.slot, "arrived_at": stay.arrived_at, "departed_at": stay.departed_at,
    }  # fmt: skip


def stay_out(stay: Stay) -> StayOut:
    """One stay."""
    state = stay_state(stay)
    return StayOut(**state, version=version_of(state))  # type: ignore[arg-type]
