"""The HTTP status of an error that is an answer. Forbidden looks exactly like absent."""

from qipan.terms.errors import Absent, BadInput, Conflict, Denied, QipanError, Refused

_STATUS: tuple[tuple[type[QipanError], int], ...] = (
    (Absent, 404), (Denied, 404), (Conflict, 409), (Refused, 422), (BadInput, 400),
)  # fmt: skip


def status_of(error: QipanError) -> int:
    """404 for what is not his to see, 409 where somebody was first, 422 where a rule forbids, else 400."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
