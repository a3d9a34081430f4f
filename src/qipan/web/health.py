"""`/health`: which part works, for whoever watches the machine. No secrets, no sign-in."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from qipan.foundation import clock, crypto
from qipan.foundation.jobs.selectors import queue_delay
from qipan.foundation.pages.page import Page
from qipan.terms.errors import QipanError

OK, FAILED, BEHIND, UNKNOWN = "ok", "failed", "behind", "unknown"
#: a job that has waited longer, or a worker unheard of for longer, means that nobody works
LATE = timedelta(minutes=5)
logger = logging.getLogger("qipan.web")


class Health(Page):
    """Each part by itself: this answer, the database, the queue, the key folder. 503 where one is not ok."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """The parts as JSON."""
        database = _part("database", _database)
        parts = {
            "app": OK,
            "database": database,
            "queue": _part("queue", _queue) if database == OK else UNKNOWN,
            "keys": _part("keys", _keys),
        }
        return JsonResponse(parts, status=200 if set(parts.values()) == {OK} else 503)


def _part(name: str, look: Callable[[], str]) -> str:
    try:
        return look()
    except (DatabaseError, InterfaceError, QipanError, OSError) as error:
        logger.error("health: %s: %s", name, type(error).__name__)
        return FAILED


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _queue() -> str:
    delay = queue_delay(clock.now())
    return BEHIND if delay is not None and delay > LATE else OK


def _keys() -> str:
    for purpose in crypto.PURPOSES:
        crypto.current_key_id(purpose)
    return OK
