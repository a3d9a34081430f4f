"""The one clock. Only edges (commands, views, jobs) read it; everything below is handed the moment.

The demonstration runs in its own period. `QIPAN_NOW` (an ISO instant with offset) stops the clock there;
`QIPAN_NOW_FROM` (two such instants, "its|ours") lets it go on from the first as real time goes on from the second, the
same in every process that is given it.
"""

import os
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def civil_zone() -> str:
    """The time zone of the place's own calendar (settings.LOCAL_ZONE): which day "today" is."""
    return str(settings.LOCAL_ZONE)


def now() -> datetime:
    """The present instant, aware, in UTC. Raises ValueError where QIPAN_NOW or QIPAN_NOW_FROM is none with offset."""
    if fixed := os.environ.get("QIPAN_NOW"):
        return _instant(fixed)
    if since := os.environ.get("QIPAN_NOW_FROM"):
        origin, _bar, ours = since.partition("|")
        # never before its beginning, should the machine's own clock be set back
        return _instant(origin) + max(datetime.now(UTC) - _instant(ours), timedelta(0))
    return datetime.now(UTC)


def starting_from(origin: datetime) -> str:
    """The value of QIPAN_NOW_FROM with which the clock shows `origin` at this instant and goes on from there."""
    return f"{origin.astimezone(UTC).isoformat()}|{datetime.now(UTC).isoformat()}"


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("QIPAN_NOW needs an offset, for example 2022-08-19T12:00:00+08:00")
    return moment.astimezone(UTC)


def local_date(moment: datetime, zone: str) -> date:
    """The calendar day of an instant in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: str) -> datetime:
    """The instant (UTC) at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_end(day: date, zone: str) -> datetime:
    """24:00 of a local day as an instant (UTC): the first instant that is no longer in it."""
    return day_start(day + timedelta(days=1), zone)
