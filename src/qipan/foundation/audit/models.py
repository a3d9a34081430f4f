"""The log's one table. Rows are appended by `services.audited` and never change: triggers refuse it."""

from django.db import models


class AuditEntry(models.Model):
    """Who did what, when, to what, for which purpose; chained by hash. Plain ids, no personal data."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_user_id = models.BigIntegerField(null=True)
    actor_unit_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=80)
    area_path = models.CharField(max_length=160)
    purpose = models.CharField(max_length=200)
    detail = models.JSONField()
    #: Names the rows written with this entry (evidence carries it): state is reconciled with the log by it.
    write_id = models.CharField(max_length=32, unique=True)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"]),
            models.Index(fields=["action", "at"]),
            models.Index(fields=["at"]),
        ]
