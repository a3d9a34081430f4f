"""Line list and contacts. What they mean for a person goes to the ledger as evidence."""

from django.db import models
from django.db.models import Q

from qipan.foundation.access.fields import AreaPathField
from qipan.terms.evidence import Classification, ContactClass


class Case(models.Model):
    """One row of the line list."""

    class Classifications(models.TextChoices):
        SUSPECTED = Classification.SUSPECTED.value
        PROBABLE = Classification.PROBABLE.value
        CONFIRMED = Classification.CONFIRMED.value
        ASYMPTOMATIC = Classification.ASYMPTOMATIC.value
        DISCARDED = Classification.DISCARDED.value

    class Outcome(models.TextChoices):
        RECOVERED = "recovered"
        DIED = "died"
        UNKNOWN = "unknown"

    source = models.CharField(max_length=80)
    case_id = models.CharField(max_length=80)
    disease = models.CharField(max_length=40)
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    classification = models.CharField(max_length=12, choices=Classifications)
    onset_date = models.DateField(null=True)
    report_date = models.DateField(null=True)
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.UNKNOWN)
    outcome_date = models.DateField(null=True)
    #: the case that the file names as its source, which may arrive later than this one
    source_case_id = models.CharField(max_length=80, blank=True)
    recorded_at = models.DateTimeField()
    batch_id = models.BigIntegerField(null=True)
    #: the ledger's fact of this case (Evidence.key), written in the same transaction
    evidence_key = models.BinaryField(max_length=16, unique=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "case_id"], condition=Q(voided_at=None), name="case_once"
            ),
            models.CheckConstraint(
                condition=Q(classification__in=[c.value for c in Classification]), name="case_classified"
            ),
        ]
        indexes = [
            # all that the line list, its count and its curve ask for, so that they read no rows
            models.Index(
                fields=["area_path", "report_date", "onset_date", "classification"], condition=Q(voided_at=None),
                name="case_lines",
            ),
            models.Index(fields=["report_date"]),
            models.Index(fields=["case_id"]),
            models.Index(fields=["batch_id"]),
        ]


class Contact(models.Model):
    """A person exposed to a case: between whom, when, where, how near."""

    class Class(models.TextChoices):
        CLOSE = ContactClass.CLOSE.value
        SECONDARY = ContactClass.SECONDARY.value
        GENERAL = ContactClass.GENERAL.value

    source = models.CharField(max_length=80)
    from_case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="contacts")
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    to_case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="+")
    #: of a contact's contact: the contact through whom
    via_person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, null=True, related_name="+")
    contact_class = models.CharField(max_length=10, choices=Class)
    first_exposure = models.DateField(null=True)
    last_exposure = models.DateField(null=True)
    setting = models.CharField(max_length=60, blank=True)
    minutes = models.PositiveIntegerField(null=True)
    distance_m = models.FloatField(null=True)
    recorded_at = models.DateTimeField()
    batch_id = models.BigIntegerField(null=True)
    #: the ledger's fact of this exposure (Evidence.key); null: no date of exposure is known
    evidence_key = models.BinaryField(max_length=16, null=True, unique=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_exposure=None)
                | Q(last_exposure=None)
                | Q(last_exposure__gte=models.F("first_exposure")),
                name="contact_exposure_forward",
            ),
            models.CheckConstraint(
                condition=Q(contact_class__in=[c.value for c in ContactClass]), name="contact_class_known"
            ),
        ]
        indexes = [
            models.Index(fields=["batch_id"]),
            models.Index(fields=["recorded_at"]),
            # contacts are scoped by where their persons live: from each person to what the list sorts and filters by
            models.Index(
                fields=["person", "recorded_at", "last_exposure", "contact_class"], condition=Q(voided_at=None),
                name="contact_lines",
            ),
        ]
