"""How fast laboratories answer, and what they find. The day is the 24 hours to the moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.rollup import medians, rolled_up
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.rules import TURNAROUND
from qipan.rooms.testing.selectors import list_results
from qipan.terms.evidence import TestOutcome
from qipan.terms.roles import Actor

_DAY = timedelta(days=1)


def _of_the_day(moment: datetime) -> QuerySet[TestResult]:
    return TestResult.objects.filter(voided_at=None, resulted_at__gt=moment - _DAY, resulted_at__lte=moment)


def _listed(actor: Actor, area_path: str, moment: datetime) -> QuerySet[TestResult]:
    return list_results(actor, below=area_path).filter(resulted_at__gt=moment - _DAY, resulted_at__lte=moment)


def _listed_positives(actor: Actor, area_path: str, moment: datetime) -> QuerySet[TestResult]:
    return _listed(actor, area_path, moment).filter(result=TestOutcome.POSITIVE.value)


def tests_resulted(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Results of the day, where the tested live. One query."""
    counted = _of_the_day(moment).values_list("person__area_path").annotate(n=Count("pk")).order_by()
    return rolled_up(areas, ((path, n, 0) for path, n in counted), share=False)


def tests_positive(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Positive specimens of the day (a tube of several people counts for each) out of all. One query."""
    positive = Count("pk", filter=Q(result=TestOutcome.POSITIVE.value))
    counted = (
        _of_the_day(moment).values_list("person__area_path").annotate(p=positive, n=Count("pk")).order_by()
    )
    return rolled_up(areas, counted, share=True)


def resulted_in_time(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Share of the day's results that were there within 12 hours of sampling. One query."""
    rows = _of_the_day(moment).values_list("person__area_path", "sampled_at", "resulted_at")
    return rolled_up(
        areas, ((path, there - taken <= TURNAROUND, 1) for path, taken, there in rows.iterator()), share=True
    )


def turnaround(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Median hours from sampling to result of the day's results. One query."""
    rows = _of_the_day(moment).values_list("person__area_path", "sampled_at", "resulted_at")
    hours = ((path, (there - taken).total_seconds() / 3600) for path, taken, there in rows.iterator())
    return medians(areas, hours)


INDICATORS = (
    Indicator(
        id="testing.resulted",
        title=_("Test results of the day"),
        unit="",
        better="up",
        standard=_("No norm: the work done."),
        compute=tests_resulted,
        listing=_listed,
    ),
    Indicator(
        id="testing.positive",
        title=_("Positive among the results of the day"),
        unit="%",
        better="down",
        standard=_("Pools are for prevalence below 0.1% (mixed testing guide, 2020-07-21)."),
        compute=tests_positive,
        listing=_listed_positives,
    ),
    Indicator(
        id="testing.in_time",
        title=_("Results within 12 hours of sampling"),
        unit="%",
        better="up",
        standard=_("Out- and inpatients 12 hours (Chengdu, 2022)."),
        compute=resulted_in_time,
        listing=_listed,
    ),
    Indicator(
        id="testing.turnaround",
        title=_("Hours from sampling to result, median"),
        unit="h",
        better="down",
        standard=_("Out- and inpatients 12 hours (Chengdu, 2022)."),
        compute=turnaround,
        listing=_listed,
    ),
)
