"""Who acts in work that runs later: the person who started it, with the rights that he holds when it runs.

Rights come from memberships, which a room keeps: it registers how an actor is built of a user.
"""

from collections.abc import Callable
from datetime import datetime

from qipan.foundation.access.models import User
from qipan.terms.errors import Refused
from qipan.terms.roles import Actor

#: (user, moment) -> the actor that he is then
Builder = Callable[[User, datetime], Actor]

_builder: list[Builder] = []


def register_actor_builder(builder: Builder) -> None:
    """Say how an actor is built of a user (called once, in the room's `apps.ready`)."""
    _builder[:] = [builder]


def actor_of_user(user_id: int | None, at: datetime) -> Actor:
    """The actor that this user is now. Raises Refused where nobody started the work, or whoever did is gone."""
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id is not None else None
    if user is None or not _builder:
        raise Refused("Whoever started this has no account any more: start it again.")
    return _builder[0](user, at)
