"""Keeping each day's values."""

import math
from collections.abc import Sequence
from datetime import date as Date  # noqa: N812 - the parameter is called `date`
from datetime import datetime

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.foundation.indicators.models import IndicatorValue
from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured, indicators
from qipan.terms.roles import Actor, Permission

__all__ = ["AreaRow", "indicators_store"]


def _checked(indicator: Indicator, measured: Measured) -> tuple[float, float | None]:
    numerator, denominator = float(measured.numerator), measured.denominator
    if denominator is not None:
        denominator = float(denominator)
    if not math.isfinite(numerator) or (
        denominator is not None and (not math.isfinite(denominator) or denominator < 0)
    ):
        raise ValueError(f"indicator {indicator.id} in {measured.area_code} is no number")
    return numerator, denominator


def _compute(areas: Sequence[AreaRow], moment: datetime) -> dict[tuple[str, str], tuple[float, float | None]]:
    known = {area.code for area in areas}
    values: dict[tuple[str, str], tuple[float, float | None]] = {}
    for indicator in indicators():
        for measured in indicator.compute(areas, moment):
            key = (indicator.id, measured.area_code)
            if measured.area_code not in known or key in values:
                raise ValueError(f"indicator {indicator.id}: {measured.area_code} is unknown or comes twice")
            values[key] = _checked(indicator, measured)
    return values


def indicators_store(*, actor: Actor, areas: Sequence[AreaRow], date: Date, at: datetime) -> int:
    """Compute every registered indicator for `areas` as of `at` and keep the values under `date`.

    Returns how many stored values changed (new, other, or gone): 0 when run again on the same facts, and then
    nothing is written, not even a log entry. Raises Denied without DAY_RUN in every area, ValueError where an
    indicator gives no number.
    """
    with audited(actor=actor, action="indicators.store", at=at) as entry:
        for area in areas:
            require(actor, Permission.DAY_RUN, area.path)
        values = _compute(areas, at)
        paths = {area.code: area.path for area in areas}
        stored = {
            (indicator, code): (pk, (numerator, denominator))
            for pk, indicator, code, numerator, denominator in IndicatorValue.objects.filter(date=date).values_list(
                "pk", "indicator", "area_code", "numerator", "denominator"
            )
            if code in paths
        }
        changed = {key: value for key, value in values.items() if key not in stored or stored[key][1] != value}
        gone = [pk for key, (pk, _) in stored.items() if key not in values]
        for start in range(0, len(gone), 500):
            IndicatorValue.objects.filter(pk__in=gone[start : start + 500]).delete()
        IndicatorValue.objects.bulk_create(
            [
                IndicatorValue(
                    indicator=indicator,
                    area_code=code,
                    area_path=paths[code],
                    date=date,
                    numerator=value[0],
                    denominator=value[1],
                    computed_at=at,
                )
                for (indicator, code), value in changed.items()
            ],
            update_conflicts=True,
            unique_fields=["indicator", "area_code", "date"],
            update_fields=["area_path", "numerator", "denominator", "computed_at"],
        )
        entry.silent = not (changed or gone)
        entry.about("indicators", date, detail={"values": len(changed), "gone": len(gone)})
        return len(changed) + len(gone)
