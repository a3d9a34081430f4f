"""Indicators as the API shows them."""

from datetime import date

from ninja import Schema


class IndicatorOut(Schema):
    """What an indicator is."""

    id: str
    title: str
    unit: str
    better: str
    standard: str


class ValueOut(Schema):
    """One day of an indicator in an area; `value` is the share where there is a denominator."""

    indicator: str
    area: str
    date: date
    numerator: float
    denominator: float | None
    value: float | None


class ValuesPage(Schema):
    """A page of values."""

    items: list[ValueOut]
    next: str
