"""Reading the queue."""

from django.db.models import QuerySet

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
