"""Reading the queue."""

from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet

from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import all_kinds
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission


def list_jobs(actor: Actor, *, state: str | None = None) -> QuerySet[Job]:
    """The jobs, newest first: all of them with JOB_VIEW (jobs belong to no area), none without."""
    jobs = Job.objects.all() if actor.areas_for(Permission.JOB_VIEW) else Job.objects.none()
    return (jobs.filter(state=state) if state else jobs).order_by("-pk")


def access_job(actor: Actor, job_id: int) -> Job:
    """One job: of those who see all, one's own, or of a kind that one may look at. Raises Absent."""
    jobs = Job.objects.filter(pk=job_id)
    if not actor.areas_for(Permission.JOB_VIEW):
        kinds = [kind.name for kind in all_kinds() if kind.view is not None and actor.areas_for(kind.view)]
        own = Q(created_by=actor.user_id) if actor.user_id is not None else Q(pk=None)
        jobs = jobs.filter(own | Q(kind__in=kinds))
    job = jobs.first()
    if job is None:
        raise Absent("job")
    return job


def queue_delay(at: datetime) -> timedelta | None:
    """For how long the oldest job that should run has been waiting, or its worker was not heard of; None where
    nothing is due. For the machine's own watch: not scoped, and says nothing of the jobs.
    """
    waiting = Job.objects.filter(state=Job.State.WAITING, run_after__lte=at).aggregate(since=Min("run_after"))
    running = Job.objects.filter(state=Job.State.RUNNING).aggregate(since=Min("heartbeat_at"))
    since = [found["since"] for found in (waiting, running) if found["since"] is not None]
    return at - min(since) if since else None


def last_job(actor: Actor, kind: str) -> Job | None:
    """The newest job of a kind, where the actor may see it."""
    newest = Job.objects.filter(kind=kind).order_by("-pk").values_list("pk", flat=True).first()
    try:
        return access_job(actor, newest) if newest is not None else None
    except Absent:
        return None

