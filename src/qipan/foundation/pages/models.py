"""Saved views: a list's filters and order under a name."""

from django.db import models


class SavedView(models.Model):
    """One person's way to look at one list."""

    user = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+")
    #: name of the page's URL
    page = models.CharField(max_length=60)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="saved_view_has_a_name"),
        ]
