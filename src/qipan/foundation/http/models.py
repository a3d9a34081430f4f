"""Tokens of programs, and what was answered to a request that may come again."""

from django.db import models
from django.db.models import F, Q

from qipan.foundation.access.fields import AreaPathField


class ApiToken(models.Model):
    """A program acts for an account: with some of its permissions, in an area, until a day. Only a digest is kept."""

    user = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    digest = models.BinaryField(max_length=32, unique=True)
    permissions = models.JSONField(default=list)
    area_path = AreaPathField(default="/")
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_ends"),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_a_name"),
        ]


class IdempotentAnswer(models.Model):
    """What a request with an idempotency key was answered, written in the transaction of what it did."""

    user = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    #: digest of method, path and body: the same key with another request is refused
    request = models.BinaryField(max_length=32)
    #: sealed by nothing: answers hold pseudonymous rows only
    answer = models.JSONField(null=True)
    status = models.PositiveSmallIntegerField(default=200)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"])]
