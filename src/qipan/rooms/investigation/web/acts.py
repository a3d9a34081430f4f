"""What is done with cases: entered, confirmed, discarded, given contacts. Each form calls one service."""

from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.area_field import AreaField
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import word
from qipan.rooms.investigation.forms import CaseForm, ConfirmForm, ContactForm, DiscardForm
from qipan.rooms.investigation.models import Case
from qipan.rooms.investigation.selectors import access_case, bound_by_case, contacts_of
from qipan.rooms.investigation.services import case_add, case_confirm, case_discard, contact_add
from qipan.terms.errors import Absent
from qipan.terms.evidence import Classification, ContactClass
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

#: people named in a consequence; the rest are counted
_NAMED = 10

_END = _(
    "The rulebook names the day. The order lapses by itself then, and says so to the person; nobody has to lift it."
)
_APPEAL = _(
    "The person can appeal on the personal page, or through anybody who works for the case. Unanswered, an appeal "
    "releases."
)


class CaseAct(FormPage):
    """A form about one case that the reader may edit."""

    section = "cases"
    permission = Permission.CASE_EDIT

    def fetch(self, **kwargs: Any) -> Case:
        """Absent where it is not the reader's to edit."""
        case = access_case(self.actor, kwargs["case_id"])
        if not self.actor.may(Permission.CASE_EDIT, case.area_path):
            raise Absent("case")
        return case

    def back(self, thing: Case) -> str:
        """The case."""
        return address("case", thing.pk)

    def done(self, thing: Case, text: str) -> Done:
        """Back to the case, within the chosen area."""
        return Done(text, with_area(address("case", thing.pk), self.area.code))


class CaseAdd(FormPage):
    """A new case."""

    title = _("Add a case")
    section = "cases"
    permission = Permission.CASE_EDIT
    form = CaseForm
    button = _("Add the case")
    confirm, grave = True, True
    help = _("Enter one case by hand. A whole line list comes faster by import.")

    def initial(self, thing: Any) -> dict[str, Any]:
        """The chosen area; the person where the page of one sent us."""
        return {
            "person": self.request.GET.get("person", "")[:24], "area": self.area.code, "sex": "unknown",
            "classification": Classification.SUSPECTED.value,
        }  # fmt: skip

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> CaseForm:
        """Areas in which the reader may record cases."""
        form = CaseForm(data, files, initial=self.initial(thing))
        AreaField.of(form).narrow(self.actor, below=self.area.path, permission=Permission.CASE_EDIT)
        return form

    def back(self, thing: Any) -> str:
        """The line list."""
        return address("cases")

    def consequences(self, thing: Any, data: dict[str, Any]) -> list[Consequence]:
        """A diagnosis binds."""
        who = person_code(data["person"]) if data["person"] is not None else gettext("somebody who is not registered")
        said = word(Classification, data["classification"])
        grounds = gettext("The diagnosis “%(classification)s” of %(who)s, entered by you.")
        return [
            Consequence(_("Grounds"), grounds % {"classification": said, "who": who}),
            Consequence(_("Effect"), _("The rulebook decides at once; a confirmed case is isolated.")),
            Consequence(_("End"), _END),
            Consequence(_("Appeal"), _APPEAL),
        ]

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Enter it."""
        case, _recorded = case_add(
            actor=self.actor, at=self.at, person_id=data["person"], area=data["area"], sex=data["sex"] or "unknown",
            birth_year=data["birth_year"], case_id=data["case_id"], onset_date=data["onset"],
            classification=Classification(data["classification"]), report_date=data["report"],
            source_case_id=data["source_case"],
        )  # fmt: skip
        said = gettext("Case %(case)s is entered and decided. Now name the contacts.") % {"case": case.case_id}
        return Done(said, with_area(address("case", case.pk), self.area.code))


class CaseConfirm(CaseAct):
    """Suspected or probable becomes confirmed or asymptomatic."""

    title = _("Confirm a case")
    form = ConfirmForm
    button = _("Confirm the case")
    confirm, grave = True, True
    help = _("A confirmed case binds the person and makes contacts count. It is said in the log who confirmed it.")

    def heading(self, thing: Case) -> Words:
        """Which case."""
        return gettext("Confirm case %(case)s") % {"case": thing.case_id}

    def initial(self, thing: Case) -> dict[str, Any]:
        """The onset as far as it is known."""
        return {"classification": Classification.CONFIRMED.value, "onset": thing.onset_date}

    def consequences(self, thing: Case, data: dict[str, Any]) -> list[Consequence]:
        """Who is bound by it."""
        contacts = contacts_of(self.actor, thing.pk).count()
        effect = ngettext(
            "The rulebook decides about %(person)s and %(n)s contact at once. A confirmed case is isolated.",
            "The rulebook decides about %(person)s and %(n)s contacts at once. A confirmed case is isolated.",
            contacts,
        )
        grounds = gettext("The diagnosis “%(classification)s”, entered by you.")
        return [
            Consequence(_("Grounds"), grounds % {"classification": word(Classification, data["classification"])}),
            Consequence(_("Effect"), effect % {"person": person_code(thing.person_id), "n": contacts}),
            Consequence(_("End"), _END),
            Consequence(_("Appeal"), _APPEAL),
        ]

    def submit(self, thing: Case, data: dict[str, Any]) -> Done:
        """Confirm it."""
        case_confirm(
            actor=self.actor, case_id=thing.pk, at=self.at, classification=Classification(data["classification"]),
            onset_date=data["onset"],
        )  # fmt: skip
        return self.done(thing, gettext("The case is confirmed; everybody concerned is decided again."))


class CaseDiscard(CaseAct):
    """It was none."""

    title = _("Discard a case")
    form = DiscardForm
    button = _("Discard the case")
    confirm, grave = True, True
    help = _(
        "Discarding takes back the diagnosis and every exposure to this case. Whoever has no other grounds is released."
    )

    def fetch(self, **kwargs: Any) -> Case:
        """Only where evidence may be taken back."""
        case = super().fetch(**kwargs)
        if not self.actor.may(Permission.EVIDENCE_VOID, case.area_path):
            raise Absent("case")
        return case

    def heading(self, thing: Case) -> Words:
        """Which case."""
        return gettext("Discard case %(case)s") % {"case": thing.case_id}

    def consequences(self, thing: Case, data: dict[str, Any]) -> list[Consequence]:
        """Who is released."""
        contacts = contacts_of(self.actor, thing.pk).count()
        bound = bound_by_case(self.actor, thing, at=self.at)
        taken = ngettext(
            "The diagnosis of %(person)s and the exposure of %(n)s contact.",
            "The diagnosis of %(person)s and the exposures of %(n)s contacts.",
            contacts,
        ) % {"person": person_code(thing.person_id), "n": contacts}
        if bound:
            named = ", ".join(person_code(person) for person in bound[:_NAMED]) + (" …" if len(bound) > _NAMED else "")
            released = ngettext(
                "%(n)s person is bound by an order that stands on this case, and is released unless there are other "
                "grounds: %(named)s.",
                "%(n)s people are bound by orders that stand on this case, and are released unless there are other "
                "grounds: %(named)s.",
                len(bound),
            ) % {"n": len(bound), "named": named}
        else:
            released = gettext("Nobody whose orders you may see is bound by this case.")
        return [
            Consequence(_("Taken back"), taken),
            Consequence(_("Released"), released),
            Consequence(_("Undo"), _("This is not undone: if it was a case after all, it is entered anew.")),
        ]

    def submit(self, thing: Case, data: dict[str, Any]) -> Done:
        """Discard it."""
        case_discard(actor=self.actor, case_id=thing.pk, reason=data["reason"], at=self.at)
        return self.done(thing, gettext("The case is discarded; everybody concerned is decided again."))


class ContactAdd(CaseAct):
    """A contact of this case."""

    title = _("Add a contact")
    form = ContactForm
    button = _("Add the contact")
    confirm, grave = True, True
    help = _("One person who was exposed to this case. A whole list comes faster by import.")

    def heading(self, thing: Case) -> Words:
        """Of which case."""
        return gettext("Add a contact of case %(case)s") % {"case": thing.case_id}

    def initial(self, thing: Case) -> dict[str, Any]:
        """A close contact."""
        return {"contact_class": ContactClass.CLOSE.value}

    def consequences(self, thing: Case, data: dict[str, Any]) -> list[Consequence]:
        """What follows for the contact."""
        person = person_code(data["person"])
        if data["first"] is None and data["last"] is None:
            return [Consequence(_("Effect"), gettext("None for %(person)s: no day of exposure is known.")
                                % {"person": person})]  # fmt: skip
        grounds = gettext("%(person)s was exposed to case %(case)s as a %(class)s, last on %(day)s.") % {
            "person": person, "case": thing.case_id, "class": word(ContactClass, data["contact_class"]),
            "day": data["last"] or data["first"],
        }  # fmt: skip
        return [
            Consequence(_("Grounds"), grounds),
            Consequence(_("Effect"), _("The rulebook decides at once; a close contact is quarantined and tested.")),
            Consequence(_("End"), _END),
            Consequence(_("Appeal"), _APPEAL),
        ]

    def submit(self, thing: Case, data: dict[str, Any]) -> Done:
        """Add it."""
        contact_add(
            actor=self.actor, case_id=thing.pk, person_id=data["person"], at=self.at,
            contact_class=ContactClass(data["contact_class"]), first_exposure=data["first"],
            last_exposure=data["last"], setting=data["setting"], minutes=data["minutes"], via_person_id=data["via"],
        )  # fmt: skip
        return self.done(thing, gettext("The contact is added and decided."))
