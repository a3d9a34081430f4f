"""Errors in the reader's language."""

from django.utils.translation import gettext

from qipan.terms.errors import QipanError


def say(error: QipanError) -> str:
    """An error as one sentence; its message id is translated, its parameters are put in."""
    message = gettext(error.message)
    if not error.params:
        return message
    return message % {name: str(value) for name, value in error.params.items()}
