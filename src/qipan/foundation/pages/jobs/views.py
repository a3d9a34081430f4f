"""Pages of background work."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import JobKind, all_kinds, job_kind
from qipan.foundation.jobs.selectors import access_job, list_jobs
from qipan.foundation.jobs.services import job_cancel, job_retry, job_start
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, State
from qipan.foundation.pages.filters import Choice
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.jobs.speech import error_text, kind_title, result_rows, share_of
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Words, address
from qipan.foundation.pages.words import gravity, word
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission

#: a job that nobody took for so long says that no worker is there
_NOBODY_AFTER = timedelta(minutes=1)
_UNFINISHED = (Job.State.WAITING, Job.State.RUNNING)


TITLE = Column(key="kind", title=_("Job"), value=lambda job: kind_title(job.kind))
STATE = Column(key="state", title=_("State"), kind=Kind.WORD, words=Job.State, sort="state")
STARTED = Column(key="created_at", title=_("Started"), kind=Kind.INSTANT)
BY = Column(key="created_by", title=_("By"), kind=Kind.USER)
ENDED = Column(key="finished_at", title=_("Ended"), kind=Kind.INSTANT, sort="finished_at")


def _startable(page: Any) -> list[JobKind]:
    return [kind for kind in all_kinds() if kind.by_hand is not None and page.actor.areas_for(kind.permission)]


class Jobs(ListPage):
    """Everything that runs in the background."""

    title = _("Jobs")
    section = "jobs"
    permission = Permission.JOB_VIEW
    columns = (
        Column(key="pk", title=_("Number"), sort="pk"),
        TITLE,
        STATE,
        Column(key="progress", title=_("Progress"), value=share_of),
        BY,
        STARTED,
        ENDED,
        Column(key="attempts", title=_("Attempts"), kind=Kind.NUMBER, wide=True),
    )
    filters = (
        Choice(name="state", title=_("State"), words=Job.State),
        Choice(name="kind", title=_("Job"), options=()),
    )
    sort = ("pk", True)
    opens = "job"
    help = _(
        "Work that takes longer than a page may: imports, the daily cycle, verifying the log. A worker (qipan worker) "
        "runs it; a job whose worker died is run again by another."
    )
    empty = _("Nothing has run in the background yet.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        kinds = tuple((kind.name, kind_title(kind.name)) for kind in all_kinds())
        self.filters = (self.filters[0], Choice(name="kind", title=_("Job"), options=kinds))  # type: ignore[misc]

    def rows(self) -> QuerySet[Job]:
        """All of them."""
        return list_jobs(self.actor)

    def head(self) -> Sequence[Link]:
        """What the reader may start by hand."""
        return [Link(gettext(kind.title), address("job-start", kind.name)) for kind in _startable(self)]


class JobPage(DetailPage):
    """One job: how far it is, what came of it."""

    title = _("Job")
    section = "jobs"
    facts = (
        TITLE,
        BY,
        STARTED,
        Column(key="run_after", title=_("Not before"), kind=Kind.INSTANT),
        Column(key="heartbeat_at", title=_("Last sign of life"), kind=Kind.INSTANT),
        ENDED,
        Column(key="attempts", title=_("Attempts"), kind=Kind.NUMBER),
        Column(key="claimed_by", title=_("Worker")),
    )
    template = "pages/desk_detail.html"
    body = "pages/jobs/progress.html"
    help = _("Leave this page whenever you like: the job goes on. A cancelled job stops at its next sign of progress.")

    def fetch(self, **kwargs: Any) -> Job:
        """Absent where it is not the reader's."""
        return access_job(self.actor, kwargs["job_id"])

    def heading(self, thing: Job) -> Words:
        """What it does, and its number."""
        return f"{kind_title(thing.kind)} · {thing.pk}"

    def state(self, thing: Job) -> Sequence[State]:
        """Where it is."""
        return (State(word(Job.State, thing.state), gravity(Job.State, thing.state)),)

    def actions(self, thing: Job) -> Sequence[Action]:
        """Cancel what is not over, retry what failed."""
        if not _may_touch(self.actor, thing):
            return ()
        if thing.state in _UNFINISHED:
            return (Action(_("Cancel"), address("job-cancel", thing.pk), grave=True),)
        if thing.state in (Job.State.FAILED, Job.State.CANCELLED):
            return (Action(_("Run again"), address("job-retry", thing.pk), primary=True),)
        return ()

    def besides(self, thing: Job) -> dict[str, Any]:
        """How far it is."""
        return {"job": thing, **progress_of(thing, self.at), "result": result_rows(thing.result)}

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, or only how far it is (``?part=1``, asked again and again by the page)."""
        job = self.fetch(**kwargs)
        if self.request.GET.get("part") == "1":
            return self.show("pages/jobs/progress.html", **self.besides(job))
        return self.answer(job)


def progress_of(job: Job, at: Any) -> dict[str, Any]:
    """What the bar of a job needs."""
    waiting = job.state == Job.State.WAITING
    return {
        "unfinished": job.state in _UNFINISHED,
        "running": job.state == Job.State.RUNNING,
        "waiting": waiting,
        "nobody": waiting and at - job.run_after > _NOBODY_AFTER,
        "done": job.progress_done,
        "total": job.progress_total,
        "share": share_of(job) or "",
        "error_text": error_text(job.error),
    }


def _may_touch(actor: Actor, job: Job) -> bool:
    own = job.created_by is not None and job.created_by == actor.user_id
    return own or bool(actor.areas_for(Permission.JOB_RUN))


class _JobForm(FormPage):
    """Something done to one job."""

    section = "jobs"
    form = QipanForm

    def fetch(self, **kwargs: Any) -> Job:
        """Absent where it is not the reader's to touch: one's own, or anybody's with JOB_RUN."""
        job = access_job(self.actor, kwargs["job_id"])
        if not _may_touch(self.actor, job):
            raise Absent("job")
        return job

    def heading(self, thing: Job) -> Words:
        """What is done, and to which job."""
        return f"{self.title}: {kind_title(thing.kind)} · {thing.pk}"

    def back(self, thing: Job) -> str:
        """To the job."""
        return address("job", thing.pk)


class JobCancel(_JobForm):
    """Stopping a job."""

    title = _("Cancel a job")
    button = _("Cancel the job")
    grave = True
    confirm = True

    def consequences(self, thing: Job, data: dict[str, Any]) -> Sequence[Consequence]:
        """What is done stays done."""
        return (
            Consequence(_("Effect"), _("It stops at its next sign of progress. What it has done by then stays done.")),
            Consequence(_("Afterwards"), _("It can be run again; it goes on where it stopped.")),
        )

    def submit(self, thing: Job, data: dict[str, Any]) -> Done:
        """Cancel it."""
        job_cancel(actor=self.actor, job_id=thing.pk, at=self.at)
        return Done(_("The job is cancelled."), address("job", thing.pk))


class JobRetry(_JobForm):
    """Running a job again."""

    title = _("Run a job again")
    button = _("Run it again")

    def submit(self, thing: Job, data: dict[str, Any]) -> Done:
        """Put it into the queue."""
        job_retry(actor=self.actor, job_id=thing.pk, at=self.at)
        return Done(_("The job is in the queue again."), address("job", thing.pk))


class JobStart(FormPage):
    """Starting a job by hand."""

    title = _("Start a job")
    section = "jobs"
    button = _("Start it")
    form = QipanForm
    template = "pages/jobs/start.html"

    def fetch(self, **kwargs: Any) -> JobKind:
        """Absent for a kind that is none, is not started by hand, or not by this reader."""
        kind = job_kind(kwargs["kind"])
        if kind is None or kind.by_hand is None or not self.actor.areas_for(kind.permission):
            raise Absent("job")
        return kind

    def heading(self, thing: JobKind) -> Words:
        """What it does."""
        return gettext(thing.title)

    def submit(self, thing: JobKind, data: dict[str, Any]) -> Done:
        """Put it into the queue."""
        job = job_start(actor=self.actor, kind=thing.name, at=self.at)
        return Done(_("The job is in the queue."), address("job", job.pk))
