"""A result recorded by hand, and one taken back."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.page import Words, address, with_area
from qipan.foundation.pages.words import word
from qipan.rooms.testing.forms import ResultForm, VoidForm
from qipan.rooms.testing.models import TestResult
from qipan.rooms.testing.rules import for_person
from qipan.rooms.testing.selectors import access_result
from qipan.rooms.testing.services import result_record, result_void
from qipan.terms.errors import Absent
from qipan.terms.evidence import TestOutcome
from qipan.terms.identity import person_code
from qipan.terms.roles import Permission

#: the source of results that came by no file
BY_HAND = "by-hand"


class RecordResult(FormPage):
    """One result by hand."""

    title = _("Record a result")
    section = "testing"
    permission = Permission.TEST_RECORD
    form = ResultForm
    button = _("Record the result")
    confirm, grave = True, True
    help = _("One tube. A file of results comes faster by import; a tube that was imported cannot be entered again.")

    def initial(self, thing: Any) -> dict[str, Any]:
        """Now, by PCR."""
        return {"resulted_at": self.at, "method": "pcr"}

    def back(self, thing: Any) -> str:
        """The list."""
        return address("test-results")

    def consequences(self, thing: Any, data: dict[str, Any]) -> list[Consequence]:
        """A positive binds; it is asked before it does."""
        meant = for_person(TestOutcome(data["result"]), data["pool_id"])
        effect = {
            TestOutcome.POSITIVE: _("The rulebook decides at once; a person who tests positive is isolated."),
            TestOutcome.NEGATIVE: _("The rulebook decides at once; an order that waits for this result may end."),
            TestOutcome.INDETERMINATE: _("The rulebook decides at once; the person is to be tested again, alone."),
        }[meant]
        grounds = gettext("%(result)s, specimen %(specimen)s, person %(person)s.") % {
            "result": word(TestOutcome, data["result"]), "specimen": data["specimen_id"],
            "person": person_code(data["person"]),
        }  # fmt: skip
        return [
            Consequence(_("Grounds"), grounds),
            Consequence(_("Effect"), effect),
            Consequence(_("End"), _("The rulebook names the day; an order lapses by itself then.")),
            Consequence(_("Appeal"), _("The person can appeal on the personal page, or through a worker.")),
        ]

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """Record it."""
        row, _recorded = result_record(
            actor=self.actor, person_id=data["person"], source=BY_HAND, specimen_id=data["specimen_id"],
            sampled_at=data["sampled_at"], resulted_at=data["resulted_at"], method=data["method"],
            result=TestOutcome(data["result"]), at=self.at, ct=data["ct"], pool_id=data["pool_id"], site=data["site"],
            laboratory=data["laboratory"],
        )  # fmt: skip
        url = address("test-result", row.pk) if self.actor.areas_for(Permission.TEST_VIEW) else address("test-results")
        return Done(gettext("The result is recorded and decided."), with_area(url, self.area.code))


class VoidResult(FormPage):
    """A result that was wrong."""

    title = _("Take a result back")
    section = "testing"
    permission = Permission.EVIDENCE_VOID
    form = VoidForm
    button = _("Take the result back")
    confirm, grave = True, True
    help = _("For a tube of somebody else, or a recall. The person is decided again as if the result had never been.")

    def fetch(self, **kwargs: Any) -> TestResult:
        """Absent where the reader may not take evidence back."""
        row = access_result(self.actor, kwargs["result_id"])
        if not self.actor.may(Permission.EVIDENCE_VOID, row.person.area_path):
            raise Absent("test")
        return row

    def heading(self, thing: TestResult) -> Words:
        """Which specimen."""
        return gettext("Take back the result of specimen %(specimen)s") % {"specimen": thing.specimen_id}

    def back(self, thing: TestResult) -> str:
        """The result."""
        return address("test-result", thing.pk)

    def consequences(self, thing: TestResult, data: dict[str, Any]) -> list[Consequence]:
        """What happens to the person."""
        taken = gettext("%(result)s of specimen %(specimen)s, person %(person)s.") % {
            "result": word(TestOutcome, thing.result), "specimen": thing.specimen_id,
            "person": person_code(thing.person_id),
        }  # fmt: skip
        return [
            Consequence(_("Taken back"), taken),
            Consequence(_("Effect"), _(
                "The person is decided again at once: orders that stand on this result alone end; an order that a "
                "negative result had ended may open again."
            )),
            Consequence(_("Undo"), _("This is not undone: a result that was right after all is recorded anew.")),
        ]  # fmt: skip

    def submit(self, thing: TestResult, data: dict[str, Any]) -> Done:
        """Take it back."""
        result_void(actor=self.actor, result_id=thing.pk, reason=data["reason"], at=self.at)
        return Done(gettext("The result is taken back; the person is decided again."),
                    with_area(address("test-results"), self.area.code))  # fmt: skip
