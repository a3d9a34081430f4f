"""Line list, contacts and chains. Fetching is authorising: what an actor may not see looks absent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import polars as pl
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Coalesce

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.pages.formats import NO_DATA
from qipan.foundation.pages.searching import MOST, Found
from qipan.foundation.pages.words import word
from qipan.kernels.chains.statistics import ChainStatistics, chain_statistics
from qipan.rooms.control.selectors import list_orders
from qipan.rooms.investigation.models import Case, Contact
from qipan.terms.errors import Absent
from qipan.terms.evidence import Classification, ContactClass, OrderKind
from qipan.terms.roles import Actor, Permission

#: values in one query: below the 32,766 parameters that SQLite takes
_PART = 20_000
#: the orders that keep a contact from everybody else
KEPT_APART = (OrderKind.QUARANTINE_CENTRAL, OrderKind.QUARANTINE_HOME, OrderKind.ISOLATE)


@dataclass(frozen=True, slots=True)
class CaseRef:
    """What a contact list needs of a case."""

    id: int
    person_id: int
    area_path: str


def access_case(actor: Actor, case_id: int) -> Case:
    """One case that was not voided. Raises Absent."""
    found = scope(Case.objects.filter(pk=case_id, voided_at=None), actor, Permission.CASE_VIEW).first()
    if found is None:
        raise Absent("case")
    return found


def cases_by_id(source: str, case_ids: Collection[str]) -> dict[str, CaseRef]:
    """The cases that a source knows by these ids; a query for every 20,000. Not scoped: intake demands the
    permission where each case is.
    """
    found: dict[str, CaseRef] = {}
    rest = iter(set(case_ids))
    while part := list(islice(rest, _PART)):
        rows = Case.objects.filter(source=source, case_id__in=part, voided_at=None)
        for pk, name, person_id, path in rows.values_list("pk", "case_id", "person_id", "area_path"):
            found[name] = CaseRef(pk, person_id, path)
    return found


def line_list(
    actor: Actor,
    *,
    below: str | None = None,
    first: date | None = None,
    last: date | None = None,
    source: str | None = None,
) -> QuerySet[Case]:
    """Cases where the actor may see them, at or below an area path, of the days `first` to `last`, of one
    source's line list.

    A case's day is that of its report, else of onset; a case with neither is in no period but the open one.
    """
    cases = scope(Case.objects.filter(voided_at=None), actor, Permission.CASE_VIEW)
    if below is not None:
        cases = cases.filter(within(below))
    if source is not None:
        cases = cases.filter(source=source)
    cases = cases.annotate(day=Coalesce("report_date", "onset_date"))
    if first is not None:
        cases = cases.filter(day__gte=first)
    if last is not None:
        cases = cases.filter(day__lte=last)
    return cases.order_by("day", "pk")


def contacts_of(actor: Actor, case_id: int) -> QuerySet[Contact]:
    """The contacts of one case, wherever they live. Raises Absent where the case is not the actor's."""
    case = access_case(actor, case_id)
    return Contact.objects.filter(from_case=case, voided_at=None).order_by("pk")


def list_contacts(
    actor: Actor, *, below: str | None = None, since: datetime | None = None
) -> QuerySet[Contact]:
    """Contacts who live where the actor may see cases, newest first; `since`: recorded from then on."""
    contacts = scope(Contact.objects.filter(voided_at=None), actor, Permission.CASE_VIEW, "person__area_path")
    if below is not None:
        contacts = contacts.filter(within(below, "person__area_path"))
    if since is not None:
        contacts = contacts.filter(recorded_at__gte=since)
    return contacts.order_by("-recorded_at", "-pk")


#: cases in one picture; above, nobody can read it, and the area or the period must be narrowed
MOST_IN_A_PICTURE = 5_000
#: days around a case in which its chain is looked for: as many as leave a picture's number of cases
_AROUND = tuple(timedelta(days=days) for days in (60, 30, 14, 7, 3))


@dataclass(frozen=True, slots=True)
class LinkedCase:
    """A case as a picture of chains needs it. `day`: of onset, else of report."""

    id: int
    case_id: str
    classification: str
    onset: date | None
    day: date | None
    person_id: int


@dataclass(frozen=True, slots=True)
class Chains:
    """Cases by id, and who infected whom among them (ids of records as text in `statistics.table`)."""

    cases: Mapping[int, LinkedCase]
    statistics: ChainStatistics

    def part(self, ids: Collection[int]) -> "tuple[pl.DataFrame, pl.DataFrame]":
        """(cases, pairs) among these, as the kernels take them; a case's day stands for its onset."""
        chosen = [case for case in self.cases.values() if case.id in ids]
        frame = pl.DataFrame(
            {"case_id": [str(case.id) for case in chosen], "onset_date": [case.day for case in chosen]},
            schema={"case_id": pl.String, "onset_date": pl.Date},
        )
        named = frame["case_id"].to_list()
        table = self.statistics.table
        return frame, table.filter(pl.col("from_case_id").is_in(named) & pl.col("to_case_id").is_in(named))

    def chain_of(self, case_id: int) -> set[int]:
        """The ids of the chain in which this case is: itself alone where it is in no pair."""
        table = self.statistics.table
        own = table.filter((pl.col("from_case_id") == str(case_id)) | (pl.col("to_case_id") == str(case_id)))
        if own.is_empty():
            return {case_id}
        chain = table.filter(pl.col("chain") == own["chain"][0])
        return {int(each) for each in {*chain["from_case_id"], *chain["to_case_id"]}}


def linked_cases(
    actor: Actor,
    *,
    below: str | None = None,
    first: date | None = None,
    last: date | None = None,
    source: str | None = None,
) -> Chains:
    """Transmission chains among the cases of `line_list` (discarded ones left out). Two queries, and one more for
    every 20,000 cases.

    A pair comes from a contact who became a case, or from a case that names its source. A contact's contact
    counts for the contact between, where that one is a case. Case ids in the answer are those of the records.
    """
    cases = line_list(actor, below=below, first=first, last=last, source=source).exclude(
        classification=Classification.DISCARDED.value
    )
    fields = ("pk", "source", "case_id", "onset_date", "person_id", "source_case_id", "classification", "report_date")
    rows = list(cases.values_list(*fields))
    frame = pl.DataFrame(
        {"case_id": [str(row[0]) for row in rows], "onset_date": [row[3] for row in rows]},
        schema={"case_id": pl.String, "onset_date": pl.Date},
    )
    by_name = {(row[1], row[2]): row[0] for row in rows}
    by_person: dict[int, int] = {}
    for row in rows:
        by_person.setdefault(row[4], row[0])
    known = {row[0] for row in rows}
    pairs = [(by_name[row[1], row[5]], row[0]) for row in rows if row[5] and (row[1], row[5]) in by_name]
    contacts = scope(Contact.objects.filter(voided_at=None), actor, Permission.CASE_VIEW, "from_case__area_path")
    named: list[tuple[int, int, int | None, int | None, int]] = []
    people = iter(by_person)
    while part := list(islice(people, _PART)):
        rows_of_part = contacts.filter(person__in=part)
        named += rows_of_part.values_list("pk", "from_case_id", "via_person_id", "to_case_id", "person_id")
    for _pk, from_case, via, to_case, person in sorted(named, key=lambda row: row[0]):
        tail = by_person.get(via, from_case) if via is not None else from_case
        head = to_case if to_case is not None else by_person.get(person)
        if head is not None and tail in known and head in known:
            pairs.append((tail, head))
    statistics = chain_statistics(
        frame,
        pl.DataFrame(
            {"from_case_id": [str(a) for a, _ in pairs], "to_case_id": [str(b) for _, b in pairs]},
            schema={"from_case_id": pl.String, "to_case_id": pl.String},
        ),
    )
    return Chains(
        {row[0]: LinkedCase(row[0], row[2], row[6], row[3], row[3] or row[7], row[4]) for row in rows}, statistics
    )


def chains(
    actor: Actor,
    *,
    below: str | None = None,
    first: date | None = None,
    last: date | None = None,
    source: str | None = None,
) -> ChainStatistics:
    """What `linked_cases` comes to in numbers."""
    return linked_cases(actor, below=below, first=first, last=last, source=source).statistics


def chain_around(actor: Actor, case: Case) -> Chains | None:
    """The cases that the actor may see of the two months before and after a case (of fewer days where these are too
    many cases), with their pairs: its chain is among them (`Chains.chain_of`). None where there are always too many,
    or no day of the case is known. At most seven queries.
    """
    day = case.report_date or case.onset_date
    if day is None:
        return None
    for around in _AROUND:
        first, last = day - around, day + around
        if line_list(actor, first=first, last=last).count() <= MOST_IN_A_PICTURE:
            return linked_cases(actor, first=first, last=last)
    return None


def case_contacts_count(case_ids: Collection[int]) -> dict[int, int]:
    """case -> contacts named; one query. Not scoped: for cases that a selector gave."""
    rows = Contact.objects.filter(from_case__in=list(case_ids), voided_at=None).values("from_case")
    return {row["from_case"]: row["n"] for row in rows.annotate(n=Count("pk"))}


def epidemic_curve(cases: QuerySet[Case], *, by: str = "first") -> list[tuple[date | None, str, int]]:
    """(day, classification, cases) of a line list; None: that day is not known. `by`: "onset", "report", or "first":
    onset, of those without one (the asymptomatic) report. One query; as scoped as the line list is.
    """
    day = {"onset": F("onset_date"), "report": F("report_date")}.get(by, Coalesce("onset_date", "report_date"))
    rows = cases.order_by().annotate(counted_on=day).values_list("counted_on", "classification").annotate(n=Count("pk"))
    return sorted(rows, key=lambda row: (row[0] is None, row[0], row[1]))


def cases_of_person(actor: Actor, person_id: int) -> QuerySet[Case]:
    """The cases of one person that the actor may see, the newest first."""
    cases = scope(Case.objects.filter(person_id=person_id, voided_at=None), actor, Permission.CASE_VIEW)
    return cases.order_by("-recorded_at", "-pk")


def contacts_of_person(actor: Actor, person_id: int) -> QuerySet[Contact]:
    """When this person was exposed, as far as the actor may see cases where the person lives; the newest first."""
    return list_contacts(actor).filter(person_id=person_id)


def kept_apart(actor: Actor, *, at: datetime) -> QuerySet[Any]:
    """The orders to stay apart (isolation, quarantine) that bind at a moment, for `Exists` over contacts."""
    return list_orders(actor, at=at, kinds=KEPT_APART)


def bound_by_case(actor: Actor, case: Case, *, at: datetime) -> list[int]:
    """The contacts who are bound by an order that stands on an exposure to this case; one query."""
    exposures = Contact.objects.filter(from_case=case, voided_at=None).exclude(evidence_key=None)
    orders = list_orders(actor, at=at).filter(evidence__key__in=exposures.values("evidence_key"))
    return sorted(orders.order_by().values_list("person_id", flat=True).distinct())


def held_cases(person_id: int) -> list[str]:
    """A line for each time a person was entered as a case, for the person's own page. Not scoped; one query."""
    rows = Case.objects.filter(person_id=person_id, voided_at=None).order_by("-recorded_at", "-pk")
    return [
        f"{row.report_date or row.onset_date or NO_DATA} · {word(Classification, row.classification)}" for row in rows
    ]


def held_exposures(person_id: int) -> list[str]:
    """A line for each exposure of a person, without to whom, for the person's own page. Not scoped; one query."""
    rows = Contact.objects.filter(person_id=person_id, voided_at=None).order_by("-recorded_at", "-pk")
    return [
        f"{row.last_exposure or row.first_exposure or NO_DATA} · {word(ContactClass, row.contact_class)}"
        for row in rows
    ]


def find_cases(actor: Actor, text: str) -> list[Found]:
    """For the global search: cases by the id that their source gave them, the newest first."""
    cases = line_list(actor).filter(case_id__istartswith=text).order_by("-pk")[:MOST]
    return [
        Found(case.case_id, "case", case.pk, word(Classification, case.classification), case.case_id == text)
        for case in cases
    ]
