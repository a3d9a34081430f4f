"""Charts: what a page hands to static/pages/charts.js, and the same as a table for those who do not see the picture.

A page puts an `EpiCurve` into its context and includes `pages/epicurve.html` with it; its template loads
`vendor/echarts.min.js` and `pages/charts.js`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from qipan.foundation.pages.formats import day_text
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import word

#: days that one curve shows at most; of a longer one the last
MOST_DAYS = 1_100
#: days that the table lists one by one
LONGEST_BY_DAY = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """One class of a curve. `colour` names an entry of the palette in charts.js."""

    name: str
    title: Words
    colour: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpiCurve:
    """An epidemic curve: cases by day, one stack a class, each day of the period there, also those without cases.

    `key`: unique on its page. `unknown`: cases whose day is not known, which no bar shows. `marks`: (day, words) of
    measures.
    """

    key: str
    title: Words
    axis: Words
    days: Sequence[date]
    stacks: Sequence[Stack]
    unknown: int = 0
    marks: Sequence[tuple[date, str]] = ()

    @property
    def total(self) -> int:
        """Cases that the bars show."""
        return sum(sum(stack.counts) for stack in self.stacks)

    def data(self) -> dict[str, Any]:
        """What charts.js draws (`json_script`)."""
        return {
            "kind": "bars",
            "axis": str(self.axis),
            "days": [day.isoformat() for day in self.days],
            "labels": [day_text(day) for day in self.days],
            "series": [
                {"name": str(stack.title), "colour": stack.colour, "values": list(stack.counts)}
                for stack in self.stacks
            ],
            "marks": [{"day": day.isoformat(), "text": text} for day, text in self.marks],
        }

    @property
    def by_week(self) -> bool:
        """Whether the table counts weeks (from Monday): of a long period nobody reads days."""
        return len(self.days) > LONGEST_BY_DAY

    def table(self) -> list[tuple[date, list[int], int]]:
        """(day or first day of the week, cases by class, all) of those with cases."""
        rows: dict[date, list[int]] = {}
        for position, day in enumerate(self.days):
            start = day - timedelta(days=day.weekday()) if self.by_week else day
            counts = rows.setdefault(start, [0] * len(self.stacks))
            for number, stack in enumerate(self.stacks):
                counts[number] += stack.counts[position]
        return [(day, counts, sum(counts)) for day, counts in rows.items() if any(counts)]


def epi_curve(
    rows: Iterable[tuple[date | None, str, int]],
    *,
    key: str,
    title: Words,
    axis: Words,
    words: type[Enum],
    colours: Mapping[str, str],
    until: date | None = None,
    marks: Sequence[tuple[date, str]] = (),
) -> EpiCurve:
    """A curve of (day, class, cases). `colours`: class -> palette, in the order of the stacks; classes without a case
    are left out. `until`: the curve goes on to this day, so that no cases of late are seen as none.
    """
    counted: dict[tuple[date, str], int] = {}
    unknown = 0
    for day, name, n in rows:
        if day is None:
            unknown += n
        else:
            counted[day, name] = counted.get((day, name), 0) + n
    days: list[date] = []
    if counted:
        first = min(day for day, _ in counted)
        last = max(max(day for day, _ in counted), until or date.min)
        first = max(first, last - timedelta(days=MOST_DAYS - 1))
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    present = {name for _, name in counted}
    stacks = [
        Stack(name, word(words, name), colour, [counted.get((day, name), 0) for day in days])
        for name, colour in colours.items()
        if name in present
    ]
    return EpiCurve(key=key, title=title, axis=axis, days=days, stacks=stacks, unknown=unknown, marks=marks)
