"""Django for the commands that need it, and who is acting at the machine itself."""

import os
from pathlib import Path

import django
from django.conf import settings
from django.utils import translation

from qipan.foundation import clock
from qipan.terms.errors import BadInput
from qipan.terms.roles import SYSTEM_ACTOR, Actor


def private_files() -> None:
    """From here on every file and folder that the command makes is for its owner alone: databases, exports and
    the demonstration's files are about people.
    """
    os.umask(0o077)


def setup() -> None:
    """Load settings and apps once, speak the language of QIPAN_LANGUAGE; files are private from here on."""
    private_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qipan.config.settings")
    django.setup()
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        Path(database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    translation.activate(os.environ.get("QIPAN_LANGUAGE", "en").lower())


def actor_named(username: str | None) -> Actor:
    """The actor behind ``--as USER``; without one, whoever holds the machine acts as the system, and the
    log says so. Raises BadInput for an unknown or disabled user.
    """
    if username is None:
        return SYSTEM_ACTOR
    from qipan.foundation.access.models import User
    from qipan.rooms.organizations.selectors import actor_for

    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise BadInput("There is no active user called %(name)s.", name=username)
    return actor_for(user, clock.now())
