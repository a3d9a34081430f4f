"""Keeping the vault: its key rotated while people read, a person's identity destroyed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from qipan.foundation import crypto
from qipan.foundation.access.scoping import require, require_anywhere
from qipan.foundation.audit.services import audited
from qipan.rooms.persons import identity as vault
from qipan.rooms.persons.models import BlindIndex, Person, PersonalLink, PersonKey, SealedIdentity
from qipan.rooms.persons.rules import PurgeReason
from qipan.rooms.persons.services.writing import overwrite_deleted, vault_alone
from qipan.terms.errors import Absent, BadInput
from qipan.terms.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    key: str
    rewrapped: int
    retired: tuple[str, ...]


def vault_rotate(
    *,
    actor: Actor,
    at: datetime,
    batch: int = 5000,
    progress: Callable[[int], None] | None = None,
) -> Rotation:
    """Make a new vault key, re-wrap every person's data key with it, then destroy the old keys.

    People read and register meanwhile: each batch is a short transaction with its entry, an old key goes only
    when no row needs it and no writer that used it is at work. Interrupted, it is simply run again. Afterwards
    older backups of the table do not open any more. Raises Denied.
    """
    with audited(actor=actor, action="vault.rotate", at=at) as entry:
        require_anywhere(actor, Permission.KEY_ROTATE)
        key = crypto.key_rotate("vault")
        entry.about("key", key)
    total = 0
    retired: tuple[str, ...] | None = None
    while retired is None:
        while count := _rewrap_batch(actor=actor, at=at, batch=batch):
            total += count
            if progress:
                progress(total)
        retired = _retire(actor=actor, at=at)
    return Rotation(key, total, retired)


def _rewrap_batch(*, actor: Actor, at: datetime, batch: int) -> int:
    """Re-wrap up to `batch` rows; the number of rows that were still under an old key."""
    with audited(actor=actor, action="vault.rewrap", at=at) as entry:
        rows = list(
            SealedIdentity.objects.exclude(vault_key=crypto.current_key_id("vault"))
            .order_by("pk")
            .values_list("person_id", "vault_key", "wrapped_key")[:batch]
        )
        fresh = vault.rewrap([(pk, bytes(wrapped)) for pk, _, wrapped in rows])
        table = connection.ops.quote_name(SealedIdentity._meta.db_table)
        with connection.cursor() as cursor:
            # the condition leaves alone what somebody purged, corrected or re-wrapped in between
            cursor.executemany(
                f"UPDATE {table} SET vault_key = %s, wrapped_key = %s WHERE person_id = %s AND wrapped_key = %s",  # noqa: S608
                [(new, wrap, pk, bytes(old)) for (pk, new, wrap), (_, _, old) in zip(fresh, rows, strict=True)],
            )
        entry.about("key", fresh[0][1] if fresh else "", detail={"rewrapped": len(rows)})
        entry.silent = not rows
    return len(rows)


def _retire(*, actor: Actor, at: datetime) -> tuple[str, ...] | None:
    """Destroy the keys that no row needs; None where a writer left rows under one of them meanwhile."""
    with audited(actor=actor, action="vault.retire", at=at) as entry:
        vault_alone()
        current = crypto.current_key_id("vault")
        if SealedIdentity.objects.exclude(vault_key=current).exists():
            entry.silent = True
            return None
        old = tuple(key for key in crypto.key_ids("vault") if key < current)
        entry.about("key", current, detail={"retired": list(old)})
    # After the commit: no row names these keys, and writers since `vault_alone` used the new one. Were the
    # process to end here, the next rotation would destroy them.
    for key in old:
        crypto.key_retire("vault", key)
    return old


def person_purge(*, actor: Actor, person_id: int, reason: str, at: datetime) -> None:
    """Destroy what tells who a person is: his data key, his identity, his indexes, the ids of his sources;
    his personal links open nothing any more.

    The pseudonymous row stays, without year of birth and household, so that counts and the log still add up.
    Backups made before keep the wrapped key until the vault key of their time is retired. Raises Denied, Absent
    (unknown, purged already), BadInput (a reason that is none of `PurgeReason`).
    """
    try:
        why = PurgeReason(reason)
    except ValueError:
        raise BadInput("“%(reason)s” is not a reason for a purge.", reason=reason) from None
    with audited(actor=actor, action="person.purge", at=at, purpose=why.value) as entry:
        row = Person.objects.select_for_update().filter(pk=person_id, purged_at=None).first()
        if row is None:
            raise Absent("person")
        require(actor, Permission.PERSON_PURGE, row.area_path)
        _destroy([person_id], at)
        entry.about("person", person_id, area_path=row.area_path)


def persons_take_back(*, actor: Actor, batch_id: int, at: datetime) -> int:
    """Destroy the identities and source ids of everybody whom a batch registered; returns how many people.

    For a file that was wrong, so that the right one can come. Pseudonyms stay. Raises Denied where one of the
    people does not live in the actor's areas. Called by intake inside the voiding of the batch.
    """
    with audited(actor=actor, action="person.take_back", at=at) as entry:
        rows = list(
            Person.objects.filter(batch_id=batch_id, purged_at=None).order_by("pk").values_list("pk", "area_path")
        )
        for path in sorted({path for _, path in rows}):
            require(actor, Permission.BATCH_VOID, path)
        for start in range(0, len(rows), 10_000):
            _destroy([pk for pk, _ in rows[start : start + 10_000]], at)
        entry.about("batch", batch_id, detail={"persons": len(rows)})
        entry.silent = not rows
    return len(rows)


def _destroy(person_ids: list[int], at: datetime) -> None:
    overwrite_deleted()
    SealedIdentity.objects.filter(pk__in=person_ids).delete()
    BlindIndex.objects.filter(pk__in=person_ids).delete()
    PersonKey.objects.filter(person_id__in=person_ids).delete()
    PersonalLink.objects.filter(person_id__in=person_ids, revoked_at=None).update(revoked_at=at)
    Person.objects.filter(pk__in=person_ids).update(purged_at=at, birth_year=None, household=None)
