"""Areas: the levels of the tree and GB/T 2260-style codes.

Codes: province, city and county are the six digits of GB/T 2260 (410000, 411200, 411202); township-level
units add three digits and villages or communities three more, as the statistical division codes of the
National Bureau of Statistics do; a grid cell adds "-" and two or three digits.
"""

import re
from enum import StrEnum


class AreaLevel(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"


LEVEL_ORDER: tuple[AreaLevel, ...] = tuple(AreaLevel)

_PATTERNS = {
    AreaLevel.PROVINCE: re.compile(r"\d{2}0000"),
    AreaLevel.CITY: re.compile(r"\d{4}00"),
    AreaLevel.COUNTY: re.compile(r"\d{6}"),
    AreaLevel.TOWNSHIP: re.compile(r"\d{9}"),
    AreaLevel.VILLAGE: re.compile(r"\d{12}"),
    AreaLevel.GRID: re.compile(r"\d{12}-\d{2,3}"),
}


def check_area_code(code: str, level: AreaLevel) -> str:
    """`code` if it has the form of its level; ValueError(`format`) otherwise."""
    if not _PATTERNS[level].fullmatch(code):
        raise ValueError("format")
    return code


def area_path(parent_path: str, code: str) -> str:
    """The materialised path of an area: "/" for the root of the tree, then a code and "/" a level."""
    return f"{parent_path}{code}/"


def path_upper_bound(prefix: str) -> str:
    """The least string above every path that starts with `prefix` (prefix ends with "/"; "0" follows "/")."""
    return prefix[:-1] + "0"
