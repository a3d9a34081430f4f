"""Who asks: everybody of the world at a browser, and by a token."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp.plugins.otp_totp.models import TOTPDevice

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.http.tokens import NEVER, token_create
from qipan.terms.roles import Actor, Permission
from tests.access.operations import Operation
from tests.access.pages import Sample
from tests.access.world import Place, Thing, World
from tests.cast import AT

NOBODY = "nobody"
#: whose roles hold in the whole city: asked about county B, where nobody else of the cast but Dora is
WIDE = ("eva", "fang", "hu", "lin", "ma")


class Callers:
    """Signed in once; every call begins anew with the cookies of then."""

    def __init__(self, world: World) -> None:
        self.names = [*world.users, NOBODY]
        self.actors = world.actors
        self.tokens: dict[str, str] = {}
        self._handler = Client().handler  # its middleware is loaded once
        self._sessions: dict[tuple[str, bool], str] = {}
        for name, user in world.users.items():
            device = TOTPDevice.objects.create(user=user, name="test", confirmed=True)
            for verified in (True, False):
                client = Client()
                client.force_login(user, backend="qipan.foundation.access.backends.PasswordBackend")
                session = client.session
                if verified:
                    session["otp_device_id"] = device.persistent_id
                session["seen"] = "2999-01-01T00:00:00+00:00"
                session.save()
                self._sessions[name, verified] = session.session_key or ""
            self.tokens[name] = token_create(
                actor=world.actors[name], user=user, name="matrix", permissions=set(Permission) - NEVER,
                area_path="/", expires_at=AT + timedelta(days=30), at=AT,
            )[1]  # fmt: skip

    def about(self, county: str, needs: tuple[Permission, ...]) -> list[str]:
        """Who is asked about a thing of a county ("": about a list) that asks for these permissions.

        Somebody with one role in county A and all of them in county B holds every permission somewhere: about things
        of county A only the area can tell. One is asked for every set of the permissions that a role holds.
        """
        usual = [name for name in self.names if not name.endswith("-all-b")]
        if not county:
            return usual
        if county == "B":
            return [name for name in usual if name != "two-townships"]
        sets: dict[frozenset[Permission], str] = {}
        for name, actor in self.actors.items():
            if name.endswith("-all-b"):
                here = actor.grants[0].area_path
                sets.setdefault(frozenset(each for each in needs if actor.may(each, here)), name)
        return [name for name in usual if name not in WIDE] + list(sets.values())

    def browser(self, name: str, *, verified: bool = True) -> Client:
        """Somebody's browser."""
        client = Client(raise_request_exception=False, **{"wsgi.url_scheme": "https"})  # type: ignore[arg-type]
        client.handler = self._handler
        client.cookies["qipan_language"] = "en"
        if name != NOBODY:
            client.cookies[settings.SESSION_COOKIE_NAME] = self._sessions[name, verified]
        return client

    def call(self, name: str, key: str, operation: Operation, place: Place) -> tuple[int, str]:
        """(status, body) of an operation ("GET /cases/{case}") by somebody's token, about a thing of a place; whatever
        it did is taken back.
        """
        method, path = key.split(" ")
        if "{indicator}" in path:
            path = path.replace("{indicator}", "investigation.cases_reported")
        elif "{" in path:
            path = re.sub(r"\{\w+\}", str(place.things[operation.of].value), path)
        client = Client(raise_request_exception=False, **{"wsgi.url_scheme": "https"})  # type: ignore[arg-type]
        client.handler = self._handler
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        with transaction.atomic():
            if method == "GET":
                answer = client.get(f"/api/v1{path}", headers=headers)
            elif operation.body == "file":
                file = SimpleUploadedFile("people.csv", place.bodies["file"].encode())
                form = {"kind": "persons", "source": "api", "file": file}
                answer = client.post(f"/api/v1{path}", form, headers=headers)
            else:
                body = place.bodies.get(operation.body, {})
                answer = client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)
            transaction.set_rollback(name == "" or answer.status_code < 400)
        return answer.status_code, answer.content.decode()


def patterns(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(name, pattern) of every address, recursively; "" for one without a name."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each, space + (f"{each.namespace}:" if each.namespace else ""))
        else:
            yield f"{space}{each.name}" if each.name else f"{space}?{each.pattern}", each


def expected(world: World, name: str, sample: Sample, thing: Thing | None) -> bool:
    """Whether this caller may open the page (of this thing)."""
    actor = world.actors.get(name)
    if actor is None:
        return False
    if sample.own_or:
        assert thing is not None
        where = thing if sample.there else None
        return thing.owner == actor.user_id or all(holds(actor, p, where) for p in sample.own_or)
    if sample.own and (thing is None or thing.owner != actor.user_id):
        return False
    one_of = not sample.one_of or any(holds(actor, p, thing) for p in sample.one_of)
    return one_of and all(holds(actor, p, thing) for p in sample.needs)


def allowed(world: World, name: str, operation: Operation, thing: Thing | None) -> bool:
    """Whether this caller's token may do the operation (on this thing)."""
    actor = world.actors[name]
    return all(holds(actor, p, thing) for p in operation.needs)


def holds(actor: Actor, permission: Permission, thing: Thing | None) -> bool:
    """At the thing's area; without a thing, anywhere."""
    return actor.may(permission, thing.area_path) if thing is not None else bool(actor.areas_for(permission))


def address_of(pattern: URLPattern, sample: Sample, thing: Thing | None) -> dict[str, Any]:
    """What stands in the address of a page."""
    given = dict(sample.rest)
    if thing is not None:
        free = [name for name in pattern.pattern.converters if name not in given]
        given |= dict.fromkeys(free, thing.value)
    return given


def thing_of(place: Place, of: str) -> Thing | None:
    """The thing of a place; "everything" lies at the top."""
    if not of:
        return None
    return Thing("", "/") if of == "everything" else place.things[of]


def row_counts() -> dict[str, int]:
    """Rows of every table; of the log those that are no denials, without the sessions."""
    tables = [model for model in apps.get_models() if model not in (Session, AuditEntry)]
    names = dict.fromkeys(model._meta.db_table for model in tables)
    quoted = connection.ops.quote_name
    sql = " UNION ALL ".join(f"SELECT '{name}', COUNT(*) FROM {quoted(name)}" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(sql)
        counts = dict(cursor.fetchall())
    return {**counts, "log": AuditEntry.objects.exclude(action="denied").count()}
