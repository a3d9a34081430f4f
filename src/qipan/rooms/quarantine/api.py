"""Stays over the API."""

from typing import Any

from ninja import Header, Router

from qipan.foundation.http.api import (
    PROBLEMS,
    USUAL,
    ApiRequest,
    Cursor,
    Limit,
    act_once,
    person_in_body,
    row_id,
    rows_page,
)
from qipan.foundation.http.versions import require_version
from qipan.rooms.quarantine.schemas import ArrivalIn, StayOut, StaysPage, stay_out, stay_state
from qipan.rooms.quarantine.selectors import access_stay, list_stays
from qipan.rooms.quarantine.services import stay_arrive, stay_depart

router = Router(tags=["quarantine"])


@router.get("/stays", response={200: StaysPage, **PROBLEMS}, summary="Stays in the sites of the area")
def stays(
    request: ApiRequest, area: str = "", inside: bool = True, cursor: Cursor = "", limit: Limit = USUAL
) -> Any:
    """A page of stays: of those inside now, or of all."""
    rows = list_stays(request.actor, at=request.at if inside else None, below=request.area_path)
    return rows_page(rows, stay_out, cursor=cursor, limit=limit)


@router.get("/stays/{stay}", response={200: StayOut, **PROBLEMS}, summary="One stay")
def stay(request: ApiRequest, stay: int) -> Any:
    """One stay with its version."""
    return stay_out(access_stay(request.actor, row_id(stay)))


@router.post("/stays", response={201: StayOut, **PROBLEMS}, summary="Record an arrival")
def arrive(request: ApiRequest, body: ArrivalIn) -> Any:
    """Record that somebody has arrived under an order."""

    def act() -> Any:
        made = stay_arrive(
            actor=request.actor, person_id=person_in_body(body.person), order_id=row_id(body.order), at=request.at,
            room_id=row_id(body.room) if body.room is not None else None,
            site_id=row_id(body.site) if body.site is not None else None,
        )  # fmt: skip
        return stay_out(access_stay(request.actor, made.pk)).model_dump(mode="json")

    return act_once(request, "stay.arrive", act)


@router.post("/stays/{stay}/depart", response={200: StayOut, **PROBLEMS}, summary="Record a departure")
def depart(request: ApiRequest, stay: int, if_match: Header[str] = "") -> Any:
    """Record that somebody has left."""

    def act() -> Any:
        require_version(stay_state(access_stay(request.actor, row_id(stay))), if_match)
        stay_depart(actor=request.actor, stay_id=stay, at=request.at)
        return stay_out(access_stay(request.actor, stay)).model_dump(mode="json")

    return act_once(request, "stay.depart", act, status=200)
