"""Which rulebook and which tables hold, where and when."""

from datetime import date
from functools import lru_cache

from django.db.models import QuerySet

from qipan.foundation.access.scoping import require_anywhere
from qipan.rooms.diseases.models import PublishedRulebook, TableRow
from qipan.rulebooks.loader import load_text
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.tables import KeyPostRow, RiskRow, Tables
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission


@lru_cache(maxsize=64)
def _parsed(sha256: str, rulebook: str) -> Rulebook:
    # keyed by content: a published text never changes, so the parsed book can be kept
    return load_text(PublishedRulebook.objects.values_list("text", flat=True).get(rulebook=rulebook), name=rulebook)


def published_books() -> list[PublishedRulebook]:
    """Every published book, oldest first."""
    return list(PublishedRulebook.objects.order_by("effective_from", "pk").defer("text"))


def access_book(actor: Actor, rulebook: str) -> Rulebook:
    """A published book by its id. Raises Absent."""
    require_anywhere(actor, Permission.RULEBOOK_VIEW)
    sha256 = PublishedRulebook.objects.filter(rulebook=rulebook).values_list("sha256", flat=True).first()
    if sha256 is None:
        raise Absent(rulebook)
    return _parsed(sha256, rulebook)


def list_books(actor: Actor) -> QuerySet[PublishedRulebook]:
    """The published books, the youngest first: rules are public among those who work here. Raises Denied."""
    require_anywhere(actor, Permission.RULEBOOK_VIEW)
    return PublishedRulebook.objects.order_by("-effective_from", "-pk").defer("text")


def access_published(actor: Actor, rulebook: str) -> PublishedRulebook:
    """A book as it was published, with its exact text. Raises Absent, Denied."""
    require_anywhere(actor, Permission.RULEBOOK_VIEW)
    found = PublishedRulebook.objects.filter(rulebook=rulebook).first()
    if found is None:
        raise Absent(rulebook)
    return found


def list_table_rows(actor: Actor) -> QuerySet[TableRow]:
    """Every line of the tables (origin risk, risk areas, key posts), the last revised first. Raises Denied."""
    require_anywhere(actor, Permission.RULEBOOK_VIEW)
    return TableRow.objects.order_by("-revision", "-pk")


def published_book(rulebook: str) -> Rulebook | None:
    """A published book by its id. Not scoped: whoever is bound by a rule may read it."""
    sha256 = PublishedRulebook.objects.filter(rulebook=rulebook).values_list("sha256", flat=True).first()
    return None if sha256 is None else _parsed(sha256, rulebook)


class BookCalendar:
    """Which book holds where on any day, read once: for looking ahead."""

    def __init__(self, disease: str) -> None:
        rows = PublishedRulebook.objects.filter(disease=disease).values_list(
            "area_path", "effective_from", "effective_until", "rulebook", "sha256"
        )
        self._rows = sorted(rows, key=lambda row: (len(row[0]), row[1]), reverse=True)

    def at(self, area_path: str, day: date) -> Rulebook | None:
        """The book for a place on a day, or None."""
        for path, starts, ends, rulebook, sha256 in self._rows:
            if area_path.startswith(path) and starts <= day and (ends is None or day < ends):
                return _parsed(sha256, rulebook)
        return None


class BooksInForce:
    """The books that hold on one day, read once, asked for many places."""

    def __init__(self, disease: str, day: date) -> None:
        rows = PublishedRulebook.objects.filter(disease=disease, effective_from__lte=day)
        rows = rows.exclude(effective_until__lte=day)
        # deepest jurisdiction first, then the youngest book
        self._rows = sorted(
            rows.values_list("area_path", "effective_from", "rulebook", "sha256"),
            key=lambda row: (len(row[0]), row[1]),
            reverse=True,
        )

    def ids(self) -> list[str]:
        """The ids of the books that hold somewhere on this day."""
        return [row[2] for row in self._rows]

    def at(self, area_path: str) -> Rulebook | None:
        """The book for a place, or None: without a book in force nobody is restricted."""
        for path, _, rulebook, sha256 in self._rows:
            if area_path.startswith(path):
                return _parsed(sha256, rulebook)
        return None


def book_in_force(*, disease: str, area_path: str, day: date) -> Rulebook | None:
    """The rulebook that holds at a place on a local day, or None."""
    return BooksInForce(disease, day).at(area_path)


def tables_in_force(disease: str) -> Tables:
    """The tables as last revised (rows carry their own intervals)."""
    rows = list(TableRow.objects.filter(disease=disease).order_by("pk"))

    def risk(table: str) -> tuple[RiskRow, ...]:
        return tuple(
            RiskRow(row.place, row.level, row.starts_on, row.ends_on, row.author, row.source)
            for row in rows
            if row.table == table
        )

    return Tables(
        revision=str(max((row.revision for row in rows), default=0)),
        origin_risk=risk(TableRow.Table.ORIGIN_RISK),
        risk_areas=risk(TableRow.Table.RISK_AREA),
        key_posts=tuple(
            KeyPostRow(row.place, row.level, row.starts_on, row.ends_on, row.author, row.source)
            for row in rows
            if row.table == TableRow.Table.KEY_POST
        ),
    )
