"""Line list, contacts and chains. Fetching is authorising: what an actor may not see looks absent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

import polars as pl
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.pages.searching import MOST, Found
from qipan.foundation.pages.words import word
from qipan.kernels.chains.statistics import ChainStatistics, chain_statistics
from qipan.rooms.investigation.models import Case, Contact
from qipan.terms.errors import Absent
from qipan.terms.evidence import Classification
from qipan.terms.roles import Actor, Permission

#: values in one query: below the 32,766 parameters that SQLite takes
_PART = 20_000


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


def chains(
    actor: Actor,
    *,
    below: str | None = None,
    first: date | None = None,
    last: date | None = None,
    source: str | None = None,
) -> ChainStatistics:
    """Transmission chains among the cases of `line_list` (discarded ones left out). Two queries.

    A pair comes from a contact who became a case, or from a case that names its source. A contact's contact
    counts for the contact between, where that one is a case. Case ids in the answer are those of the records.
    """
    cases = line_list(actor, below=below, first=first, last=last, source=source).exclude(
        classification=Classification.DISCARDED.value
    )
    fields = ("pk", "source", "case_id", "onset_date", "person_id", "source_case_id")
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
    contacts = scope(
        Contact.objects.filter(voided_at=None), actor, Permission.CASE_VIEW, "from_case__area_path"
    )
    for from_case, via, to_case, person in contacts.order_by("pk").values_list(
        "from_case_id", "via_person_id", "to_case_id", "person_id"
    ):
        tail = by_person.get(via, from_case) if via is not None else from_case
        head = to_case if to_case is not None else by_person.get(person)
        if tail in known and head in known:
            pairs.append((tail, head))
    return chain_statistics(
        frame,
        pl.DataFrame(
            {"from_case_id": [str(a) for a, _ in pairs], "to_case_id": [str(b) for _, b in pairs]},
            schema={"from_case_id": pl.String, "to_case_id": pl.String},
        ),
    )


def find_cases(actor: Actor, text: str) -> list[Found]:
    """For the global search: cases by the id that their source gave them, the newest first."""
    cases = line_list(actor).filter(case_id__istartswith=text).order_by("-pk")[:MOST]
    return [
        Found(case.case_id, "case", case.pk, word(Classification, case.classification), case.case_id == text)
        for case in cases
    ]
