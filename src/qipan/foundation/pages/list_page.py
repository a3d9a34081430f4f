"""The list: filters as chips, saved views, sorting, pages by cursor, counts, bulk actions with undo, export.

A room's list is a class with `rows`, `columns` and what else it wants; see docs/adding-a-page.md for one in full.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext_lazy as _

from qipan.foundation.http.paging import Slice, Sort, page_of, page_of_sequence
from qipan.foundation.pages.columns import Cell, Column, attribute, cell, names_for
from qipan.foundation.pages.filters import Filter
from qipan.foundation.pages.list_acts import ListActs
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.saved_views import saved_views
from qipan.terms.errors import BadInput

#: rows on one page
SIZE = 50
#: counts are exact up to here; a longer list says "more than"
COUNT_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """A button of a page's head: another page, shown where it may be opened."""

    title: Words
    url: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is shown."""

    key: str
    cells: Sequence[Cell]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force: what it says, and the address without it."""

    title: Words
    text: Words
    without: str


class ListPage(ListActs):
    """A list of rows, a queryset (paged in the database) or a sequence (computed rows, paged in memory)."""

    template = "pages/list.html"
    filters: ClassVar[Sequence[Filter]] = ()
    #: (key of the column, descending) to begin with; "" leaves computed rows in their own order
    sort: ClassVar[tuple[str, bool]] = ("", False)
    #: URL that a row opens, and the attribute that it takes
    opens: ClassVar[str] = ""
    opens_key: ClassVar[str] = "pk"
    #: why the list may be empty and what to do then
    empty: ClassVar[Words] = _("Nothing is here.")
    #: attribute that identifies a row in bulk actions
    row_key: ClassVar[str] = "pk"
    #: attribute that holds a person's id: the list can open its names for a purpose
    person_key: ClassVar[str] = ""
    size: ClassVar[int] = SIZE
    #: rows beyond this number are not counted: "more than …" is said (0: always counted)
    counted_to: ClassVar[int] = 0

    def rows(self) -> Any:
        """The rows that the reader may see in the chosen area: a queryset or a sequence."""
        raise NotImplementedError

    def head(self) -> Sequence[Link]:
        """Buttons beside the title."""
        return ()

    def lead(self) -> dict[str, Any]:
        """What `lead_template` needs, shown above the table (a summary, a warning)."""
        return {}

    lead_template: ClassVar[str] = ""

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The list."""
        if "export" in self.request.GET:
            return self.export_form()
        return self.list_answer()

    # ------------------------------------------------------------------ rows

    def values(self) -> dict[str, Any]:
        """The filters in force: name -> value. Raises BadInput for a value that cannot be."""
        read = {each.name: each.read(self.request.GET) for each in self.filters}
        return {name: value for name, value in read.items() if value is not None}

    def filtered(self) -> Any:
        """All rows that the filters leave."""
        rows, values = self.rows(), self.values()
        for each in self.filters:
            if each.name in values:
                rows = each.apply(rows, values[each.name])
        return rows

    def order(self) -> tuple[Column | None, bool]:
        """The column sorted by, and whether downward. Raises BadInput for a column that cannot be sorted by."""
        asked = self.request.GET.get("sort", "")
        key, descending = (asked.lstrip("-"), asked.startswith("-")) if asked else self.sort
        if not key:
            return None, False
        for column in self.columns:
            if column.key == key and column.sort:
                return column, descending
        raise BadInput("This list cannot be sorted by “%(column)s”.", column=key[:60])

    def slice(self, rows: Any) -> Slice[Any]:
        """The page of rows that the cursor asks for."""
        cursor = self.request.GET.get("page", "")
        column, descending = self.order()
        if isinstance(rows, QuerySet):
            part = page_of(
                rows, sort=Sort(column.sort if column else "pk", descending), size=self.size, cursor=cursor
            )
            return replace(part, rows=self.kept(part.rows))
        key: Callable[[Any], Any] | None = column.raw if column else None
        return page_of_sequence(rows, size=self.size, cursor=cursor, key=key, descending=descending)

    # ------------------------------------------------------------------ the page

    def query(self, **changes: str | None) -> str:
        """The present address with some parameters changed (None: taken out), without the page marker."""
        query: QueryDict = self.request.GET.copy()
        query.pop("page", None)
        for name, value in changes.items():
            if value is None:
                query.pop(name, None)
            else:
                query[name] = value
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path

    def chips(self, values: dict[str, Any]) -> list[Chip]:
        """The filters in force."""
        chips = []
        for each in self.filters:
            if each.name in values:
                names = (each.name, f"{each.name}_from", f"{each.name}_to")
                gone: dict[str, str | None] = dict.fromkeys(names)
                if getattr(each, "default", ""):
                    gone[each.name] = ""
                chips.append(Chip(each.title, each.chip(values[each.name]), self.query(**gone)))
        return chips

    def list_answer(self, *, names: dict[int, str] | None = None, status: int = 200, **more: Any) -> HttpResponse:
        """The list as a page. `names`: person -> opened name."""
        rows = self.filtered()
        total = self._count(rows)
        part = self.slice(rows)
        said = names_for(self.columns, part.rows)
        column, descending = self.order()
        shown = [self._row(row, said, names or {}) for row in part.rows]
        headings = [
            {
                "title": each.title,
                "sort": self._sort_link(each, column, descending) if each.sort else "",
                "sorted": ("descending" if descending else "ascending") if each is column else "",
                "number": each.kind.value == "number",
                "wide": each.wide,
            }
            for each in self.columns
        ]
        values = self.values()
        return self.show(
            rows=shown,
            headings=headings,
            total=min(total, self.counted_to) if self.counted_to else total,
            uncounted=bool(self.counted_to and total > self.counted_to),
            filters=[(each, values.get(each.name)) for each in self.filters],
            chips=self.chips(values),
            views=saved_views(self.request.user, self.page_name()),
            next=self.query(page=part.next) if part.next else "",
            previous=self.query(page=part.previous) if part.previous else "",
            head=self.head(),
            bulk=self.bulk_offered(),
            can_export=self.can_export(),
            export_url=self.query(export="1"),
            can_open_names=self.can_open_names(),
            names_opened=names is not None,
            purposes=self.purposes() if self.can_open_names() else (),
            lead=self.lead(),
            status=status,
            **more,
        )

    def _count(self, rows: Any) -> int:
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by()[: self.counted_to + 1].count() if self.counted_to else rows.count()

    def page_name(self) -> str:
        """Name of the page's URL."""
        match = self.request.resolver_match
        return (match.url_name if match else None) or ""

    def _sort_link(self, column: Column, current: Column | None, descending: bool) -> str:
        downward = column is current and not descending
        return self.query(sort=f"-{column.key}" if downward else column.key)

    def _row(self, row: Any, said: dict[str, Any], opened: dict[int, str]) -> Row:
        cells = [cell(column, row, said, now=self.at, area=self.area.code) for column in self.columns]
        if opened and self.person_key:
            cells.insert(0, Cell(opened.get(attribute(row, self.person_key), "–"), label=_("Full name")))
        href = ""
        if self.opens:
            href = with_area(address(self.opens, attribute(row, self.opens_key)), self.area.code)
        return Row(str(attribute(row, self.row_key)), cells, href)
