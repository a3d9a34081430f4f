"""Reasons in somebody's own words: the log keeps them sealed, because people write names and numbers into them."""

from base64 import b64decode, b64encode

from qipan.foundation import crypto


def seal_reason(text: str, *, write_id: str) -> str:
    """A free-text reason as an entry's detail may hold it (sealed under the purpose "reason", base64)."""
    return b64encode(crypto.seal("reason", text.encode(), bound_to=write_id.encode())).decode()


def open_reason(sealed: str, *, write_id: str) -> str:
    """The words again. Raises crypto.Unsealable for another entry's reason or changed text."""
    return crypto.unseal("reason", b64decode(sealed), bound_to=write_id.encode()).decode()
