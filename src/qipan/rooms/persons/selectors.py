"""Reading people as pseudonyms. Nothing here opens an identity."""

import hashlib
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import polars as pl
from django.db import connection
from django.db.models import QuerySet

from qipan.foundation import crypto
from qipan.foundation.access.scoping import scope, within
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import entries_about, entries_listing
from qipan.foundation.pages.searching import Found
from qipan.rooms.persons.models import Household, Person, PersonalLink, PersonKey
from qipan.terms.errors import Absent
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Actor, Permission

#: Values in one query: below the 32,766 parameters that SQLite takes.
_PART = 20_000


@dataclass(frozen=True, slots=True)
class PersonRef:
    """What other rooms need of a person: who, and where he lives."""

    id: int
    area_id: int
    area_path: str


def source_key(source: str, reference: str) -> bytes:
    """The keyed digest under which a source's id of a person is stored."""
    return crypto.digest("person-key", f"{source}\0{reference}".encode())


def source_keys(source: str, references: Iterable[str]) -> list[bytes]:
    """`source_key` for many ids of one source, in order."""
    return crypto.digest_many("person-key", (f"{source}\0{text}".encode() for text in references))


#: the people of whom the page that is being made knows where they live
_known: ContextVar[dict[int, PersonRef] | None] = ContextVar("qipan_people_known", default=None)


@contextmanager
def people_known(persons: Iterable[Person]) -> Generator[None]:
    """While a page about these people is made, `person_refs` of them asks no question: a dozen panels of one page,
    which know each other not, would ask it once each.
    """
    token = _known.set({p.pk: PersonRef(p.pk, p.area_id, p.area_path) for p in persons if p.purged_at is None})
    try:
        yield
    finally:
        _known.reset(token)


def person_refs(ids: Collection[int]) -> dict[int, PersonRef]:
    """The people with these ids who are still known (not purged); one query, none within `people_known`. Not scoped."""
    known = _known.get()
    if known and all(each in known for each in ids):
        return {each: known[each] for each in ids}
    return {row[0]: PersonRef(*row) for row in _living("id, area_id, area_path", ids)}


def _living(columns: str, ids: Collection[int]) -> list[tuple[Any, ...]]:
    """Columns (program text) of those of these people who were not purged."""
    if not ids:
        return []
    # past the ORM: intake asks for ten thousand at a time, and preparing as many parameters costs more than the query
    listed = ",".join(map(str, ids))
    if connection.vendor == "postgresql":
        condition, given = "id = ANY(%s::bigint[])", f"{{{listed}}}"
    else:
        condition, given = "id IN (SELECT value FROM json_each(%s))", f"[{listed}]"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM persons_person WHERE purged_at IS NULL AND {condition}",  # noqa: S608
            [given],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def persons_by_key(keys: Collection[bytes]) -> dict[bytes, PersonRef]:
    """The people behind stored keys; a query for every 20,000. Not scoped."""
    found: dict[bytes, PersonRef] = {}
    rest = iter(set(keys))
    while part := list(islice(rest, _PART)):
        rows = PersonKey.objects.filter(key__in=part, person__purged_at=None).values_list(
            "key", "person_id", "person__area_id", "person__area_path"
        )
        found.update((bytes(key), PersonRef(pk, area_id, path)) for key, pk, area_id, path in rows)
    return found


def resolve_persons(references: Sequence[str], *, source: str) -> dict[str, PersonRef]:
    """The people that references mean: a person's code, "source:id", or an id of the same source.

    Unknown references, and people who were purged, are missing in the answer. An id of the same source goes
    before "source:id" (ids may hold colons). The number of queries does not depend on the number of references
    (one of each sort for every 20,000). Not scoped: callers demand their permission at the `area_path`.
    """
    wanted = {reference for reference in references if reference}
    codes: dict[str, int] = {}
    for reference in wanted:
        if reference[0] in "Pp":
            try:
                codes[reference] = parse_person_code(reference)
            except ValueError:
                continue
    others = [reference for reference in wanted if reference not in codes]
    own = dict(zip(others, source_keys(source, others), strict=True))
    foreign = {reference: source_key(*reference.split(":", 1)) for reference in others if ":" in reference}
    by_id = person_refs(codes.values()) if codes else {}
    by_key = persons_by_key({*own.values(), *foreign.values()}) if others else {}
    resolved = {reference: by_id[pk] for reference, pk in codes.items() if pk in by_id}
    for reference in others:
        ref = by_key.get(own[reference]) or by_key.get(foreign.get(reference, b""))
        if ref is not None:
            resolved[reference] = ref
    return resolved


#: The weight of each of the nine digits in the check character (terms.identity.check_character).
_WEIGHTS = [pow(2, 9 - i, 11) for i in range(9)]


def _ids_of_codes(references: pl.Series) -> pl.Series:
    """The ids in well-formed person codes of nine digits (`terms.identity`); null for everything else."""
    part = pl.col("t").str.extract_groups(r"^[Pp]([0-9]{9})([0-9Xx])$").struct
    number, check = part[0].cast(pl.Int64), part[1].str.to_uppercase().replace("X", "10").cast(pl.Int64)
    total = pl.sum_horizontal(number // 10 ** (8 - i) % 10 * weight for i, weight in enumerate(_WEIGHTS))
    right = pl.when((12 - total % 11) % 11 == check).then(number)
    return references.to_frame("t").select(right).to_series()


def persons_frame(references: pl.Series, *, source: str) -> pl.DataFrame:
    """`resolve_persons` for a column: reference, person_id, area_path of those that mean somebody, each once.

    Not scoped: callers demand their permission at the `area_path`. One query where all are person codes.
    """
    wanted = references.drop_nulls().unique()
    coded = pl.DataFrame([wanted.alias("reference"), _ids_of_codes(wanted).alias("person_id")])
    others = coded.filter(pl.col("person_id").is_null())["reference"]
    coded = coded.drop_nulls()
    schema = {"person_id": pl.Int64, "area_path": pl.String}
    people = pl.DataFrame(_living("id, area_path", coded["person_id"].to_list()), schema=schema, orient="row")
    found = coded.join(people, on="person_id")
    if not len(others):
        return found
    rest = [(text, ref.id, ref.area_path) for text, ref in resolve_persons(others.to_list(), source=source).items()]
    return found.vstack(pl.DataFrame(rest, schema=found.schema, orient="row"))


def access_person(actor: Actor, person_id: int) -> Person:
    """One person as a pseudonym, if he lives where this actor may see people; Absent otherwise."""
    person = scope(Person.objects.filter(pk=person_id), actor, Permission.PERSON_VIEW).first()
    if person is None:
        raise Absent("person")
    return person


def list_persons(actor: Actor, below: str | None = None) -> QuerySet[Person]:
    """The people, as pseudonyms, whom this actor may see; `below`: living at or under this area path."""
    persons = scope(Person.objects.all(), actor, Permission.PERSON_VIEW)
    if below is not None:
        persons = persons.filter(within(below))
    return persons.order_by("pk")


def access_household(actor: Actor, household_id: int) -> QuerySet[Person]:
    """Those of a household whom this actor may see; Absent where there is nobody (for him)."""
    persons = scope(Person.objects.filter(household_id=household_id), actor, Permission.PERSON_VIEW)
    if not persons.exists():
        raise Absent("household")
    return persons.order_by("pk")


def households_by_key(keys: Collection[bytes]) -> dict[bytes, int]:
    """Ids of the households with these keys; a query for every 20,000. Not scoped."""
    found: dict[bytes, int] = {}
    rest = iter(set(keys))
    while part := list(islice(rest, _PART)):
        rows = Household.objects.filter(key__in=part).values_list("key", "pk")
        found.update((bytes(key), pk) for key, pk in rows)
    return found


def link_digest(token: str) -> bytes:
    """Under which digest a personal link's token is stored. The token is random: no key is needed."""
    return hashlib.sha256(b"qipan-personal-link\0" + token.encode()).digest()


def person_of_link(token: str, at: datetime) -> int:
    """The id of the person whose link this is. Raises Absent for an unknown, expired or revoked one alike.

    Looked up by digest: how long it takes says nothing about the token.
    """
    row = (
        PersonalLink.objects.filter(
            digest=link_digest(token), revoked_at=None, issued_at__lte=at, expires_at__gt=at, person__purged_at=None
        )
        .values_list("person_id", flat=True)
        .first()
    )
    if row is None:
        raise Absent("link")
    return row


def list_links(actor: Actor, person_id: int) -> QuerySet[PersonalLink]:
    """The links ever issued for a person, newest first, for those who may issue them; none for others."""
    links = scope(
        PersonalLink.objects.filter(person_id=person_id), actor, Permission.APPEAL_OPEN, field="person__area_path"
    )
    return links.order_by("-issued_at", "-pk")


def access_link(actor: Actor, link_id: int) -> PersonalLink:
    """One personal link, for those who may issue it; Absent otherwise."""
    link = scope(
        PersonalLink.objects.filter(pk=link_id), actor, Permission.APPEAL_OPEN, field="person__area_path"
    ).first()
    if link is None:
        raise Absent("link")
    return link


#: how far back list openings are looked through for one person
OPENINGS_SEEN = timedelta(days=60)


def person_history(actor: Actor, person: Person, at: datetime) -> list[AuditEntry]:
    """What was done about a person in this room, and who opened or found the identity, newest first.

    For those who may open it themselves, or read the log, where the person lives; nothing for others. Openings of
    whole lists are found for the last 60 days. Two queries.
    """
    person_id = person.pk
    if not any(actor.may(each, person.area_path) for each in (Permission.IDENTITY_OPEN, Permission.AUDIT_VIEW)):
        return []
    entries = {entry.seq: entry for entry in entries_about("person", [person_id])}
    listed = entries_listing(
        person_id, actions=("identity.open", "identity.search"), since=at - OPENINGS_SEEN, most=50
    )
    entries |= {entry.seq: entry for entry in listed}
    return sorted(entries.values(), key=lambda entry: -entry.seq)[:60]


def find_by_code(actor: Actor, text: str) -> list[Found]:
    """For the global search: the person of a code. By name, number or phone people are found for a purpose only."""
    try:
        person = access_person(actor, parse_person_code(text))
    except (ValueError, Absent):
        return []
    return [Found(person_code(person.pk), "person", person_code(person.pk), exact=True)]
