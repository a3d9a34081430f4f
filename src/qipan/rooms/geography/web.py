"""Pages of the area tree."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice, Text
from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.list_page import ListPage
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import word
from qipan.rooms.geography.models import Area
from qipan.rooms.geography.selectors import access_area, list_areas, list_populations
from qipan.terms.areas import AreaLevel
from qipan.terms.roles import Permission

NAME = Column(key="name", title=_("Name"), value=lambda area: area.name_zh if is_chinese() else area.name_en)
CODE = Column(key="code", title=_("Code"), sort="code")
LEVEL = Column(key="level", title=_("Level"), kind=Kind.WORD, words=AreaLevel)
PEOPLE = Column(key="population", title=_("Population"), kind=Kind.NUMBER, sort="population")


class Areas(ListPage):
    """The areas that the reader may see."""

    title = _("Areas")
    section = "areas"
    permission = Permission.AREA_VIEW
    columns = (NAME, CODE, LEVEL, PEOPLE)
    filters = (
        Choice(name="level", title=_("Level"), words=AreaLevel),
        Text(name="code", title=_("Code")),
    )
    sort = ("code", False)
    opens, opens_key = "area", "code"
    row_key = "code"
    export = "areas"
    help = _("The tree of areas, from the province to the grid cell. Everything in qipan belongs to one of them.")
    empty = _("No areas are loaded yet: import a file of areas.")

    def rows(self) -> QuerySet[Area]:
        """At and below the chosen area."""
        return list_areas(self.actor, self.area.path)


class AreaPage(DetailPage):
    """One area: its people and what lies in it."""

    title = _("Area")
    section = "areas"
    permission = Permission.AREA_VIEW
    facts = (CODE, LEVEL, PEOPLE, Column(key="name_zh", title=_("Chinese name"), quoted=True),
             Column(key="name_en", title=_("English name"), quoted=True))  # fmt: skip
    help = _("Choose the area at the top of the page to narrow everything to it.")

    def fetch(self, **kwargs: Any) -> Area:
        """Absent where it is not the reader's."""
        return access_area(self.actor, kwargs["code"])

    def heading(self, thing: Area) -> Words:
        """Its name."""
        return thing.name_zh if is_chinese() else thing.name_en

    def state(self, thing: Area) -> Sequence[State]:
        """Its level."""
        return (State(word(AreaLevel, thing.level)),)

    def panels(self, thing: Area) -> Sequence[Panel]:
        """What lies in it, and its people by age."""
        below = list_areas(self.actor, thing.path).filter(parent=thing)
        people = list_populations(self.actor, thing.code)
        age = Column(key="age", title=_("Age"), value=lambda p: f"{p.age_from}–{'' if p.age_to is None else p.age_to}")
        sex = Column(key="sex", title=_("Sex"), value=lambda p: _("male") if p.sex == "male" else _("female"))
        name = Column(key="name", title=_("Name"), value=NAME.value, link="area", link_key="code")
        return (
            Panel(_("In it"), (name, PEOPLE), list(below[:200]), _("Nothing lies below it.")),
            Panel(_("People by age"), (sex, age, Column(key="count", title=_("People"), kind=Kind.NUMBER)),
                  list(people), _("No count of its people by age is loaded.")),
        )  # fmt: skip
