"""How figures and moments are written (UI.md, Meaning)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, gettext, ngettext

from qipan.foundation import clock

_THIN = "\u202f"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NO_DATA = "–"


def is_chinese() -> bool:
    """Whether the reader reads Chinese."""
    return (get_language() or "").startswith("zh")


def local(moment: datetime) -> datetime:
    """An instant on the clock of the place."""
    return moment.astimezone(ZoneInfo(clock.civil_zone()))


def moment_text(moment: datetime) -> str:
    """``14 Jan 08:00`` / ``1月14日 08:00``."""
    here = local(moment)
    if is_chinese():
        return f"{here.month}月{here.day}日 {here:%H:%M}"
    return f"{here.day} {_MONTHS[here.month - 1]} {here:%H:%M}"


def day_text(day: date) -> str:
    """``14 Jan`` / ``1月14日``."""
    return f"{day.month}月{day.day}日" if is_chinese() else f"{day.day} {_MONTHS[day.month - 1]}"


def moment_iso(moment: datetime) -> str:
    """A moment in a table: local, ISO, to the minute."""
    return f"{local(moment):%Y-%m-%d %H:%M}"


def number(value: float | None, digits: int = 0) -> str:
    """Groups of three with thin spaces; "–" for no data."""
    if value is None:
        return NO_DATA
    text = f"{value:,.{digits}f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"
    return text.replace(",", _THIN)


def percent(numerator: float, denominator: float | None) -> str:
    """A share with its denominator's absence said: "–" where there is nothing to share."""
    if not denominator:
        return NO_DATA
    return f"{100 * numerator / denominator:.1f}{_THIN}%"


def span(length: timedelta) -> str:
    """A length of time in the largest unit that says it: ``3 h``, ``2 d``, ``40 min``."""
    minutes = int(abs(length).total_seconds() // 60)
    if minutes < 90:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    if minutes < 48 * 60:
        return ngettext("%(n)s hour", "%(n)s hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)s day", "%(n)s days", minutes // 1440) % {"n": minutes // 1440}


def until(moment: datetime, now: datetime) -> str:
    """How far a moment lies from now: ``in 3 hours`` / ``2 days overdue``."""
    if moment >= now:
        return gettext("in %(span)s") % {"span": span(moment - now)}
    return gettext("%(span)s overdue") % {"span": span(now - moment)}
