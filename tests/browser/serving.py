"""The server of these tests: as Django's own, and silent."""

from typing import Any

from django.core.servers.basehttp import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """Writes no line for every request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
