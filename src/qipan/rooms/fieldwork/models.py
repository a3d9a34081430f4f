"""What happened at the door. The list of doors is computed from orders, never stored."""

from django.db import models
from django.db.models import F, Q

from qipan.foundation.access.fields import AreaPathField
from qipan.terms.evidence import FollowUpOutcome


class Visit(models.Model):
    """One follow-up of one person under an order on one day."""

    class Outcome(models.TextChoices):
        WELL = FollowUpOutcome.WELL.value
        SYMPTOMATIC = FollowUpOutcome.SYMPTOMATIC.value
        NOT_FOUND = FollowUpOutcome.NOT_FOUND.value
        REFUSED = FollowUpOutcome.REFUSED.value

    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()
    order_id = models.BigIntegerField()
    due_on = models.DateField()
    #: made on the phone, so that a visit sent twice is one visit
    client_key = models.CharField(max_length=64, unique=True)
    outcome = models.CharField(max_length=12, choices=Outcome)
    visited_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True)
    #: the ledger's fact of this visit (Evidence.key), written in the same transaction
    evidence_key = models.BinaryField(max_length=16, unique=True)
    #: when somebody has to come again (not found, refused), and to whom it was passed
    again_on = models.DateField(null=True)
    passed_to = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=[outcome.value for outcome in FollowUpOutcome]),
                name="visit_outcome_known",
            ),
            models.CheckConstraint(condition=Q(recorded_at__gte=F("visited_at")), name="visit_recorded_after_it"),
            models.CheckConstraint(condition=~Q(client_key=""), name="visit_has_client_key"),
        ]
        indexes = [models.Index(fields=["area_path", "due_on"]), models.Index(fields=["order_id", "due_on"])]
