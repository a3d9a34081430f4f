"""One pattern of authorisation: role x area subtree, on querysets and on single acts."""

from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from qipan.foundation.audit.services import audited
from qipan.terms.areas import path_upper_bound
from qipan.terms.errors import Denied
from qipan.terms.roles import Actor, Permission, narrowed

M = TypeVar("M", bound=Model)


def require(actor: Actor, permission: Permission, area_path: str) -> None:
    """Raise `Denied` unless the actor holds the permission at this place."""
    if not actor.may(permission, area_path):
        raise Denied(permission, area_path)


def require_anywhere(actor: Actor, permission: Permission) -> None:
    """Raise `Denied` unless the actor holds the permission somewhere (for what belongs to no area)."""
    if not actor.areas_for(permission):
        raise Denied(permission)


def holds_wherever(actor: Actor, wanted: Permission, *, held: Permission, area_path: str) -> bool:
    """Whether the actor holds `wanted` in every part of an area in which he holds `held` (and holds it somewhere
    there): a right of one place does nothing with what is seen in another.
    """
    parts = narrowed(actor, only=frozenset({held}), area_path=area_path).areas_for(held)
    return bool(parts) and all(actor.may(wanted, part) for part in parts)


def require_recorded(actor: Actor, permission: Permission, *, action: str, at: datetime) -> None:
    """`require_anywhere` for work that opens its transactions later: a denial goes into the log all the same."""
    with audited(actor=actor, action=action, at=at) as entry:
        require_anywhere(actor, permission)
        entry.silent = True


def within(area_path: str, field: str = "area_path") -> Q:
    """The condition "at or below this area" as an index range on a stored path."""
    if area_path == "/":
        return Q()
    return Q(**{f"{field}__gte": area_path, f"{field}__lt": path_upper_bound(area_path)})


def scope(queryset: QuerySet[M], actor: Actor, permission: Permission, field: str = "area_path") -> QuerySet[M]:
    """The rows of `queryset` in which the actor holds `permission`; none where he holds it nowhere."""
    prefixes = actor.areas_for(permission)
    if not prefixes:
        return queryset.none()
    if "/" in prefixes:
        return queryset
    condition = Q()
    for prefix in prefixes:
        condition |= within(prefix, field)
    return queryset.filter(condition)
