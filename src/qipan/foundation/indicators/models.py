"""One table: what each indicator was, in each area, on each day."""

from django.db import models

from qipan.foundation.access.fields import AreaPathField


class IndicatorValue(models.Model):
    """One indicator in one area on one day, as the daily cycle of that day computed it."""

    indicator = models.CharField(max_length=60)
    area_code = models.CharField(max_length=20)
    area_path = AreaPathField()
    date = models.DateField()
    numerator = models.FloatField()
    #: null where the indicator is a count, not a share
    denominator = models.FloatField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["indicator", "area_code", "date"], name="indicator_area_day_once"),
        ]
        indexes = [models.Index(fields=["date", "indicator"])]
