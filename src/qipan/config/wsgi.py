"""The WSGI application that `qipan serve` runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from qipan.terms.errors import BadInput

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qipan.config.settings")
if settings.SECRET_KEY == settings.NO_SECRET:
    raise BadInput("There is no secret for web sessions: start with `qipan serve`, or set QIPAN_SECRET.")
application = get_wsgi_application()
