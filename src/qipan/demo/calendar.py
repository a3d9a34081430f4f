"""The demonstration's own time: from 2022-07-20 on, local time of its city; day 30 is its today."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = "Asia/Shanghai"
START = date(2022, 7, 20)
_CLOSE = time(22)


def day_of(number: int) -> date:
    """The date of a day (0 is the first)."""
    return START + timedelta(days=number)


def number_of(day: date) -> int:
    """The number of a date."""
    return (day - START).days


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """A local time of a day as an instant in UTC."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(ZONE)).astimezone(UTC)


def close_of(day: date) -> datetime:
    """When the day's cycle is run: nothing more happens on it."""
    return datetime.combine(day, _CLOSE, ZoneInfo(ZONE)).astimezone(UTC)
