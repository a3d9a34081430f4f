"""Identity documents: GB 11643-1999 citizen numbers, passports, phones; and the check character they share.

Source: GB 11643-1999 (the 18-digit number, with the check character of ISO 7064:1983 MOD 11-2).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

_CHECK_BY_REMAINDER = "0123456789X"
_ID18 = re.compile(r"[0-9]{17}[0-9X]")
_ID15 = re.compile(r"[0-9]{15}")
_PASSPORT = re.compile(r"[A-Z0-9]{5,20}")


def _half_width(text: str) -> str:
    """Digits and letters as a Chinese keyboard may give them (１２Ｘ), in the one form that is stored."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def check_character(digits: str) -> str:
    """ISO 7064 MOD 11-2 check character of a string of digits (any length).

    For 17 digits it is the last character of a GB 11643-1999 number: "11010519491231002" -> "X".
    """
    remainder = 0
    for digit in digits:
        remainder = (remainder + int(digit)) * 2 % 11
    return _CHECK_BY_REMAINDER[(12 - remainder) % 11]


@dataclass(frozen=True, slots=True)
class CitizenNumber:
    """What a valid citizen number says of its holder."""

    number: str
    area_code: str
    birth_date: date
    sex: str


def parse_citizen_number(text: str) -> CitizenNumber:
    """Parse an 18- or 15-digit citizen number (15 digits: births in the 1900s, no check character).

    Raises ValueError with a reason: `length`, `region`, `birth_date` or `check`.
    """
    number = _half_width(text).strip().upper()
    if _ID15.fullmatch(number):
        body = number[:6] + "19" + number[6:]
        number = body + check_character(body)
    elif not _ID18.fullmatch(number):
        raise ValueError("length")
    if not 11 <= int(number[:2]) <= 91:
        raise ValueError("region")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError("birth_date") from None
    if check_character(number[:17]) != number[17]:
        raise ValueError("check")
    return CitizenNumber(number, number[:6], born, "male" if int(number[16]) % 2 else "female")


def parse_passport(text: str) -> str:
    """A passport or other travel document number in canonical form; ValueError(`format`) otherwise."""
    number = re.sub(r"[\s-]", "", _half_width(text)).upper()
    if not _PASSPORT.fullmatch(number):
        raise ValueError("format")
    return number


def parse_phone(text: str) -> str:
    """A phone number as digits with an optional leading +; ValueError(`format`) otherwise."""
    number = re.sub(r"[\s()\-]", "", _half_width(text))
    if number.startswith("+86"):
        number = number[3:]
    if not re.fullmatch(r"\+?[0-9]{5,15}", number):
        raise ValueError("format")
    return number


def person_code(person_id: int) -> str:
    """The pseudonymous code that people read out and files carry: P, nine digits, a check character."""
    digits = f"{person_id:09d}"
    return f"P{digits}{check_character(digits)}"


def parse_person_code(code: str) -> int:
    """The id behind a person code; ValueError(`format` or `check`) for anything else."""
    text = _half_width(code).strip().upper()
    if not re.fullmatch(r"P[0-9]{9,18}[0-9X]", text):
        raise ValueError("format")
    if check_character(text[1:-1]) != text[-1]:
        raise ValueError("check")
    return int(text[1:-1])
