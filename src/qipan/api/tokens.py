"""Bearer tokens: the actor is the token's owner, narrowed to its permissions and area. No session is made of one."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from qipan.foundation import clock
from qipan.foundation.http.tokens import NEVER, token_of
from qipan.rooms.geography.selectors import access_area
from qipan.rooms.organizations.selectors import actor_for
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission, narrowed


class TokenAuth(HttpBearer):
    """``Authorization: Bearer qipan_…``."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token's row, with the actor set on the request; None (401) for one that does not hold."""
        here: Any = request
        here.at = clock.now()
        row = token_of(token, here.at)
        if row is None:
            return None
        known = {permission.value for permission in Permission}
        wanted = frozenset(Permission(each) for each in row.permissions if each in known) - NEVER
        here.actor = narrowed(actor_for(row.user, here.at), only=wanted, area_path=row.area_path)
        here.token_user_id = row.user_id
        here.area_path = _area(here.actor, request.GET.get("area", ""))
        return row


def _area(actor: Actor, code: str) -> str:
    """The path that answers are narrowed to: the area asked for, else everything that the actor holds.

    The area's code is looked up with whatever permission the token has: places are no secret.
    """
    if not code:
        return "/"
    if len(code) > 20 or not code.isascii():
        raise Absent("area")
    looking = Actor(actor.user_id, actor.unit_id, actor.grants, actor.label)
    return str(access_area(looking, code).path)
