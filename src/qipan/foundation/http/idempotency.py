"""The same request again gives the same answer and does nothing twice (trust: C3)."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from qipan.foundation.http.models import IdempotentAnswer
from qipan.terms.errors import BadInput, Conflict

LONGEST_KEY = 80


def request_digest(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


def once(
    *, user_id: int, key: str, request: bytes, at: datetime, act: Callable[[], tuple[int, Any]]
) -> tuple[int, Any]:
    """Run `act` (which answers with status and JSON) once for this user and key; a repetition is answered from memory.

    What was done and the answer are one transaction: either both are there or neither. Raises BadInput for a key
    that is none, Conflict for a key that was used for another request, whatever `act` raises (then nothing is kept).
    """
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= LONGEST_KEY:
        raise BadInput("An idempotency key has 1 to 80 printable characters.")
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = IdempotentAnswer.objects.create(user_id=user_id, key=key, request=request, created_at=at)
        except IntegrityError:
            before = IdempotentAnswer.objects.get(user_id=user_id, key=key)
            if bytes(before.request) != request:
                raise Conflict("This idempotency key was used for another request.") from None
            return before.status, before.answer
        status, answer = act()
        row.status, row.answer = status, answer
        row.save(update_fields=["status", "answer"])
    return status, answer
