"""Results as laboratories send them. What they mean for a person goes to the ledger as evidence."""

from django.db import models
from django.db.models import F, Q

from qipan.terms.evidence import TestOutcome


class TestResult(models.Model):
    """One specimen's result; the times by which a laboratory is held to its turnaround."""

    __test__ = False

    class Result(models.TextChoices):
        POSITIVE = TestOutcome.POSITIVE.value
        NEGATIVE = TestOutcome.NEGATIVE.value
        INDETERMINATE = TestOutcome.INDETERMINATE.value

    source = models.CharField(max_length=80)
    specimen_id = models.CharField(max_length=80)
    # no index: a person's results are asked of the ledger, whose index by person costs every import enough
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+", db_index=False)
    pool_id = models.CharField(max_length=80, blank=True)
    site = models.CharField(max_length=80, blank=True)
    laboratory = models.CharField(max_length=80, blank=True)
    method = models.CharField(max_length=20)
    sampled_at = models.DateTimeField()
    resulted_at = models.DateTimeField()
    #: what the laboratory said of the tube; what it means for the person is in the ledger (rules.for_person)
    result = models.CharField(max_length=13, choices=Result)
    ct = models.FloatField(null=True)
    batch_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    #: the ledger's fact of this result (Evidence.key), written in the same transaction
    evidence_key = models.BinaryField(max_length=16)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "specimen_id"], condition=Q(voided_at=None), name="test_result_once"
            ),
            models.CheckConstraint(
                condition=Q(resulted_at__gte=F("sampled_at")), name="result_after_sampling"
            ),
            models.CheckConstraint(
                condition=Q(result__in=[r.value for r in TestOutcome]), name="test_result_known"
            ),
        ]
        indexes = [
            models.Index(fields=["resulted_at"]),
            models.Index(fields=["batch_id"]),
            # the results that came by no file: every file asks for them
            models.Index(
                fields=["source", "specimen_id"], condition=Q(batch_id=None, voided_at=None), name="test_result_single"
            ),
        ]
