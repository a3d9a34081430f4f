"""Reading the log: scoped lists, and the whole of it for the verifier."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet

from qipan.foundation.audit.anchors import exported
from qipan.foundation.audit.models import AuditEntry
from qipan.terms.errors import Absent, Denied, Refused
from qipan.terms.roles import Actor, Permission, narrowed

#: Another process's entry may be this much later than the moment that this one read before it.
CLOCK_TOLERANCE = timedelta(minutes=2)


def _visible(actor: Actor) -> QuerySet[AuditEntry]:
    # `access.scoping` stands above the log; this is its pattern. LIKE, not a range: the column is compared
    # by language on PostgreSQL. Entries that belong to no area are seen by those who see everything.
    prefixes = actor.areas_for(Permission.AUDIT_VIEW)
    if not prefixes:
        return AuditEntry.objects.none()
    condition = Q()
    if "/" not in prefixes:
        for prefix in prefixes:
            condition |= Q(area_path__startswith=prefix)
    return AuditEntry.objects.filter(condition)


def list_entries(
    actor: Actor,
    *,
    action: str = "",
    subject_kind: str = "",
    subject_id: str = "",
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """The entries that the actor may see, newest first (since <= at < until); none without AUDIT_VIEW."""
    entries = _visible(actor)
    equal = {
        "action": action,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "actor_user_id": user_id,
    }
    entries = entries.filter(**{name: value for name, value in equal.items() if value not in ("", None)})
    if since is not None:
        entries = entries.filter(at__gte=since)
    if until is not None:
        entries = entries.filter(at__lt=until)
    return entries.order_by("-seq")


def access_entry(actor: Actor, seq: int) -> AuditEntry:
    """One entry. Raises Absent where there is none that the actor may see."""
    entry = _visible(actor).filter(seq=seq).first()
    if entry is None:
        raise Absent("audit entry")
    return entry


def entries_about(subject_kind: str, subject_ids: Collection[object], *, most: int = 50) -> Sequence[AuditEntry]:
    """The newest entries about these subjects, newest first; one query on the subject's index.

    Not scoped: for the history on a page whose reader may see the subject itself.
    """
    ids = [str(each) for each in subject_ids]
    return list(
        AuditEntry.objects.filter(subject_kind=subject_kind, subject_id__in=ids).order_by("-seq")[:most] if ids else ()
    )


def entries_listing(person_id: int, *, actions: Sequence[str], since: datetime, most: int = 50) -> Sequence[AuditEntry]:
    """The newest of these actions since a moment whose `detail.persons` lists this person; two queries.

    Walks the entries of these actions in that time by their index and looks into the list of each: bound the time.
    Not scoped, like `entries_about`.
    """
    table = AuditEntry._meta.db_table
    holds, given = (
        ("detail -> 'persons' @> %s::jsonb", str(int(person_id)))
        if connection.vendor == "postgresql"
        else ("EXISTS (SELECT 1 FROM json_each(detail, '$.persons') WHERE value = %s)", int(person_id))
    )
    named = ", ".join(["%s"] * len(actions))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq FROM {table} WHERE action IN ({named}) AND at >= %s AND {holds} ORDER BY seq DESC LIMIT %s",  # noqa: S608
            [*actions, connection.ops.adapt_datetimefield_value(since), given, most],
        )
        found = [row[0] for row in cursor.fetchall()]
    return list(AuditEntry.objects.filter(seq__in=found).order_by("-seq"))


def entries_of_writes(write_ids: Collection[str]) -> dict[str, AuditEntry]:
    """write id -> the entry that covers the rows which carry it. Not scoped: who wrote a row belongs to the row, and
    whoever may see it may know that.
    """
    return {entry.write_id: entry for entry in AuditEntry.objects.filter(write_id__in=set(write_ids) - {""})}


def entries_at(at: datetime, *, most: int = 50) -> list[AuditEntry]:
    """The entries of exactly this moment. Not scoped: see `entries_of_writes`."""
    return list(AuditEntry.objects.filter(at=at).order_by("seq")[:most])


def export_lines(actor: Actor) -> Iterator[str]:
    """The whole log as JSON lines, for the stand-alone verifier. Raises Denied."""
    if not actor.may(Permission.AUDIT_VIEW, "/"):
        raise Denied(Permission.AUDIT_VIEW, "/")
    return (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in exported())


def log_newest_at() -> datetime | None:
    """The latest moment of any entry (a day's cycle that is run late is entered under its own day)."""
    newest: datetime | None = AuditEntry.objects.aggregate(Max("at"))["at__max"]
    return newest


def not_before_log(at: datetime) -> datetime:
    """`at`, or the log's newest moment where that is up to two minutes later (two machines' clocks differ).

    Raises Refused where the clock has been set back: what was learnt since would not be known at that moment,
    and orders that stand on it would be taken for unfounded.
    """
    newest = log_newest_at()
    if newest is None or at >= newest:
        return at
    if newest - at > CLOCK_TOLERANCE:
        raise Refused(
            "The clock says %(now)s, but the log's last entry is of %(last)s: set the clock right first.",
            now=at.isoformat(timespec="seconds"),
            last=newest.isoformat(timespec="seconds"),
        )
    return newest


def activity(actor: Actor, *, area_path: str, since: datetime, until: datetime) -> list[tuple[str, int, datetime]]:
    """What was done in an area (since <= at <= until): (action, how often, when last), the latest first; nobody by
    name and nothing by id; in those parts of it of which the actor sees figures. One query. Raises Absent where there
    is none.
    """
    seen = narrowed(actor, only=frozenset({Permission.INDICATOR_VIEW}), area_path=area_path)
    paths = seen.areas_for(Permission.INDICATOR_VIEW)
    if not paths:
        raise Absent("area")
    inside = Q()
    for path in paths:
        inside |= Q(area_path__startswith=path)
    entries = AuditEntry.objects.filter(inside, at__gte=since, at__lte=until)
    counted = entries.values("action").annotate(n=Count("seq"), last=Max("at")).order_by("-last", "action")
    return [(row["action"], row["n"], row["last"]) for row in counted]
