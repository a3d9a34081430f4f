"""Batches, their chunks, the identity of every accepted row, and the rejects."""

from django.db import models
from django.db.models import F, Q


class Batch(models.Model):
    """One file, once. `declared` = `accepted` + `rejected` + `duplicate` before it may be closed."""

    class State(models.TextChoices):
        STAGING = "staging"
        OPEN = "open"
        COMPLETE = "complete"
        VOIDED = "voided"
        FAILED = "failed"

    kind = models.CharField(max_length=40)
    source = models.CharField(max_length=80)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    encoding = models.CharField(max_length=20, blank=True)
    mapping = models.JSONField(default=dict)
    columns_aside = models.JSONField(default=list)
    what_if = models.BooleanField(default=False)
    #: chunks that the staged file has; known when the batch opens
    planned = models.PositiveIntegerField(default=0)
    #: empty rows of the file: reported, not counted as declared
    blank = models.BigIntegerField(default=0)
    #: batches of this kind and source that had been voided before: what they took in may come again, as new facts
    generation = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.STAGING)
    declared = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    completed_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    #: who may see it: the area of the unit that brought it in
    area_path = models.CharField(max_length=160, default="/")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="complete") | Q(declared=F("accepted") + F("rejected") + F("duplicate")),
                name="batch_totals_add_up",
            ),
            models.UniqueConstraint(
                fields=["kind", "source", "file_sha256"],
                condition=Q(state__in=["staging", "open"]),
                name="batch_one_open_a_file",
            ),
        ]


class Chunk(models.Model):
    """A committed part of a batch; its presence is what makes a resumed import skip it."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    rejected = models.PositiveIntegerField()
    duplicate = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    committed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="chunk_once")]


class AcceptedRow(models.Model):
    """The identity of a row that was taken in: (kind, source, its id) hashed to 16 bytes."""

    key = models.BinaryField(primary_key=True, max_length=16)
    content = models.BinaryField(max_length=16)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="rows")
    row = models.PositiveIntegerField()


class RejectedRow(models.Model):
    """A row that was not taken in, kept sealed so that it can be mended and sent again."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="rejects")
    #: unique in the file, where a mapping makes several records of one row too
    record = models.BigIntegerField()
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=60)
    #: msgid and parameters: said in the reader's language when shown
    reason = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "record"], name="reject_once")]
