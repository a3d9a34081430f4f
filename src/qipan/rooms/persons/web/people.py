"""The list of people and one person's page: pseudonyms, and what the rooms above show of them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages import person_panels
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Event, Panel, State
from qipan.foundation.pages.filters import Choice, Text
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.lookups import names_of
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import Grave, word
from qipan.rooms.persons.models import Person, PersonalLink
from qipan.rooms.persons.rules import PurgeReason, Purpose
from qipan.rooms.persons.selectors import access_person, list_links, list_persons, people_known, person_history
from qipan.terms.errors import Absent, BadInput
from qipan.terms.identity import parse_person_code, person_code
from qipan.terms.roles import Permission

CODE = Column(key="pk", title=_("Code"), kind=Kind.PERSON, sort="pk")
AREA = Column(key="area_path", title=_("Area"), kind=Kind.AREA)
BORN = Column(key="birth_year", title=_("Born"))
SEX = Column(key="sex", title=_("Sex"), kind=Kind.TEXT, value=lambda person: word(Person.Sex, person.sex))
HOUSEHOLD = Column(key="household_id", title=_("Household"), wide=True)

#: what the log says was done about a person in this room
ACTIONS: dict[str, Words] = {
    "identity.open": _("identity opened"),
    "identity.search": _("found by name or number"),
    "identity.record": _("identity recorded or corrected"),
    "person.register": _("registered"),
    "person.move": _("moved to another area"),
    "person.purge": _("identity destroyed"),
    "personal_link.issue": _("personal link issued"),
    "personal_link.revoke": _("personal link taken back"),
}


def person_of_code(code: str) -> int:
    """The id behind a code in an address. Raises Absent for what is none: a mistyped code finds nobody else."""
    try:
        return parse_person_code(code)
    except ValueError:
        raise Absent("person") from None


def _with_code(rows: QuerySet[Person], text: str) -> QuerySet[Person]:
    try:
        return rows.filter(pk=parse_person_code(text))
    except ValueError as error:
        if str(error) == "check":
            raise BadInput("The last character of “%(code)s” is wrong: read the code again.", code=text[:30]) from None
        raise BadInput(
            "“%(code)s” is not a person’s code: P and ten digits, the last may be X, for example P000000001X.",
            code=text[:30],
        ) from None


def _born(rows: QuerySet[Person], text: str) -> QuerySet[Person]:
    first, _dash, last = text.replace("–", "-").partition("-")
    years = [first.strip(), (last or first).strip()]
    if not all(year.isascii() and year.isdigit() and len(year) == 4 for year in years):
        raise BadInput("“%(text)s” is not a year: 1980, or 1980-1989.", text=text[:30])
    if years[0] == years[1]:
        return rows.filter(birth_year=int(years[0]))
    return rows.filter(birth_year__gte=int(years[0]), birth_year__lte=int(years[1]))


class Persons(ListPage):
    """The people whom the reader may see, as pseudonyms."""

    title = _("People")
    section = "people"
    permission = Permission.PERSON_VIEW
    columns = (CODE, AREA, BORN, SEX, HOUSEHOLD)
    filters = (
        Text(name="code", title=_("Code"), keep=_with_code),
        Choice(name="sex", title=_("Sex"), words=Person.Sex),
        Text(name="born", title=_("Born"), keep=_born),
        Choice(
            name="identity", title=_("Identity"),
            options=(("kept", _("kept")), ("destroyed", _("destroyed"))),
            keep=lambda rows, value: rows.filter(purged_at__isnull=value == "kept"),
        ),
    )  # fmt: skip
    sort = ("pk", False)
    person_key = "pk"
    export = "people"
    help = _(
        "Everybody registered in the chosen area, under a pseudonymous code. Who it is lies in the vault: names are "
        "opened for a purpose, and the log says by whom. To find somebody by name or number, use “Find a person”."
    )
    empty = _("Nobody is registered in this area: import a file of people, or register somebody.")

    def rows(self) -> QuerySet[Person]:
        """Living in the chosen area."""
        return list_persons(self.actor, self.area.path)

    def head(self) -> Sequence[Link]:
        """Finding and registering."""
        links = []
        if self.actor.areas_for(Permission.IDENTITY_SEARCH):
            links.append(Link(_("Find a person"), address("person-search"), primary=True))
        if self.actor.areas_for(Permission.PERSON_REGISTER):
            links.append(Link(_("Register a person"), address("person-add")))
        return links


class PersonPage(DetailPage):
    """One person, as a pseudonym."""

    title = _("Person")
    section = "people"
    permission = Permission.PERSON_VIEW
    facts = (
        AREA, BORN, SEX,
        Column(key="registered_at", title=_("Registered"), kind=Kind.INSTANT),
        Column(key="batch_id", title=_("From import"), link="import", link_key="batch_id"),
    )  # fmt: skip
    help = _(
        "What is known here of one person. The name is opened for a purpose; whoever opened it is listed below, and "
        "the person can learn of it."
    )

    def fetch(self, **kwargs: Any) -> Person:
        """Absent where the person is not the reader's to see, and for a wrong code."""
        return access_person(self.actor, person_of_code(kwargs["code"]))

    def answer(self, thing: Person, *, status: int = 200, **more: Any) -> HttpResponse:
        """The page; its panels need not ask where this person lives."""
        with people_known([thing]):
            return super().answer(thing, status=status, **more)

    def heading(self, thing: Person) -> Words:
        """The code."""
        return person_code(thing.pk)

    def state(self, thing: Person) -> Sequence[State]:
        """Made up; identity destroyed."""
        states = []
        if thing.purged_at:
            states.append(State(_("identity destroyed"), Grave.WARN))
        if thing.synthetic:
            states.append(State(_("made up, for the demonstration")))
        return states

    def actions(self, thing: Person) -> Sequence[Action]:
        """What this room offers, then what the rooms above do."""
        code, path = person_code(thing.pk), thing.area_path

        def may(permission: Permission) -> bool:
            return thing.purged_at is None and self.actor.may(permission, path)

        offered = []
        if may(Permission.IDENTITY_OPEN):
            offered.append(Action(_("Open the identity"), address("identity-open", code), primary=True))
        offered += person_panels.actions_of(self.actor, thing.pk, thing.area_path, self.at)
        if may(Permission.APPEAL_OPEN):
            offered.append(Action(_("Personal link"), address("person-link", code)))
        if may(Permission.PERSON_REGISTER):
            offered.append(Action(_("Record the identity"), address("identity-record", code)))
            offered.append(Action(_("Moved"), address("person-move", code)))
        if may(Permission.PERSON_PURGE):
            offered.append(Action(_("Destroy the identity"), address("person-purge", code), grave=True))
        return offered

    def panels(self, thing: Person) -> Sequence[Panel]:
        """What the rooms above show, the household, the links."""
        panels = person_panels.panels_of(self.actor, thing.pk, self.at)
        if thing.household_id is not None:
            home = list_persons(self.actor).filter(household_id=thing.household_id).exclude(pk=thing.pk)
            panels.append(
                Panel(_("Lives with"), (CODE, BORN, SEX), list(home[:20]), _("Nobody else whom you may see."))
            )
        links = list(list_links(self.actor, thing.pk)[:10])
        if links:
            panels.append(self._links(thing, links))
        return panels

    def _links(self, thing: Person, links: Sequence[PersonalLink]) -> Panel:
        def state(link: PersonalLink) -> Words:
            if link.revoked_at is not None:
                return gettext("taken back")
            return gettext("valid") if link.expires_at > self.at else gettext("expired")

        def end(link: PersonalLink) -> Words:
            return gettext("Take back") if link.revoked_at is None and link.expires_at > self.at else ""

        return Panel(
            _("Personal links"),
            (
                Column(key="issued_at", title=_("Issued"), kind=Kind.INSTANT),
                Column(key="issued_by_id", title=_("Issued by"), kind=Kind.USER),
                Column(key="expires_at", title=_("Until"), kind=Kind.INSTANT),
                Column(key="state", title=_("State"), value=state),
                Column(key="end", title=_("Action"), value=end, link="link-revoke"),
            ),
            links,
            main=True,
        )

    def timeline(self, thing: Person) -> Sequence[Event]:
        """What was done about the person here, and who opened the identity."""
        entries = person_history(self.actor, thing, self.at)
        log = "log-entry" if self.actor.may(Permission.AUDIT_VIEW, thing.area_path) else ""
        return events(entries, log=log)


def events(entries: Sequence[AuditEntry], *, log: str = "") -> list[Event]:
    """Entries of the log about a person as a timeline; `log`: the name of the page of an entry."""
    who = names_of("user", {entry.actor_user_id for entry in entries})
    return [
        Event(
            entry.at,
            ACTIONS.get(entry.action, entry.action),
            who=who.get(entry.actor_user_id, entry.actor_label),
            why=_why(entry),
            href=address(log, entry.seq) if log else "",
            grave=Grave.INFO if entry.action.startswith("identity.") else Grave.QUIET,
        )
        for entry in entries
    ]


def _why(entry: AuditEntry) -> Words:
    kind = PurgeReason if entry.action == "person.purge" else Purpose
    why = str(word(kind, entry.purpose))
    people = len(entry.detail.get("persons") or ()) if entry.action.startswith("identity.") else 0
    if people > 1:
        others = ngettext("with %(n)s other person", "with %(n)s other people", people - 1) % {"n": people - 1}
        return f"{why} · {others}" if why else others
    return why
