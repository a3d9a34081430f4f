from django.db import models


class Job(models.Model):
    """One piece of background work. Claimed by a conditional UPDATE, so that one worker runs it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    kind = models.CharField(max_length=60)
    #: plain JSON arguments, ids only
    arguments = models.JSONField(default=dict)
    #: at most one unfinished job a key (null: no such limit)
    key = models.CharField(max_length=120, null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    run_after = models.DateTimeField()
    claimed_by = models.CharField(max_length=80, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running", "done", "failed", "cancelled"]),
                name="job_state_known",
            ),
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="job_one_unfinished_a_key",
            ),
        ]
        indexes = [models.Index(fields=["state", "run_after"])]
