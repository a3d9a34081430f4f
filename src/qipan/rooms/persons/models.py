"""People as pseudonyms; who they are lies sealed in the vault's own tables."""

from django.db import models

from qipan.foundation.access.fields import AreaPathField


class Household(models.Model):
    """People who live behind one door. Its address is in the vault, with each person's identity."""

    key = models.BinaryField(max_length=16, unique=True)
    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()

    class Meta:
        indexes = [models.Index(fields=["area_path"])]


class Person(models.Model):
    """A pseudonymous person: the id, where he lives, and as much age and sex as statistics need."""

    class Sex(models.TextChoices):
        MALE = "male"
        FEMALE = "female"
        UNKNOWN = "unknown"

    area = models.ForeignKey("geography.Area", on_delete=models.PROTECT, related_name="+")
    area_path = AreaPathField()
    household = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, related_name="persons")
    birth_year = models.PositiveSmallIntegerField(null=True)
    sex = models.CharField(max_length=10, choices=Sex, default=Sex.UNKNOWN)
    synthetic = models.BooleanField(default=False)
    registered_at = models.DateTimeField()
    #: set when the person's key and identity were destroyed
    purged_at = models.DateTimeField(null=True)
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area_path"])]


class PersonKey(models.Model):
    """Under which id a source knows a person: a keyed digest of (source, id), so the id itself may be one."""

    key = models.BinaryField(primary_key=True, max_length=16)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="keys")


class SealedIdentity(models.Model):
    """One person's identity, encrypted under his own data key, which is wrapped by the vault's current key."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT, primary_key=True, related_name="+")
    vault_key = models.CharField(max_length=20)
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["vault_key"])]


class BlindIndex(models.Model):
    """Keyed digests for look-up by exact name, document or phone; one key a column, null where unknown.

    One row a person: at two million people three narrow indexes write about half of what a row a digest does.
    """

    person = models.OneToOneField(Person, on_delete=models.PROTECT, primary_key=True, related_name="+")
    name = models.BinaryField(max_length=16, null=True)
    #: one document, one person: the database refuses a second registration
    document = models.BinaryField(max_length=16, null=True, unique=True)
    phone = models.BinaryField(max_length=16, null=True)

    class Meta:
        indexes = [
            models.Index(fields=["name"], name="blind_index_name", condition=models.Q(name__isnull=False)),
            models.Index(fields=["phone"], name="blind_index_phone", condition=models.Q(phone__isnull=False)),
        ]


class PersonalLink(models.Model):
    """A link under which a person reads, without an account, what holds for him and why. The token itself is
    stored nowhere: only its digest.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="links")
    digest = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField()
    #: null: issued at the machine itself
    issued_by = models.ForeignKey("access.User", on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("issued_at")), name="personal_link_expires_after_issue"
            ),
        ]
