"""Replays that were asked for, with their figures once they are there."""

from django.db.models import QuerySet

from qipan.foundation.jobs.models import Job
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission

REPLAY = "replay.run"


def list_replays(actor: Actor) -> QuerySet[Job]:
    """The replays that this actor asked for, the newest first."""
    jobs = Job.objects.filter(kind=REPLAY).order_by("-pk")
    if actor.user_id is None or not actor.areas_for(Permission.REPLAY_RUN):
        return jobs.none()
    return jobs.filter(arguments__by=actor.user_id)


def access_replay(actor: Actor, job_id: int) -> Job:
    """One replay: one's own, or one over an area where the actor may replay. Raises Absent."""
    job = Job.objects.filter(kind=REPLAY, pk=job_id).first()
    if job is None or not actor.may(Permission.REPLAY_RUN, str(job.arguments.get("below", "/"))):
        raise Absent("replay")
    return job
