"""Values as files hold them."""

import json
import re
from datetime import date, datetime

#: What a spreadsheet may take for a formula at the beginning of a text, in full width too.
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
#: Numbers and phone numbers begin like formulas and are none.
_HARMLESS = re.compile(r"[+\-]?[0-9][0-9 ().\-]*(?:[eE][+\-]?[0-9]+)?")


def neutralise(cell: str) -> str:
    """A text cell that no spreadsheet runs as a formula: an apostrophe before what begins like one.

    Numbers and phone numbers stay as they are: -5, +8613800000000.
    """
    if _FORMULA.match(cell) and not _HARMLESS.fullmatch(cell):
        return "'" + cell
    return cell


def plain(value: object) -> str:
    """A value as text: ISO dates and instants (with offset), JSON for what is structured, "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)
