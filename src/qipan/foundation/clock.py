"""The one clock. Only edges (commands, views, jobs) read it; everything below is handed the moment.

The demonstration runs in its own period: `QIPAN_NOW` (an ISO instant with offset) fixes the clock.
"""

import os
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def civil_zone() -> str:
    """The time zone of the place's own calendar (settings.LOCAL_ZONE): which day "today" is."""
    return str(settings.LOCAL_ZONE)


def now() -> datetime:
    """The present instant, aware, in UTC. Raises ValueError if QIPAN_NOW is not an instant with offset."""
    fixed = os.environ.get("QIPAN_NOW")
    if not fixed:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(fixed)
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
