"""Reading accounts."""

from collections.abc import Collection

from django.db.models import QuerySet

from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import scope
from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission


def list_users(actor: Actor) -> QuerySet[User]:
    """The accounts that this actor manages, by name."""
    return scope(User.objects.all(), actor, Permission.USER_MANAGE).order_by("username")


def access_user(actor: Actor, username: str) -> User:
    """The account of this name: one's own, or one that this actor manages. Absent otherwise."""
    user = User.objects.filter(username=username).first()
    if user is None or not (user.pk == actor.user_id or actor.may(Permission.USER_MANAGE, user.area_path)):
        raise Absent("user")
    return user


def managed_user(actor: Actor, user_id: int) -> User:
    """An account that this actor manages, by its id. Absent otherwise."""
    user = list_users(actor).filter(pk=user_id).first()
    if user is None:
        raise Absent("user")
    return user


def user_labels(ids: Collection[int]) -> dict[int, str]:
    """id -> name as others see it; one query. Not scoped: who did something is said beside it."""
    return dict(User.objects.filter(pk__in=set(ids)).values_list("pk", "display_name"))
