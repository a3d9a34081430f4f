"""Django settings, from the environment (INTERFACES: DATABASE_URL, QIPAN_KEYS, QIPAN_DEMO, QIPAN_LANGUAGE).

Further: QIPAN_VAR (folder for data, default ``var``), DATABASE_OWNER_URL (the role that owns the tables and
runs migrations, where it is another than the application's), QIPAN_ZONE (the place's own time zone),
QIPAN_SECRET (web sessions; `qipan serve` keeps one beside the keys), QIPAN_HOSTS (names under which it is served),
QIPAN_PLAIN_HTTP (1: served over http on loopback, so cookies cannot ask for https).
"""

import os
from datetime import timedelta
from pathlib import Path

from qipan.config.database import database_from_url
from qipan.terms.errors import BadInput

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
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_htmx",
    "axes",
    "qipan.foundation.audit",
    "qipan.foundation.access",
    "qipan.foundation.indicators",
    "qipan.foundation.jobs",
    "qipan.foundation.intake",
    "qipan.foundation.http",
    "qipan.foundation.pages",
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
    "qipan.api",
    "qipan.web",
]
MIDDLEWARE = [
    "qipan.foundation.http.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "qipan.web.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "qipan.web.acting.ActingMiddleware",
    "qipan.web.errors.ErrorsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "qipan.config.urls"
WSGI_APPLICATION = "qipan.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "qipan.web.frame.frame",
            ],
        },
    }
]

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "qipan.foundation.access.backends.PasswordBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
#: five wrong passwords for a name from one address, or thirty from one address (web.sign_in), and the door stays
#: shut a while
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "qipan.foundation.http.client.client_address"
AXES_DISABLE_ACCESS_LOG = True  # the log of our own tells who came in (foundation.access.entering)
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_SENSITIVE_PARAMETERS = ["password", "token"]
AXES_LOCKOUT_CALLABLE = "qipan.web.sign_in.locked_out"
OTP_TOTP_ISSUER = "qipan"
BEHIND_PROXY = os.environ.get("QIPAN_BEHIND_PROXY", "") == "1"
#: only the demonstration, and only on loopback (`qipan serve` looks at the address), may leave the second factor out
SECOND_FACTOR = os.environ.get("QIPAN_SECOND_FACTOR", "on") != "off"
if not SECOND_FACTOR and (not DEMO or BEHIND_PROXY or os.environ.get("QIPAN_HOSTS")):
    raise BadInput("QIPAN_SECOND_FACTOR=off is for the demonstration on this machine alone: take it away.")

NO_SECRET = "no web sessions are served by this process"  # noqa: S105 - it says that there is none
SECRET_KEY = os.environ.get("QIPAN_SECRET", "") or NO_SECRET
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", *filter(None, os.environ.get("QIPAN_HOSTS", "").split(","))]

PLAIN_HTTP = os.environ.get("QIPAN_PLAIN_HTTP", "") == "1"
SESSION_COOKIE_AGE = 30 * 60  # idle; web.acting moves the end on
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_REDIRECT_EXEMPT = ["^health$"]  # asked by whoever watches the machine, past the proxy
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if not host.startswith(("127.", "localhost"))]
CSRF_FAILURE_VIEW = "qipan.web.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
MESSAGE_TAGS = {40: "danger"}  # errors, in Bootstrap's word
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 7 * 24 * 3600  # addresses carry the version of what they name (pages.templatetags)

USE_TZ = True
TIME_ZONE = "UTC"
#: the calendar of the place: which local day it is (rulebooks name their own zone)
LOCAL_ZONE = os.environ.get("QIPAN_ZONE", "Asia/Shanghai")
USE_I18N = True
LANGUAGE_CODE = os.environ.get("QIPAN_LANGUAGE", "en").lower()
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PACKAGE / "locale"]
LANGUAGE_COOKIE_NAME = "qipan_language"
