"""What templates say often: moments, figures, badges, sparklines, addresses of static files."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from qipan.foundation.pages import formats
from qipan.foundation.pages.page import with_area

register = template.Library()

#: shape beside the colour of a health code, so that the colour is never alone
_SHAPES = {"green": "●", "yellow": "▲", "red": "■"}


@lru_cache(maxsize=256)
def _version(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        return ""
    return blake2b(Path(found).read_bytes(), digest_size=5).hexdigest()


@register.simple_tag
def asset(name: str) -> str:
    """The address of a static file, with the version of its content, so that it may be kept for long."""
    return f"{static(name)}?v={_version(name)}"


@register.filter
def moment(value: datetime | None) -> str:
    """14 Jan 08:00."""
    return formats.moment_text(value) if value else formats.NO_DATA


@register.filter
def iso(value: datetime | None) -> str:
    """2022-01-14 08:00, on the clock of the place."""
    return formats.moment_iso(value) if value else formats.NO_DATA


@register.filter
def day(value: date | None) -> str:
    """14 Jan."""
    return formats.day_text(value) if value else formats.NO_DATA


@register.filter
def quoted(value: object) -> SafeString:
    """As it was written, in whatever language: nobody translates it, no machine either."""
    return format_html('<span translate="no">{}</span>', value)


@register.filter
def until_now(value: datetime, now: datetime) -> str:
    """How far a moment lies from now, in words."""
    return formats.until(value, now)


@register.filter
def share(value: float | None) -> str:
    """A share between 0 and 1 as per cent."""
    return formats.NO_DATA if value is None else formats.percent(value, 1)


@register.filter
def figure(value: float | None) -> str:
    """A number with thin spaces."""
    return formats.number(value, 1)


@register.simple_tag(takes_context=True)
def here(context: Any, url: str) -> str:
    """An address within the chosen area."""
    request = context.get("request")
    area = getattr(request, "area", None)
    return with_area(url, area.code if area else "")


@register.simple_tag
def health_code(value: str, text: Any) -> SafeString:
    """A health code: shape, word, colour."""
    return format_html(
        '<span class="code code-{}"><span aria-hidden="true">{}</span> {}</span>', value, _SHAPES.get(value, "○"), text
    )


@register.simple_tag
def badge(text: Any, grave: Any = "quiet") -> SafeString:
    """A state as a word on its colour."""
    return format_html('<span class="badge grave-{}">{}</span>', grave or "quiet", text)


@register.simple_tag
def sparkline(values: Sequence[float | None], label: str = "", width: int = 120, height: int = 28) -> SafeString:
    """A line of the last days; gaps where there is no data; the last day marked."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return format_html('<svg class="spark" width="{}" height="{}" aria-hidden="true"></svg>', width, height)
    low, high = min(known), max(known)
    step = (width - 6) / max(len(values) - 1, 1)

    def place(index: int, value: float) -> tuple[str, str]:
        share = (value - low) / (high - low) if high > low else 0.5
        return f"{3 + index * step:.1f}", f"{height - 3 - share * (height - 6):.1f}"

    lines: list[list[tuple[str, str]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(place(index, value))
    parts = format_html_join(
        "", '<polyline points="{}"/>', ((" ".join(f"{x},{y}" for x, y in line),) for line in lines if line)
    )
    end = next(line[-1] for line in reversed(lines) if line)
    return format_html(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '{parts}<circle cx="{x}" cy="{y}" r="2.5"/></svg>',
        w=width, h=height, label=label, parts=parts, x=end[0], y=end[1],
    )  # fmt: skip


@register.filter
def undo_token(tags: str) -> str:
    """The token that a message carries for undoing what it tells of."""
    return next((tag[5:] for tag in (tags or "").split() if tag.startswith("undo:")), "")


@register.filter
def item(mapping: Any, key: Any) -> Any:
    """mapping[key]; None where there is none."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return None
