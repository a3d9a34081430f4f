"""Quarantine sites, rooms and stays. One person a bed, one bed a person: the database says so."""

from django.db import models
from django.db.models import F, Q

from qipan.foundation.access.fields import AreaPathField


class Site(models.Model):
    name = models.CharField(max_length=120, unique=True)
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()
    #: when the site can take people; null: not opened
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area_path"])]


class Room(models.Model):
    class Kind(models.TextChoices):
        SINGLE = "single"
        FAMILY = "family"
        ACCESSIBLE = "accessible"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="rooms")
    number = models.CharField(max_length=20)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SINGLE)
    capacity = models.PositiveSmallIntegerField(default=1)
    batch_id = models.BigIntegerField(null=True)
    #: the party (household and kind of order, `rules.party_of`) that shares a room of several beds; "" nobody
    held_for = models.CharField(max_length=40, blank=True, default="")
    #: taken out of use (damage, disinfection, voided batch)
    out_of_use_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="room_once"),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="room_holds_somebody"),
            models.CheckConstraint(condition=Q(kind__in=["single", "family", "accessible"]), name="room_kind_known"),
        ]


class Stay(models.Model):
    """A person in a bed (`slot` 1 … capacity of the room), from arrival until departure."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="stays")
    slot = models.PositiveSmallIntegerField()
    person = models.ForeignKey("persons.Person", on_delete=models.PROTECT, related_name="+")
    #: the order that it carries out (control); what ends the stay is the fact of departure
    order_id = models.BigIntegerField()
    arrived_at = models.DateTimeField()
    departed_at = models.DateTimeField(null=True)
    #: when an arrival that was recorded by mistake was taken back: it never was, and lasted no time
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "slot"], condition=Q(departed_at=None), name="stay_one_a_bed"),
            models.UniqueConstraint(fields=["person"], condition=Q(departed_at=None), name="stay_one_a_person"),
            models.CheckConstraint(
                condition=Q(departed_at=None) | Q(departed_at__gte=F("arrived_at")),
                name="stay_departs_after_arrival",
            ),
            models.CheckConstraint(condition=Q(slot__gte=1), name="stay_slot_from_one"),
            models.CheckConstraint(
                condition=Q(voided_at=None) | Q(departed_at=F("arrived_at")), name="stay_voided_lasted_no_time"
            ),
        ]
        indexes = [models.Index(fields=["order_id"]), models.Index(fields=["arrived_at"])]
