"""How fast and how fully cases are investigated: numbers from the line list, the contacts and their orders."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from qipan.foundation.indicators.registry import AreaRow, Indicator, Measured
from qipan.foundation.indicators.rollup import medians, rolled_up
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.selectors import KEPT_APART, line_list, list_contacts
from qipan.terms.evidence import Classification, ContactClass
from qipan.terms.roles import SYSTEM_ACTOR, Actor

#: cases and contacts of the last week: a day alone is too few to judge by
_PERIOD = timedelta(days=7)
_PROMPTLY = timedelta(hours=24)


def _recent_cases(moment: datetime) -> QuerySet[Case]:
    cases = Case.objects.filter(voided_at=None, recorded_at__gt=moment - _PERIOD, recorded_at__lte=moment)
    return cases.exclude(classification=Classification.DISCARDED.value)


def _listed_cases(actor: Actor, area_path: str, moment: datetime) -> QuerySet[Case]:
    cases = line_list(actor, below=area_path).filter(
        recorded_at__gt=moment - _PERIOD, recorded_at__lte=moment
    )
    return cases.exclude(classification=Classification.DISCARDED.value)


def cases_reported(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """New cases recorded in the seven days to `moment`. One query."""
    return rolled_up(
        areas,
        ((path, 1, 0) for path in _recent_cases(moment).values_list("area_path", flat=True)),
        share=False,
    )


def cases_with_source(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Of those cases, the share whose source is known: named by the case, or a contact of a case. One query."""
    exposed = Contact.objects.filter(voided_at=None, recorded_at__lte=moment)
    cases = _recent_cases(moment).annotate(
        named=Exists(exposed.filter(to_case=OuterRef("pk"))),
        exposed=Exists(exposed.filter(person=OuterRef("person"))),
    )
    rows = (
        (path, bool(source) or named or was_exposed, 1)
        for path, source, named, was_exposed in cases.values_list(
            "area_path", "source_case_id", "named", "exposed"
        )
    )
    return rolled_up(areas, rows, share=True)


def cases_investigated(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Of those cases, the share with a contact recorded within 24 hours of the case. One query."""
    first = (
        Contact.objects.filter(from_case=OuterRef("pk"), voided_at=None, recorded_at__lte=moment)
        .order_by("recorded_at")
        .values("recorded_at")[:1]
    )
    cases = _recent_cases(moment).annotate(investigated_at=Subquery(first))
    # a case of the last 24 hours that nobody has worked on yet is not late yet
    cases = cases.filter(Q(recorded_at__lte=moment - _PROMPTLY) | Q(investigated_at__isnull=False))
    rows = (
        (path, investigated is not None and investigated - recorded <= _PROMPTLY, 1)
        for path, recorded, investigated in cases.values_list("area_path", "recorded_at", "investigated_at")
    )
    return rolled_up(areas, rows, share=True)


def onset_to_report(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Median days from onset to report of those cases that have both. One query."""
    cases = _recent_cases(moment).filter(onset_date__isnull=False, report_date__isnull=False)
    days = (
        (path, (report - onset).days)
        for path, onset, report in cases.values_list("area_path", "onset_date", "report_date")
        if onset and report
    )
    return medians(areas, days)


def contacts_a_case(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Contacts for each of those cases. Two queries."""
    cases = _recent_cases(moment)
    contacts = Contact.objects.filter(from_case__in=cases, voided_at=None, recorded_at__lte=moment)

    def rows() -> Iterator[tuple[str, float, float]]:
        for path in cases.values_list("area_path", flat=True):
            yield path, 0, 1
        for path in contacts.values_list("from_case__area_path", flat=True):
            yield path, 1, 0

    return rolled_up(areas, rows(), share=True)


def contacts_ordered(areas: Sequence[AreaRow], moment: datetime) -> Iterable[Measured]:
    """Of the close contacts recorded in the seven days to `moment`, the share under an order to stay apart
    within 24 hours of it, where the contact lives. Two queries.
    """
    contacts = Contact.objects.filter(
        voided_at=None,
        contact_class=ContactClass.CLOSE.value,
        recorded_at__gt=moment - _PERIOD,
        recorded_at__lte=moment,
    )
    orders = list_orders(SYSTEM_ACTOR, at=moment, kinds=KEPT_APART, active=False).filter(
        Q(closed_at=None) | Q(closed_at__gt=moment - _PERIOD), opened_at__lte=moment
    )
    bound: dict[int, list[tuple[datetime, datetime]]] = {}
    for person, opened, ends, closed in orders.values_list("person_id", "opened_at", "ends_at", "closed_at"):
        bound.setdefault(person, []).append((opened, closed or ends))

    def rows() -> Iterator[tuple[str, float, float]]:
        for path, person, recorded in contacts.values_list("person__area_path", "person_id", "recorded_at"):
            due = recorded + _PROMPTLY
            in_time = any(opened <= due and until > recorded for opened, until in bound.get(person, ()))
            # a contact of the last 24 hours without an order is not late yet
            if in_time or due <= moment:
                yield path, in_time, 1

    return rolled_up(areas, rows(), share=True)


def _listed_contacts(actor: Actor, area_path: str, moment: datetime) -> QuerySet[Contact]:
    contacts = list_contacts(actor, below=area_path, since=moment - _PERIOD)
    return contacts.filter(recorded_at__lte=moment, contact_class=ContactClass.CLOSE.value)


_BY_THE_CLOCK = _("Preliminary investigation within 24 hours (2+4+24 rule; Tangshan notice of 2022-03-08).")
INDICATORS = (
    Indicator(
        id="investigation.cases_reported",
        title=_("Cases recorded in seven days"),
        unit="",
        better="down",
        standard=_("No norm: the size of the task."),
        compute=cases_reported,
        listing=_listed_cases,
    ),
    Indicator(
        id="investigation.cases_with_source",
        title=_("Cases with a known source"),
        unit="%",
        better="up",
        standard=_("Every case; an unknown source means transmission that is not seen (house default)."),
        compute=cases_with_source,
        listing=_listed_cases,
    ),
    Indicator(
        id="investigation.cases_investigated",
        title=_("Cases with contacts named within 24 hours"),
        unit="%",
        better="up",
        standard=_BY_THE_CLOCK,
        compute=cases_investigated,
        listing=_listed_cases,
    ),
    Indicator(
        id="investigation.onset_to_report",
        title=_("Days from onset to report, median"),
        unit="d",
        better="down",
        standard=_("As short as possible; each day is a day of contacts (house default)."),
        compute=onset_to_report,
        listing=_listed_cases,
    ),
    Indicator(
        id="investigation.contacts_a_case",
        title=_("Contacts for each case"),
        unit="",
        better="up",
        standard=_("No norm: few contacts mean few asked (house default)."),
        compute=contacts_a_case,
        listing=_listed_cases,
    ),
    Indicator(
        id="investigation.contacts_ordered",
        title=_("Close contacts under an order within 24 hours"),
        unit="%",
        better="up",
        standard=_(
            "Contacts are isolated within 8 hours (2022, secondary source); here they are held to 24 (house default)."
        ),
        compute=contacts_ordered,
        listing=_listed_contacts,
    ),
)
