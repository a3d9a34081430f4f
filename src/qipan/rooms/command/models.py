"""The daily cycle's own memory: which day was run, and what it found."""

from django.db import models


class DayRun(models.Model):
    date = models.DateField(primary_key=True)
    completed_at = models.DateTimeField()
    steps = models.JSONField()
