"""A caller of the API: somebody of the cast, by a token."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from qipan.foundation.http.tokens import NEVER, token_create
from qipan.terms.roles import Permission


@dataclass
class Caller:
    """``caller.get("/people")``; bodies are JSON."""

    client: Client
    token: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=self._headers(headers)
        )

    def upload(self, path: str, **form: Any) -> Any:
        return self.client.post(f"/api/v1{path}", form, headers=self._headers({}))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in more.items()}}


@pytest.fixture
def call(cast, at, monkeypatch) -> Callable[..., Caller]:
    """``call("alice")``: with all the permissions that a token may have, everywhere that Alice is."""
    monkeypatch.setenv("QIPAN_NOW", at.isoformat())

    def caller(name: str, *, permissions: Any = None, area: str = "/") -> Caller:
        user = cast.users[name]
        _, token = token_create(
            actor=cast.actors[name], user=user, name="test", permissions=permissions or set(Permission) - NEVER,
            area_path=area, expires_at=at + timedelta(days=30), at=at - timedelta(days=1),
        )  # fmt: skip
        return Caller(Client(**{"wsgi.url_scheme": "https"}), token)  # type: ignore[arg-type]

    return caller
