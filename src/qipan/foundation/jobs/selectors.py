"""Reading the queue."""

from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from qipan.foundation.jobs.models import Job
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission


def list_jobs(actor: Actor, *, state: str | None = None) -> QuerySet[Job]:
    """The jobs, newest first: all of them with JOB_VIEW (jobs belong to no area), none without."""
    jobs = Job.objects.all() if actor.areas_for(Permission.JOB_VIEW) else Job.objects.none()
    return (jobs.filter(state=state) if state else jobs).order_by("-pk")


def access_job(actor: Actor, job_id: int) -> Job:
    """One job. Raises Absent where there is none, or none that the actor may see."""
    job = list_jobs(actor).filter(pk=job_id).first()
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
