"""The settings that come from the environment, looked at before anything stands on them. Knows no Django."""

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from qipan.terms.errors import BadInput

LANGUAGES = ("en", "zh-hans")


def check_environment() -> None:
    """Raise BadInput naming the first setting that cannot be used."""
    language = os.environ.get("QIPAN_LANGUAGE", "en")
    if language.lower() not in LANGUAGES:
        raise BadInput(
            "QIPAN_LANGUAGE is %(value)s, but it is one of: %(words)s.", value=language, words=", ".join(LANGUAGES)
        )
    fixed = os.environ.get("QIPAN_NOW", "")
    if fixed and not _is_instant(fixed):
        raise BadInput(
            "QIPAN_NOW is %(value)s, not an instant with an offset (2022-07-20T12:00:00+08:00).", value=fixed
        )
    zone = os.environ.get("QIPAN_ZONE", "UTC")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise BadInput("QIPAN_ZONE is %(value)s, and there is no such time zone.", value=zone) from None


def _is_instant(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False
