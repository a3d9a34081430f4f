"""Accounts. What an account may do is a matter of its memberships (organizations), never of the account."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from qipan.foundation.access.fields import AreaPathField


class User(AbstractBaseUser):
    """Somebody with a password. Roles and areas come from memberships."""

    username = models.CharField(max_length=60, unique=True)
    display_name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=10, default="zh-hans")
    created_at = models.DateTimeField()
    #: where the account is managed: by administrators of this area or of one above it
    area_path = AreaPathField(default="/")
    #: the password was given by somebody else: its owner sets one of his own before anything else
    password_temporary = models.BooleanField(default=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = []

    objects = BaseUserManager["User"]()

    def __str__(self) -> str:
        return self.username
