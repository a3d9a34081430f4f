"""Publishing rulebooks and revising tables."""

import hashlib
from datetime import date, datetime

from django.db import connection
from django.db.models import Max

from qipan.foundation.access.scoping import require
from qipan.foundation.audit.services import audited
from qipan.rooms.diseases.models import PublishedRulebook, TableRow
from qipan.rulebooks.loader import load_text
from qipan.terms.errors import BadInput, Refused
from qipan.terms.roles import Actor, Permission

#: any number that no other advisory lock of the database uses: "table" in ASCII
_TABLES_LOCK = 0x7461626C65


def rulebook_publish(*, actor: Actor, text: str, area_path: str, at: datetime) -> PublishedRulebook:
    """Put a rulebook in force where it holds ("/" nationally), over the interval that it states. The same
    text again is answered with the published one. Raises Denied, BadInput (does not validate, or one of its
    own examples fails), Refused (the id is taken by another text: a book is never edited).
    """
    book = load_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    with audited(actor=actor, action="rulebook.publish", at=at) as entry:
        require(actor, Permission.RULEBOOK_PUBLISH, area_path)
        published = PublishedRulebook.objects.filter(rulebook=book.id).first()
        if published is not None:
            if published.sha256 != sha256:
                raise Refused("The rulebook %(id)s is published and cannot be changed: give it a new id.", id=book.id)
            entry.silent = True
            return published
        published = PublishedRulebook.objects.create(
            rulebook=book.id,
            disease=book.disease,
            jurisdiction=book.jurisdiction,
            area_path=area_path,
            effective_from=book.effective_from,
            effective_until=book.effective_until,
            text=text,
            sha256=sha256,
            published_at=at,
            published_by=actor.user_id,
        )
        entry.about("rulebook", book.id, area_path=area_path, detail={"sha256": sha256})
    return published


def _lock_tables() -> None:
    """Make this transaction the only one that revises tables until it ends: two that count the revisions at
    once would give the same one. SQLite's IMMEDIATE transactions exclude each other anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TABLES_LOCK])


def table_row_add(
    *,
    actor: Actor,
    disease: str,
    table: str,
    place: str,
    level: str,
    starts_on: date,
    ends_on: date | None,
    author: str,
    source: str,
    at: datetime,
) -> TableRow:
    """Add one effective-dated line to a table; the table's revision goes up by one, and every stored
    decision that used the older revision is decided again when read or by the next cycle. Raises Denied,
    BadInput.
    """
    if table not in TableRow.Table.values:
        raise BadInput("There is no table %(table)s.", table=table)
    if not author.strip() or not source.strip():
        raise BadInput("A line of a table names its author and its source.")
    with audited(actor=actor, action="table.revise", at=at) as entry:
        require(actor, Permission.RULEBOOK_PUBLISH, "/")
        _lock_tables()
        newest = TableRow.objects.filter(disease=disease).aggregate(Max("revision"))["revision__max"] or 0
        row = TableRow.objects.create(
            disease=disease,
            table=table,
            place=place,
            level=level,
            starts_on=starts_on,
            ends_on=ends_on,
            author=author,
            source=source,
            revision=newest + 1,
            recorded_at=at,
        )
        entry.about("table", table, area_path="/", detail={"place": place, "level": level, "revision": row.revision})
    return row
