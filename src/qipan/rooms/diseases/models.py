"""Rulebooks as published, and the tables revised daily."""

from django.db import models
from django.db.models import Q

from qipan.foundation.access.fields import AreaPathField


class PublishedRulebook(models.Model):
    """A rulebook's exact text, in force for a jurisdiction over an interval. Never edited: a new one follows."""

    rulebook = models.CharField(max_length=60, unique=True)
    disease = models.CharField(max_length=40)
    jurisdiction = models.CharField(max_length=40)
    #: where it holds: "/" for a national book, "/410000/" for a province's layer; the deepest one wins
    area_path = AreaPathField()
    effective_from = models.DateField()
    effective_until = models.DateField(null=True)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()
    published_by = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_until=None) | Q(effective_until__gt=models.F("effective_from")),
                name="rulebook_interval_forward",
            ),
        ]


class TableRow(models.Model):
    """One effective-dated line of a table (origin risk, risk area, key post), with author and source."""

    class Table(models.TextChoices):
        ORIGIN_RISK = "origin_risk"
        RISK_AREA = "risk_area"
        KEY_POST = "key_post"

    disease = models.CharField(max_length=40)
    table = models.CharField(max_length=20, choices=Table)
    place = models.CharField(max_length=40)
    level = models.CharField(max_length=20)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    author = models.CharField(max_length=120)
    source = models.CharField(max_length=300)
    revision = models.PositiveIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(source="") & ~Q(author=""), name="table_row_sourced"),
            models.UniqueConstraint(fields=["disease", "revision"], name="table_row_one_a_revision"),
        ]
