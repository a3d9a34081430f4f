"""What is done about a person: opening and finding an identity, registering, moving, destroying, personal links."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import segno
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.columns import cell, names_for
from qipan.foundation.pages.form_page import Consequence, Done, FormPage, act_on
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import word
from qipan.rooms.organizations.selectors import local_day
from qipan.rooms.persons.forms import (
    IdentityForm,
    LinkForm,
    MoveForm,
    PurgeForm,
    PurposeForm,
    RegisterForm,
    SearchForm,
)
from qipan.rooms.persons.models import Person
from qipan.rooms.persons.rules import DocumentKind, PurgeReason, Purpose
from qipan.rooms.persons.selectors import access_link, access_person, list_persons
from qipan.rooms.persons.services import (
    LINK_DAYS,
    identity_open,
    identity_record,
    identity_search,
    person_move,
    person_purge,
    person_register,
    personal_link_issue,
    personal_link_revoke,
)
from qipan.rooms.persons.web.people import AREA, BORN, CODE, SEX, person_of_code
from qipan.terms.errors import Absent, BadInput
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

#: the name of what is typed here, beside the sources of files
SOURCE = "page"


class OfPerson(FormPage):
    """A form about one person who is still known, at whose place the reader holds the page's permission."""

    section = "people"

    def fetch(self, **kwargs: Any) -> Person:
        """Absent where the person is not the reader's, for a wrong code, and where the identity was destroyed."""
        person = access_person(self.actor, person_of_code(kwargs["code"]))
        may = self.permission is not None and self.actor.may(self.permission, person.area_path)
        if person.purged_at is not None or not may:
            raise Absent("person")
        return person

    def back(self, thing: Any) -> str:
        """The person."""
        return address("person", person_code(thing.pk))

    def heading(self, thing: Any) -> Words:
        """What is done, about whom."""
        return act_on(self.title, person_code(thing.pk))


class IdentityOpen(OfPerson):
    """Who somebody is, shown once, for a purpose."""

    title = _("Open the identity")
    permission = Permission.IDENTITY_OPEN
    form = PurposeForm
    button = _("Open the identity")
    help = _(
        "Name, document, phone and address are shown once, on the next page. The log says who opened them and why."
    )

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """The identity, in the answer alone."""
        opened = identity_open(actor=self.actor, person_ids=[thing.pk], purpose=data["purpose"], at=self.at)
        identity = opened.get(thing.pk)
        return self.show(
            "persons/identity.html", heading=self.heading(thing), identity=identity,
            document=word(DocumentKind, identity.document_kind) if identity else "",
            purpose=word(Purpose, data["purpose"]), person_url=self.back(thing),
            record_url=address("identity-record", person_code(thing.pk)),
            may_record=self.actor.may(Permission.PERSON_REGISTER, thing.area_path),
        )  # fmt: skip


class PersonSearch(FormPage):
    """Finding somebody by exact name, document or phone; as pseudonyms."""

    title = _("Find a person")
    section = "people"
    permission = Permission.IDENTITY_SEARCH
    template = "persons/search.html"
    form = SearchForm
    button = _("Search")
    help = _(
        "By the whole name, the whole document number or the whole phone number. You find people who live in your "
        "areas, under their codes. The log says that you searched, for what purpose and whom you found, not the text."
    )

    def back(self, thing: Any) -> str:
        """The list."""
        return address("persons")

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """Those who match."""
        refs = identity_search(
            actor=self.actor, by=data["by"], text=data["text"], purpose=data["purpose"], at=self.at
        )  # fmt: skip
        ids = [ref.id for ref in refs[:100]]
        people = list(list_persons(self.actor).filter(pk__in=ids))
        columns = (CODE, AREA, BORN, SEX)
        said = names_for(columns, people)
        rows = [[cell(column, row, said, now=self.at, area=self.area.code) for column in columns] for row in people]
        form = self.make_form(thing, self.request.POST)
        return self.show(
            heading=self.title, form=form, searched=True, rows=rows, found=len(refs),
            headings=[column.title for column in columns], button=self.button, back=self.back(thing),
            may_register=bool(self.actor.areas_for(Permission.PERSON_REGISTER)), register_url=address("person-add"),
        )  # fmt: skip


class PersonAdd(FormPage):
    """Registering one person."""

    title = _("Register a person")
    section = "people"
    permission = Permission.PERSON_REGISTER
    button = _("Register")
    help = _("Search first: a document is registered once. Many people at a time come by an import.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> RegisterForm:
        """In the reader's areas."""
        small = self.area.code if self.area.level in ("grid", "village") else ""
        initial = {"area": small, "sex": "unknown"}
        form = RegisterForm(data, today=local_day(self.at), source_id=uuid4().hex, initial=initial)
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.PERSON_REGISTER)
        return form

    def back(self, thing: Any) -> str:
        """The list."""
        return address("persons")

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Register."""
        form = self.make_form(thing)
        try:
            pk = person_register(actor=self.actor, source=SOURCE, person=form.new_person(data), at=self.at)
        except BadInput as error:
            raise _without_row(error) from None
        code = person_code(pk)
        return Done(gettext("Registered as %(code)s.") % {"code": code}, address("person", code))


def _without_row(error: BadInput) -> BadInput:
    """The reason of a row's problem: on a form there is one row only."""
    reason = str(error.params.get("reason") or "")
    return BadInput(reason) if reason else error


class IdentityRecord(OfPerson):
    """Giving an identity to somebody who has none, or correcting it."""

    title = _("Record the identity")
    permission = Permission.PERSON_REGISTER
    button = _("Record the identity")
    confirm = True
    help = _("Fill in everything: the old identity is overwritten as a whole and not shown here.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> IdentityForm:
        """Empty: to see the old one, it is opened for a purpose."""
        return IdentityForm(
            data, today=local_day(self.at), source_id=uuid4().hex, initial={"sex": thing.sex}
        )

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """The old one is gone."""
        return (
            Consequence(_("Effect"), _("What was recorded before is destroyed. What is typed here counts.")),
            Consequence(_("What stays"), _("The code, and everything that is known under it.")),
        )

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Record."""
        form = self.make_form(thing)
        try:
            identity_record(actor=self.actor, person_id=thing.pk, person=form.new_person(data), at=self.at)
        except BadInput as error:
            raise _without_row(error) from None
        return Done(gettext("The identity is recorded."), self.back(thing))


class PersonMove(OfPerson):
    """Somebody lives in another area now."""

    title = _("Moved to another area")
    permission = Permission.PERSON_REGISTER
    button = _("Record the move")
    confirm = True

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> MoveForm:
        """Any area: a person is handed over by where he lived."""
        form = MoveForm(data)
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=None)
        return form

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """Who sees the person follows at once."""
        return (
            Consequence(
                _("Effect"),
                _("From this moment the new area sees the person and is responsible; the old one no more."),
            ),
            Consequence(_("Orders"), _("Orders in force stay as they are. Nobody is freed or bound by a move.")),
            Consequence(_("Household"), _("The person leaves the present household.")),
        )

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Move."""
        person_move(actor=self.actor, person_id=thing.pk, area=data["area"], at=self.at)
        seen = list_persons(self.actor).filter(pk=thing.pk).exists()
        text = gettext("The move is recorded.") if seen else gettext(
            "The move is recorded. The person now belongs to an area that is not yours."
        )  # fmt: skip
        return Done(text, self.back(thing) if seen else address("persons"))


class PersonPurge(OfPerson):
    """Destroying who somebody is."""

    title = _("Destroy the identity")
    permission = Permission.PERSON_PURGE
    second_factor = True
    form = PurgeForm
    button = _("Destroy the identity")
    confirm = grave = True
    help = _("By the privacy officer: when the emergency or the time of keeping has ended, or the person asks for it.")

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """What cannot be brought back."""
        return (
            Consequence(_("Grounds"), str(word(PurgeReason, data["reason"]))),
            Consequence(
                _("Effect"),
                _("Name, document, phone, address, year of birth, household and the ids of sources are destroyed. "
                  "Nobody can bring them back; older backups lose them when the vault’s key is next changed."),
            ),
            Consequence(_("Personal links"), _("They open nothing any more.")),
            Consequence(_("What stays"), _("The code, and what is counted and logged under it.")),
        )  # fmt: skip

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Destroy."""
        person_purge(actor=self.actor, person_id=thing.pk, reason=data["reason"], at=self.at)
        return Done(gettext("The identity is destroyed."), self.back(thing))


class LinkIssue(OfPerson):
    """A personal link: the person reads without an account what holds for him, and appeals."""

    title = _("Personal link")
    permission = Permission.APPEAL_OPEN
    form = LinkForm
    button = _("Make a link")
    help = _(
        "With the link the person reads, without an account: code, orders, why, until when, how to appeal, who looked. "
        "Hand it over in person or to the phone that you know is theirs."
    )

    def initial(self, thing: Any) -> dict[str, Any]:
        """As long as usual."""
        return {"days": str(LINK_DAYS)}

    def submit(self, thing: Any, data: dict[str, Any]) -> HttpResponseBase:
        """The link, in the answer alone."""
        token = personal_link_issue(actor=self.actor, person_id=thing.pk, days=data["days"], at=self.at)
        url = self.request.build_absolute_uri(address("resident", token) or f"/r/{token}")
        return self.show(
            "persons/link_once.html", heading=self.heading(thing), url=url, picture=qr(url), days=data["days"],
            person_url=self.back(thing),
        )  # fmt: skip


def qr(text: str) -> SafeString:
    """A QR code as SVG markup without style attributes, dark on white in every theme."""
    svg: str = segno.make(text, error="m", micro=False).svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    return mark_safe(svg)  # noqa: S308 - drawn by segno; the text itself is not in it


class LinkRevoke(FormPage):
    """A personal link is taken back."""

    title = _("Take back the link")
    section = "people"
    permission = Permission.APPEAL_OPEN
    button = _("Take back")
    confirm = grave = True

    def fetch(self, **kwargs: Any) -> Any:
        """Absent where the reader may issue no link for the person."""
        return access_link(self.actor, kwargs["link_id"])

    def back(self, thing: Any) -> str:
        """The person."""
        return address("person", person_code(thing.person_id))

    def heading(self, thing: Any) -> Words:
        """Whose link."""
        return act_on(self.title, person_code(thing.person_id))

    def consequences(self, thing: Any, data: Mapping[str, Any]) -> Sequence[Consequence]:
        """It opens nothing any more."""
        return (
            Consequence(_("Effect"), _("The link opens nothing any more. Orders and appeals stay as they are.")),
            Consequence(_("Then"), _("The person needs another way to read and to appeal: make a new link.")),
        )

    def submit(self, thing: Any, data: Mapping[str, Any]) -> Done:
        """Take back."""
        personal_link_revoke(actor=self.actor, link_id=thing.pk, at=self.at)
        return Done(gettext("The link is taken back."), self.back(thing))
