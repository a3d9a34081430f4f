"""Names and passwords. Accounts have no permissions of their own: roles come from memberships."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from qipan.foundation.access.models import User


class PasswordBackend(BaseBackend):
    """An active account whose password is right."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """The account, or None. An unknown name costs as much time as a wrong password."""
        if not username or password is None:
            return None
        user = User.objects.filter(username=username).first()
        if user is None or not user.has_usable_password():
            make_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The account behind a session; a closed one has none from this moment on."""
        return User.objects.filter(pk=user_id, is_active=True).first()
