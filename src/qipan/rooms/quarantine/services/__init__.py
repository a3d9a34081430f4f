"""Writes of the quarantine room: sites and rooms; arrivals, transfers and departures."""

from qipan.rooms.quarantine.services.corrections import TakenBack, arrivals_take_back, departures_take_back
from qipan.rooms.quarantine.services.placements import BulkArrivals, placements_propose, stays_arrive_bulk
from qipan.rooms.quarantine.services.sites import (
    NewRoom,
    room_put_in_use,
    room_take_out_of_use,
    rooms_add,
    rooms_withdraw,
    rooms_write,
    site_close,
    site_open,
    site_reopen,
)
from qipan.rooms.quarantine.services.stays import stay_arrive, stay_depart, stay_transfer, stays_depart_bulk

__all__ = [
    "BulkArrivals",
    "NewRoom",
    "TakenBack",
    "arrivals_take_back",
    "departures_take_back",
    "placements_propose",
    "room_put_in_use",
    "room_take_out_of_use",
    "rooms_add",
    "rooms_withdraw",
    "rooms_write",
    "site_close",
    "site_open",
    "site_reopen",
    "stay_arrive",
    "stay_depart",
    "stay_transfer",
    "stays_arrive_bulk",
    "stays_depart_bulk",
]
