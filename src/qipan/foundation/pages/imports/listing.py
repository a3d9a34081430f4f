"""The batches, and one of them: totals that add up, rejects, what can be done."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.access.scoping import within
from qipan.foundation.http.paging import Sort, page_of
from qipan.foundation.intake.kinds import file_kind, file_kinds
from qipan.foundation.intake.models import Batch, RejectedRow
from qipan.foundation.intake.selectors import access_batch, list_batches, reason_text
from qipan.foundation.intake.uploads import list_uploads, uploads_sweep
from qipan.foundation.jobs.models import Job
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice, Text
from qipan.foundation.pages.imports.speech import column_name, kinds_for
from qipan.foundation.pages.jobs.speech import kind_title, share_of
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import gravity, word
from qipan.terms.errors import BadInput
from qipan.terms.roles import Permission

#: rejects on one page
_REJECTS = 50


def kind_words(name: str) -> str:
    """A kind's title; its name where it is not there any more."""
    try:
        return gettext(file_kind(name).title)
    except BadInput:
        return name


KIND = Column(key="kind", title=_("Kind"), value=lambda batch: kind_words(batch.kind))
SOURCE = Column(key="source", title=_("Source"), sort="source")
BY = Column(key="created_by", title=_("By"), kind=Kind.USER)
WHEN = Column(key="created_at", title=_("Begun"), kind=Kind.INSTANT, sort="created_at")


class Imports(ListPage):
    """The batches that the reader may see."""

    title = _("Imports")
    section = "imports"
    permission = Permission.BATCH_VIEW
    columns = (
        Column(key="pk", title=_("Batch"), sort="pk"),
        KIND,
        SOURCE,
        Column(key="state", title=_("State"), kind=Kind.WORD, words=Batch.State),
        Column(key="declared", title=_("Declared"), kind=Kind.NUMBER, sort="declared"),
        Column(key="accepted", title=_("Accepted"), kind=Kind.NUMBER, sort="accepted"),
        Column(key="rejected", title=_("Rejected"), kind=Kind.NUMBER, sort="rejected"),
        Column(key="duplicate", title=_("Duplicate"), kind=Kind.NUMBER, wide=True),
        BY,
        WHEN,
    )
    sort = ("pk", True)
    opens = "import"
    export = "imports"
    help = _(
        "Every file that came in is a batch: what it declared is what was accepted, rejected and known before, "
        "together. A batch that was interrupted is gone on with; a wrong one is taken back."
    )
    empty = _("No file has come in yet. Take one in with the button above.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        kinds = tuple((kind.name, kind_words(kind.name)) for kind in file_kinds())
        self.filters = (  # type: ignore[misc]
            Choice(name="kind", title=_("Kind"), options=kinds),
            Choice(name="state", title=_("State"), words=Batch.State),
            Text(name="source", title=_("Source")),
        )

    def rows(self) -> QuerySet[Batch]:
        """Those of the chosen area. What was uploaded and left behind is swept away on the way."""
        uploads_sweep(self.at)
        return list_batches(self.actor).filter(within(self.area.path))

    lead_template = "pages/imports/waiting.html"

    def lead(self) -> dict[str, Any]:
        """What of the reader's own is under way, or waits for him."""
        own = Job.objects.filter(created_by=self.actor.user_id, kind__startswith="intake.")
        under_way = own.filter(state__in=(Job.State.WAITING, Job.State.RUNNING)).order_by("-pk")[:5]
        jobs = list(under_way) if self.actor.user_id is not None else []
        busy = {job.arguments.get("upload") for job in jobs}
        waiting = [upload for upload in list_uploads(self.actor) if upload.token not in busy][:5]
        return {"jobs": [(job, kind_title(job.kind), share_of(job)) for job in jobs], "waiting": waiting}

    def head(self) -> Sequence[Link]:
        """To the wizard, for whoever may take something in."""
        return (Link(_("Take a file in"), address("import-new"), primary=True),) if kinds_for(self.actor) else ()


class ImportPage(DetailPage):
    """One batch."""

    title = _("Batch")
    section = "imports"
    permission = Permission.BATCH_VIEW
    template = "pages/desk_detail.html"
    facts = (
        KIND,
        SOURCE,
        BY,
        WHEN,
        Column(key="completed_at", title=_("Complete"), kind=Kind.INSTANT),
        Column(key="voided_at", title=_("Taken back"), kind=Kind.INSTANT),
        Column(key="area_path", title=_("Area"), kind=Kind.AREA),
        Column(key="file_name", title=_("File")),
        Column(key="encoding", title=_("Encoding")),
        Column(key="blank", title=_("Empty rows"), kind=Kind.NUMBER),
    )
    body = "pages/imports/totals.html"
    help = _(
        "Declared = accepted + rejected + duplicate. Download the rejected rows, mend them, and send that file again "
        "as it is: rows that were accepted before count as duplicates."
    )

    def fetch(self, **kwargs: Any) -> Batch:
        """Absent where it is not the reader's."""
        return access_batch(self.actor, kwargs["batch_id"])

    def heading(self, thing: Batch) -> Words:
        """Kind and number."""
        return f"{kind_words(thing.kind)} · {gettext('batch')} {thing.pk}"

    def state(self, thing: Batch) -> Sequence[State]:
        """Where it is."""
        return (State(word(Batch.State, thing.state), gravity(Batch.State, thing.state)),)

    def actions(self, thing: Batch) -> Sequence[Action]:
        """Go on, download and mend, take back."""
        actions = []
        mine = self.actor.may(file_kind(thing.kind).permission, thing.area_path)
        if thing.state == Batch.State.OPEN and mine:
            actions.append(Action(_("Go on with it"), address("import-resume", thing.pk), primary=True))
        if thing.rejected and mine:
            actions.append(Action(_("Download rejects"), address("import-rejects", thing.pk)))
        if mine and kinds_for(self.actor):
            again = f"{address('import-new')}?kind={thing.kind}&from={thing.pk}"
            actions.append(Action(_("Send a mended file"), again))
        held = thing.state in (Batch.State.COMPLETE, Batch.State.OPEN)
        if held and mine and self.actor.may(Permission.BATCH_VOID, thing.area_path):
            actions.append(Action(_("Take it back"), address("import-void", thing.pk), grave=True))
        return actions

    def panels(self, thing: Batch) -> Sequence[Panel]:
        """Columns that were not taken in; other batches of the source."""
        others = list_batches(self.actor, kind=thing.kind).filter(source=thing.source).exclude(pk=thing.pk)
        columns = (
            Column(key="pk", title=_("Batch"), link="import"),
            Column(key="state", title=_("State"), kind=Kind.WORD, words=Batch.State),
            Column(key="declared", title=_("Declared"), kind=Kind.NUMBER),
            WHEN,
        )
        aside = [{"name": name} for name in thing.columns_aside]
        return (
            Panel(_("Kept aside"), (Column(key="name", title=_("Column or sheet")),), aside,
                  _("Every column of the file was read.")),
            Panel(_("Other files of this source"), columns, list(others[:8]), _("This is the only one of its kind.")),
        )  # fmt: skip

    def besides(self, thing: Batch) -> dict[str, Any]:
        """The sum, and one page of rejects: rows, columns and reasons, nobody's data."""
        kind = file_kind(thing.kind)
        part = page_of(
            RejectedRow.objects.filter(batch_id=thing.pk).defer("sealed"), sort=Sort("record"), size=_REJECTS,
            cursor=self.request.GET.get("page", ""),
        )  # fmt: skip
        rejects = [(row.row, column_name(kind, row.column), reason_text(row)) for row in part.rows]
        path = self.request.path
        return {
            "batch": thing,
            "rejects": rejects,
            "next": f"{path}?page={part.next}" if part.next else "",
            "previous": f"{path}?page={part.previous}" if part.previous else "",
            "known_before": thing.state == Batch.State.COMPLETE and thing.declared == thing.duplicate,
        }
