"""The heart of the loop: evidence, decisions (a cache), orders, appeals.

There is no column for a health code that anybody could set: a stored decision carries the code that the
rulebook gave together with a seal over the whole row; a row whose seal does not hold is ignored and decided
again, so neither SQL nor a service can colour anybody.
"""

from django.db import models
from django.db.models import F, Q

from qipan.terms.evidence import EvidenceKind, OrderKind


class Evidence(models.Model):
    """What a rulebook may look at. Append-only: triggers refuse UPDATE and DELETE."""

    class Kinds(models.TextChoices):
        TEST = EvidenceKind.TEST.value
        EXPOSURE = EvidenceKind.EXPOSURE.value
        ARRIVAL = EvidenceKind.ARRIVAL.value
        RESIDENCE = EvidenceKind.RESIDENCE.value
        SYMPTOM = EvidenceKind.SYMPTOM.value
        DIAGNOSIS = EvidenceKind.DIAGNOSIS.value
        RECOVERY = EvidenceKind.RECOVERY.value
        EXEMPTION = EvidenceKind.EXEMPTION.value
        FOLLOW_UP = EvidenceKind.FOLLOW_UP.value
        CORRECTION = EvidenceKind.CORRECTION.value

    #: identity of the fact (kind, source, id), so that it cannot be counted twice
    key = models.BinaryField(max_length=16, unique=True)
    disease = models.CharField(max_length=40)
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    # few facts have a linked person or void another: their indexes hold those only
    linked_person = models.ForeignKey(
        "persons.Person", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kinds)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    value = models.JSONField()
    source = models.CharField(max_length=80)
    batch_id = models.BigIntegerField(null=True)
    recorded_by = models.BigIntegerField(null=True)
    recorded_unit = models.BigIntegerField(null=True)
    voids = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="voided_by", db_index=False
    )
    #: the log entry that covers this row (AuditEntry.write_id)
    write_id = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in EvidenceKind]), name="evidence_kind_known"),
            models.CheckConstraint(condition=~Q(source=""), name="evidence_has_source"),
            models.CheckConstraint(condition=Q(recorded_at__gte=F("at")), name="evidence_not_before_it_was_so"),
            # a correction takes something back, and nothing else does
            models.CheckConstraint(
                condition=Q(kind="correction", voids__isnull=False) | (~Q(kind="correction") & Q(voids=None)),
                name="correction_voids",
            ),
        ]
        indexes = [
            models.Index(fields=["batch_id"]),
            models.Index(fields=["write_id"]),
            models.Index(fields=["linked_person"], condition=Q(linked_person__isnull=False), name="evidence_linked"),
            models.Index(fields=["voids"], condition=Q(voids__isnull=False), name="evidence_voids"),
        ]


class StoredDecision(models.Model):
    """The last decision about a person: a cache that replay can rebuild. Absent: decide when read."""

    person = models.ForeignKey("persons.Person", on_delete=models.CASCADE, related_name="+")
    disease = models.CharField(max_length=40)
    rulebook = models.CharField(max_length=60)
    tables = models.CharField(max_length=40)
    moment = models.DateTimeField()
    #: code, orders and reasons as canonical JSON, under `seal`
    content = models.JSONField()
    next_change_at = models.DateTimeField(null=True)
    stale = models.BooleanField(default=False)
    #: which evidence it has seen (`selectors.ledger.ledger_versions`): a row put back later has not seen it all
    ledger = models.CharField(max_length=32)
    seal = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "disease"], name="decision_one_a_person")]
        indexes = [models.Index(fields=["next_change_at"]), models.Index(fields=["stale"])]


class CompletePass(models.Model):
    """The books and tables under which everybody was last decided. Others in force: everybody once more, also
    those whose decision is not stored because it was plainly green.
    """

    disease = models.CharField(max_length=40, primary_key=True)
    books = models.JSONField()
    tables = models.CharField(max_length=40)
    at = models.DateTimeField()


class Order(models.Model):
    """A restriction: grounds, authority, start, end, review and appeal, or the database refuses it."""

    class Kinds(models.TextChoices):
        ISOLATE = OrderKind.ISOLATE.value
        QUARANTINE_CENTRAL = OrderKind.QUARANTINE_CENTRAL.value
        QUARANTINE_HOME = OrderKind.QUARANTINE_HOME.value
        MONITOR_HOME = OrderKind.MONITOR_HOME.value
        TEST = OrderKind.TEST.value

    class Closed(models.TextChoices):
        LAPSED = "lapsed"  # its end passed
        RELEASED = "released"  # new evidence: the rulebook no longer asks for it
        REPLACED = "replaced"  # new evidence: another order takes its place

    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    disease = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kinds)
    rulebook = models.CharField(max_length=60)
    rule = models.CharField(max_length=80)
    authority = models.CharField(max_length=300)
    #: the evidence that grounds it: one for the database to insist on, all of it in `grounds`
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="+")
    grounds = models.JSONField()
    starts_on = models.DateField()
    until = models.DateField()
    latest = models.DateField()
    #: the instant at which it ends as things stand: 24:00 local on `until`, or on `latest` while awaiting
    ends_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    awaiting = models.BooleanField(default=False)
    fulfil_by = models.DateTimeField(null=True)
    test_days = models.JSONField(default=list)
    review_on = models.DateField()
    appeal_to = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=10, choices=Closed, blank=True)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    write_id = models.CharField(max_length=32)
    seal = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in OrderKind]), name="order_kind_known"),
            models.CheckConstraint(condition=~Q(rule="") & ~Q(rulebook=""), name="order_has_rule"),
            models.CheckConstraint(condition=~Q(authority=""), name="order_has_authority"),
            models.CheckConstraint(condition=~Q(appeal_to=""), name="order_can_be_appealed"),
            models.CheckConstraint(
                condition=Q(until__gte=F("starts_on")) & Q(latest__gte=F("until")), name="order_ends"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="order_ends_after_start"),
            models.CheckConstraint(
                condition=Q(review_on__gte=F("starts_on")) & Q(review_on__lte=F("latest")), name="order_is_reviewed"
            ),
            models.CheckConstraint(
                condition=(Q(closed_at=None) & Q(closed_as=""))
                | (Q(closed_at__isnull=False) & ~Q(closed_as="")),
                name="order_closed_says_how",
            ),
            models.UniqueConstraint(
                fields=["person", "disease", "kind", "rule"],
                condition=Q(closed_at=None),
                name="order_one_open_a_rule",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "ends_at"]),
            models.Index(fields=["person", "closed_at"]),
            models.Index(fields=["write_id"]),
        ]


class Appeal(models.Model):
    """A person asks for review. It never lengthens an order; unanswered, it escalates and releases."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"  # the order was right
        GRANTED = "granted"  # the order was wrong: exemption evidence recorded
        RELEASED = "released"  # nobody answered in time: released by default
        MOOT = "moot"  # the order ended before an answer

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="appeals")
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    #: sealed: it is the person's own words
    grounds = models.BinaryField()
    opened_at = models.DateTimeField()
    opened_by = models.BigIntegerField(null=True)
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.BigIntegerField(null=True)
    decided_unit = models.BigIntegerField(null=True)
    answer = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(state="open"), name="appeal_one_open_an_order"),
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="appeal_has_a_clock"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="appeal_decided_says_when",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"])]
