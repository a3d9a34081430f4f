"""Two rulebooks over the same ledger: what would the other one change here, in people, orders, days and tests?"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.jobs.models import Job
from qipan.foundation.pages import formats
from qipan.foundation.pages.form_page import Done, FormPage
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.foundation.pages.words import word
from qipan.rooms.control.forms import ReplayForm
from qipan.rooms.control.selectors import access_replay, list_replays
from qipan.rooms.control.services import replay_request
from qipan.rooms.diseases.selectors import published_books
from qipan.terms.errors import BadInput
from qipan.terms.evidence import HealthCode, OrderKind
from qipan.terms.roles import Permission

_RUNNING = (Job.State.WAITING, Job.State.RUNNING)


class Replays(FormPage):
    """Asking for a replay; those asked for before."""

    title = _("Compare two rulebooks")
    assets = ("control/control.css",)
    section = "rulebooks"
    permission = Permission.REPLAY_RUN
    template = "control/replays.html"
    form = ReplayForm
    button = _("Compare")
    help = _(
        "The whole ledger of the area is decided again, in memory, under each of two rulebooks on every day of the "
        "period. Nothing of it is stored but the figures, and nobody is bound by it."
    )

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """With the published books to choose from."""
        books = published_books()
        today = formats.local(self.at).date()
        start: dict[str, Any] = {"start": today - timedelta(days=13), "end": today}
        if books:
            start |= {"first": books[-1].rulebook, "second": books[-2].rulebook if len(books) > 1 else ""}
        form = ReplayForm(data, initial=start)
        for name in ("first", "second"):
            field = form.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(book.rulebook, book.rulebook) for book in books]
        return form

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        """With the replays of before."""
        earlier = [(job, address("replay", job.pk)) for job in list_replays(self.actor)[:10]]
        return super().show(template, status=status, earlier=earlier, **context)

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """One service: the background does it."""
        if not self.actor.may(Permission.REPLAY_RUN, self.area.path):
            raise BadInput("Choose an area first: at the top of the page.")
        job = replay_request(
            actor=self.actor, books=[data["first"], data["second"]], start=data["start"], end=data["end"],
            below=self.area.path, at=self.at,
        )  # fmt: skip
        told = _("The comparison is in the queue. Its figures appear on this page.")
        return Done(told, with_area(address("replay", job.pk), self.area.code))

    def back(self, thing: Any) -> str:
        """To the rulebooks."""
        return address("rulebooks")


class ReplayPage(Page):
    """A replay: how far it is, or what came out."""

    title = _("Comparison of rulebooks")
    assets = ("control/control.css",)
    section = "rulebooks"
    permission = Permission.REPLAY_RUN
    template = "control/replay.html"
    help = Replays.help

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Progress or figures; while it runs the page reads itself anew."""
        job = access_replay(self.actor, kwargs["job_id"])
        books = list(job.arguments["books"])
        running = job.state in _RUNNING
        share = round(100 * job.progress_done / job.progress_total) if job.progress_total else 0
        answer = self.show(
            job=job, books=books, start=date.fromisoformat(job.arguments["from"]), share=share,
            end=date.fromisoformat(job.arguments["to"]), running=running, failed=job.state == Job.State.FAILED,
            groups=_groups(job.result["rulebooks"]) if job.result else (),
            changed=job.result["changed_persons"] if job.result else None,
            persons=job.result["rulebooks"][0]["persons"] if job.result else None,
            again=address("replays"), heading=gettext("%(first)s and %(second)s") % {
                "first": books[0], "second": books[-1]},
        )  # fmt: skip
        if running:
            answer["Refresh"] = "5"
        return answer


def _groups(books: Sequence[Mapping[str, Any]]) -> list[tuple[Words, list[dict[str, Any]]]]:
    """The figures side by side, with the difference of the last book to the first."""
    first, last = books[0], books[-1]

    def line(title: Words, before: int, after: int) -> dict[str, Any]:
        change = after - before
        sign = "+" if change > 0 else "−" if change < 0 else "±"
        return {"title": title, "first": before, "last": after, "change": f"{sign}{formats.number(abs(change))}",
                "more": change > 0, "less": change < 0}  # fmt: skip

    def lines(key: str, enum: type[HealthCode] | type[OrderKind]) -> list[dict[str, Any]]:
        return [line(word(enum, m.value), first[key].get(m.value, 0), last[key].get(m.value, 0)) for m in enum]

    return [
        (_("People by code at the end"), lines("codes", HealthCode)),
        (_("Orders in force or to come at the end"), lines("orders", OrderKind)),
        (_("Person-days under an order in the period"), lines("person_days", OrderKind)),
        (_("Tests due in the period"), [line(_("tests"), first["tests"], last["tests"])]),
    ]
