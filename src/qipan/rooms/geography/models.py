"""The area tree and its populations."""

from django.db import models
from django.db.models import Q

from qipan.foundation.access.fields import AreaPathField


class Area(models.Model):
    """Province, city, county, township-level unit, village or community, grid cell."""

    class Level(models.TextChoices):
        PROVINCE = "province"
        CITY = "city"
        COUNTY = "county"
        TOWNSHIP = "township"
        VILLAGE = "village"
        GRID = "grid"

    code = models.CharField(max_length=20, unique=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    level = models.CharField(max_length=10, choices=Level)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    population = models.PositiveIntegerField(null=True)
    path = AreaPathField(unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(level__in=["province", "city", "county", "township", "village", "grid"]),
                name="area_level_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"


class PopulationCount(models.Model):
    """People of one sex and age band in an area (`age_to` inclusive, null for "and above")."""

    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="population_counts")
    sex = models.CharField(max_length=10)
    age_from = models.PositiveSmallIntegerField()
    age_to = models.PositiveSmallIntegerField(null=True)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "sex", "age_from"], name="population_band_once"),
        ]
