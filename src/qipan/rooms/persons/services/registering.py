"""People in: one by one, by the file, by the million; and where they live."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, transaction

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.foundation.intake.writing import bulk_insert
from qipan.rooms.geography.selectors import AreaRef, areas_by_code
from qipan.rooms.organizations.selectors import local_day
from qipan.rooms.persons import identity as vault
from qipan.rooms.persons.models import BlindIndex, Household, Person, PersonKey, SealedIdentity
from qipan.rooms.persons.rules import CheckedPerson, DocumentKind, Identity, NewPerson, RowProblem, check_person
from qipan.rooms.persons.selectors import (
    PersonRef,
    households_by_key,
    persons_by_key,
    resolve_persons,
    source_key,
    source_keys,
)
from qipan.rooms.persons.services.writing import overwrite_deleted, reserve_ids, vault_shared
from qipan.terms.errors import Absent, BadInput, Conflict, Denied
from qipan.terms.identity import parse_person_code
from qipan.terms.roles import Actor, Permission

#: People in one transaction of a bulk registration.
CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class PlacedPerson:
    """A checked row, the area that it names, and who it is where its source has named him before."""

    person: CheckedPerson
    area: AreaRef
    known: PersonRef | None = None


def _household_key(source: str, household: str) -> bytes:
    # another name space than the ids of people
    return source_key(f"household\0{source}", household)


def persons_place(
    rows: Sequence[NewPerson], *, at: datetime
) -> tuple[list[PlacedPerson | None], list[tuple[int, str, str]]]:
    """The canonical form and area of each row, and the problems that a row has by itself; one query.

    Returns as `persons_check` does, which also looks for people who are registered already.
    """
    today = local_day(at)
    areas = areas_by_code({row.area for row in rows})
    placed: list[PlacedPerson | None] = []
    problems: list[tuple[int, str, str]] = []
    for position, row in enumerate(rows):
        try:
            person = check_person(row, today=today, demo=settings.DEMO)
            area = areas.get(row.area)
            if area is None:
                raise RowProblem("area", "There is no such area.")
            placed.append(PlacedPerson(person, area))
        except RowProblem as problem:
            placed.append(None)
            problems.append((position, problem.column, problem.reason))
    return placed, problems


def persons_check(
    rows: Sequence[NewPerson], *, source: str, at: datetime, again: bool = False
) -> tuple[list[PlacedPerson | None], list[tuple[int, str, str]]]:
    """Check rows against themselves, each other and the database; three queries for up to 20,000 rows.

    again: rows whose source has named the person before are let through with `known` (a file that comes again, a
    person first heard of as a case); else they are problems. Returns a list parallel to `rows` (None for a row with
    a problem) and the problems as (position, column, msgid). Nothing is written.
    """
    placed, problems = persons_place(rows, at=at)
    good = [(position, row) for position, row in enumerate(placed) if row is not None]
    keys = source_keys(source, [row.person.source_id for _, row in good])
    digests = vault.document_digests([row.person.identity for _, row in good])
    persons = persons_by_key(keys)
    holders = _document_holders([digest for digest in digests if digest])
    seen_keys: set[bytes] = set()
    seen_documents: dict[bytes, bytes] = {}
    for (position, row), key, digest in zip(good, keys, digests, strict=True):
        known = persons.get(key)
        problem: tuple[str, str] | None = None
        if not again and (known is not None or key in seen_keys):
            problem = ("source_id", "This source has registered this person already.")
        elif digest is not None and (
            (digest in holders and (known is None or holders[digest] != known.id))
            or seen_documents.get(digest, key) != key
        ):
            problem = ("document_number", "A person with this document is registered already.")
        if problem is not None:
            placed[position] = None
            problems.append((position, *problem))
            continue
        seen_keys.add(key)
        if digest is not None:
            seen_documents[digest] = key
        if known is not None:
            placed[position] = replace(row, known=known)
    return placed, sorted(problems)


def _document_holders(digests: Sequence[bytes]) -> dict[bytes, int]:
    """Who holds these documents: digest to person id."""
    found: dict[bytes, int] = {}
    rest = iter(digests)
    while part := list(islice(rest, 20_000)):
        rows = BlindIndex.objects.filter(document__in=part).values_list("document", "person_id")
        found.update((bytes(digest), pk) for digest, pk in rows if digest is not None)
    return found


def persons_write(rows: Sequence[PlacedPerson], *, source: str, at: datetime, batch_id: int | None = None) -> list[int]:
    """Write checked people with their identities; returns their ids in order.

    Of a person who is known, the identity is written (where he lives is not a file's to change). For callers
    inside an audited transaction that have demanded the permission (intake, the services here). Raises
    IntegrityError where somebody registered one of them in between.
    """
    new = [row for row in rows if row.known is None]
    old = [(row.known.id, row.person) for row in rows if row.known is not None]
    if rows:
        vault_shared()
    if old:
        _identities_replace(old)
    made = iter(_persons_insert(new, source=source, at=at, batch_id=batch_id)) if new else iter(())
    return [row.known.id if row.known is not None else next(made) for row in rows]


def _persons_insert(rows: Sequence[PlacedPerson], *, source: str, at: datetime, batch_id: int | None) -> list[int]:
    ids = list(reserve_ids(Person, len(rows)))
    homes = _households(rows, source)
    identities = [(pk, row.person.identity) for pk, row in zip(ids, rows, strict=True)]
    people = (
        (pk, row.area.id, row.area.path, home, row.person.birth_year, row.person.sex,
         row.person.identity.document_kind is DocumentKind.SYNTHETIC, at, batch_id)
        for pk, row, home in zip(ids, rows, homes, strict=True)
    )  # fmt: skip
    bulk_insert(
        Person,
        ["id", "area_id", "area_path", "household_id", "birth_year", "sex", "synthetic", "registered_at", "batch_id"],
        people,
    )
    keys = source_keys(source, [row.person.source_id for row in rows])
    bulk_insert(PersonKey, ["key", "person_id"], zip(keys, ids, strict=True))
    _identities_insert(identities)
    return ids


def _identities_insert(people: Sequence[tuple[int, Identity]]) -> None:
    bulk_insert(SealedIdentity, ["person_id", "vault_key", "wrapped_key", "sealed"], vault.seal_identities(people))
    bulk_insert(BlindIndex, ["person_id", "name", "document", "phone"], vault.index_rows(people))


def _identities_replace(people: Sequence[tuple[int, CheckedPerson]]) -> None:
    """New identities, each under a new key, for people who are there; a handful of queries."""
    ids = [pk for pk, _ in people]
    overwrite_deleted()
    SealedIdentity.objects.filter(pk__in=ids).delete()
    BlindIndex.objects.filter(pk__in=ids).delete()
    _identities_insert([(pk, person.identity) for pk, person in people])
    Person.objects.bulk_update(
        [
            Person(
                pk=pk,
                sex=person.sex,
                birth_year=person.birth_year,
                synthetic=person.identity.document_kind is DocumentKind.SYNTHETIC,
            )
            for pk, person in people
        ],
        ["sex", "birth_year", "synthetic"],
        batch_size=500,
    )


def _households(rows: Sequence[PlacedPerson], source: str) -> list[int | None]:
    """The household id of every row, made where it is new: in the area of its first member."""
    keys = [_household_key(source, row.person.household) if row.person.household else None for row in rows]
    known = households_by_key([key for key in keys if key is not None])
    new: dict[bytes, AreaRef] = {}
    for key, row in zip(keys, rows, strict=True):
        if key is not None and key not in known:
            new.setdefault(key, row.area)
    ids = list(reserve_ids(Household, len(new))) if new else []
    bulk_insert(
        Household,
        ["id", "key", "area_id", "area_path"],
        [(pk, key, area.id, area.path) for pk, (key, area) in zip(ids, new.items(), strict=True)],
    )
    known |= dict(zip(new, ids, strict=True))
    return [known[key] if key is not None else None for key in keys]


def persons_register_bulk(
    *,
    actor: Actor,
    source: str,
    persons: Iterable[NewPerson],
    at: datetime,
    batch_id: int | None = None,
    chunk: int = CHUNK,
) -> list[int]:
    """Register any number of people, a transaction and an entry in the log for every `chunk`; returns their ids
    in order.

    Memory holds one chunk. Raises BadInput for the first row with a problem (chunks before it stay: files come
    by intake, which rejects row by row), Denied outside the actor's areas, Conflict.
    """
    ids: list[int] = []
    rest = iter(persons)
    while rows := list(islice(rest, chunk)):
        with audited(actor=actor, action="person.register", at=at) as entry:
            placed, problems = persons_check(rows, source=source, at=at)
            if problems:
                position, column, reason = problems[0]
                raise BadInput(
                    "Row %(row)s, column %(column)s: %(reason)s",
                    row=len(ids) + position + 1,
                    column=column,
                    reason=reason,
                )
            good = [row for row in placed if row is not None]
            for path in sorted({row.area.path for row in good}):
                require(actor, Permission.PERSON_REGISTER, path)
            try:
                with transaction.atomic():
                    made = persons_write(good, source=source, at=at, batch_id=batch_id)
            except IntegrityError:
                raise Conflict("Somebody else registered one of these people in the meantime: try again.") from None
            entry.about("person", f"{made[0]}-{made[-1]}", area_path=_common_path(row.area.path for row in good),
                        detail={"persons": len(made), "source": source})  # fmt: skip
        ids += made
    return ids


def _common_path(paths: Iterable[str]) -> str:
    """The smallest area that holds all of these paths, for the log."""
    common: list[str] | None = None
    for path in set(paths):
        parts = path.strip("/").split("/")
        if common is None:
            common = parts
        else:
            same = [a == b for a, b in zip(common, parts, strict=False)]
            common = common[: same.index(False) if False in same else len(same)]
    return "/" + "".join(f"{part}/" for part in common or [] if part)


def person_register(*, actor: Actor, source: str, person: NewPerson, at: datetime, batch_id: int | None = None) -> int:
    """Register one person; returns his id. Raises BadInput (column and reason), Denied, Conflict."""
    return persons_register_bulk(actor=actor, source=source, persons=[person], at=at, batch_id=batch_id)[0]


def persons_for_references(
    *,
    actor: Actor,
    source: str,
    references: Collection[str],
    area: AreaRef,
    at: datetime,
    areas: Mapping[str, AreaRef] | None = None,
    birth_years: Mapping[str, int] | None = None,
    sexes: Mapping[str, str] | None = None,
    batch_id: int | None = None,
) -> dict[str, PersonRef]:
    """The people that references mean, made where they are unknown: people of whom a source says no more than
    an id (a case of a line list), without identity, keyed by (source, reference).

    area: where a new person lives, unless `areas` says otherwise; birth_years, sexes: by reference, where known.
    A reference in the form of a person's code, and "other-source:id", are looked up and never made: missing in
    the answer where unknown. Raises Denied where a new person's area gives the actor neither the right to
    register people nor the right to edit cases. Constant number of queries; one entry in the log if anybody was made.
    """
    with audited(actor=actor, action="person.register", at=at) as entry:
        known = resolve_persons(list(references), source=source)
        new = [ref for ref in dict.fromkeys(references) if ref and ref not in known and _may_be_made(ref)]
        entry.silent = not new
        if not new:
            return known
        places = [(areas or {}).get(reference, area) for reference in new]
        for path in sorted({place.path for place in places}):
            if not actor.may(Permission.CASE_EDIT, path):
                require(actor, Permission.PERSON_REGISTER, path)
        ids = list(reserve_ids(Person, len(new)))
        bulk_insert(
            Person,
            ["id", "area_id", "area_path", "birth_year", "sex", "synthetic", "registered_at", "batch_id"],
            [
                (pk, place.id, place.path, (birth_years or {}).get(reference), (sexes or {}).get(reference, "unknown"),
                 False, at, batch_id)
                for pk, reference, place in zip(ids, new, places, strict=True)
            ],
        )  # fmt: skip
        try:
            with transaction.atomic():
                bulk_insert(PersonKey, ["key", "person_id"], zip(source_keys(source, new), ids, strict=True))
        except IntegrityError:
            raise Conflict("Somebody else registered one of these people in the meantime: try again.") from None
        entry.about(
            "person",
            f"{ids[0]}-{ids[-1]}",
            area_path=_common_path(place.path for place in places),
            detail={"persons": len(ids), "source": source, "without_identity": True},
        )
        made = {
            reference: PersonRef(pk, place.id, place.path)
            for pk, reference, place in zip(ids, new, places, strict=True)
        }
    return known | made


def _may_be_made(reference: str) -> bool:
    if reference[0] not in "Pp":
        return True
    try:
        parse_person_code(reference)
    except ValueError:
        return True
    return False


def identity_record(*, actor: Actor, person_id: int, person: NewPerson, at: datetime) -> None:
    """Give a person without identity one, or correct it; `person.area` and `.source_id` are not used.

    The old identity and its key are overwritten. Raises Denied, Absent, BadInput, Conflict (the document is
    another person's).
    """
    with audited(actor=actor, action="identity.record", at=at) as entry:
        row = Person.objects.select_for_update().filter(pk=person_id, purged_at=None).first()
        if row is None:
            raise Absent("person")
        require(actor, Permission.PERSON_REGISTER, row.area_path)
        try:
            checked = check_person(person, today=local_day(at), demo=settings.DEMO)
        except RowProblem as problem:
            raise BadInput("%(column)s: %(reason)s", column=problem.column, reason=problem.reason) from None
        vault_shared()
        try:
            with transaction.atomic():
                _identities_replace([(person_id, checked)])
        except IntegrityError:
            raise Conflict("A person with this document is registered already.") from None
        entry.about("person", person_id, area_path=row.area_path)


def person_move(*, actor: Actor, person_id: int, area: str, at: datetime) -> None:
    """Record that a person lives in another area now: who may see him follows at once.

    A person is handed over by where he lived, never fetched by where he is wanted. Raises Absent, Denied,
    BadInput (unknown area).
    """
    with audited(actor=actor, action="person.move", at=at) as entry:
        row = Person.objects.select_for_update().filter(pk=person_id, purged_at=None).first()
        if row is None:
            raise Absent("person")
        if not actor.may(Permission.PERSON_REGISTER, row.area_path):
            raise Denied(Permission.PERSON_REGISTER, row.area_path)
        place = areas_by_code([area]).get(area)
        if place is None:
            raise BadInput("There is no area %(area)s.", area=area)
        before = row.area_path
        Person.objects.filter(pk=person_id).update(area_id=place.id, area_path=place.path, household=None)
        entry.about("person", person_id, area_path=place.path, detail={"from": before})
