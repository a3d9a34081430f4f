"""Django settings, from the environment (INTERFACES: DATABASE_URL, QIPAN_KEYS, QIPAN_DEMO, QIPAN_LANGUAGE).

Further: QIPAN_VAR (folder for data, default ``var``), DATABASE_OWNER_URL (the role that owns the tables and
runs migrations, where it is another than the application's), QIPAN_ZONE (the place's own time zone),
QIPAN_SECRET (web sessions).
"""

import os
from pathlib import Path

from qipan.config.database import database_from_url

PACKAGE = Path(__file__).resolve().parents[1]
VAR = Path(os.environ.get("QIPAN_VAR", "var")).resolve()
KEYS = Path(os.environ.get("QIPAN_KEYS", str(VAR / "keys"))).resolve()
DEMO = os.environ.get("QIPAN_DEMO", "") == "1"

DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL", ""), var=VAR)}
#: Connection settings of the owner of the tables; the same as the application's where none is named.
DATABASE_OWNER = (
    database_from_url(os.environ["DATABASE_OWNER_URL"], var=VAR)
    if os.environ.get("DATABASE_OWNER_URL")
    else DATABASES["default"]
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "qipan.foundation.audit",
    "qipan.foundation.access",
    "qipan.foundation.indicators",
    "qipan.foundation.jobs",
    "qipan.foundation.intake",
    "qipan.rooms.geography",
    "qipan.rooms.organizations",
    "qipan.rooms.persons",
    "qipan.rooms.diseases",
    "qipan.rooms.control",
    "qipan.rooms.investigation",
    "qipan.rooms.testing",
    "qipan.rooms.quarantine",
    "qipan.rooms.fieldwork",
    "qipan.rooms.command",
]
AUTH_USER_MODEL = "access.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SECRET_KEY = os.environ.get("QIPAN_SECRET", "") or "no web sessions are served by this process"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

USE_TZ = True
TIME_ZONE = "UTC"
#: the calendar of the place: which local day it is (rulebooks name their own zone)
LOCAL_ZONE = os.environ.get("QIPAN_ZONE", "Asia/Shanghai")
USE_I18N = True
LANGUAGE_CODE = os.environ.get("QIPAN_LANGUAGE", "en").lower()
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PACKAGE / "locale"]
