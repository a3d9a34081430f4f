"""What can go wrong, in the words of the reader.

Every error that a person may see carries a message id for gettext (a clear English sentence with named
placeholders) and its parameters, so that the edge can say it in the reader's language.
"""

from collections.abc import Mapping


class QipanError(Exception):
    """Base of the errors that are answers, not defects."""

    def __init__(self, message: str, **params: object) -> None:
        """`message` is a msgid with ``%(name)s`` placeholders, `params` fill them."""
        super().__init__(message % params if params else message)
        self.message = message
        self.params: Mapping[str, object] = params


class Denied(QipanError):
    """The actor may not do this here. At the edge it looks exactly like `Absent`."""

    def __init__(self, permission: str, area_path: str = "") -> None:
        super().__init__("Not found, or not yours to see.")
        self.permission = permission
        self.area_path = area_path


class Absent(QipanError):
    """No such object, or not one that this actor may see."""

    def __init__(self, what: str = "") -> None:
        super().__init__("Not found, or not yours to see.")
        self.what = what


class BadInput(QipanError):
    """Input that cannot be used: the message names file, row and column where there are any."""


class Refused(QipanError):
    """A rule of the house forbids this, whoever asks (a full room, an order without grounds …)."""


class Conflict(QipanError):
    """Somebody else was first: read again and retry."""
