"""Saved views: kept, listed and forgotten by their owner alone."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from qipan.foundation.access.models import User
from qipan.foundation.audit.services import audited
from qipan.foundation.pages.models import SavedView
from qipan.terms.errors import Absent, BadInput, Conflict
from qipan.terms.roles import Actor

#: views that one person keeps of one list
MOST = 20


def saved_views(user: User, page: str) -> Sequence[SavedView]:
    """The views that this user keeps of a list, by name."""
    return list(SavedView.objects.filter(user_id=user.pk, page=page).order_by("name"))


def own_views(user: User) -> Sequence[SavedView]:
    """All views that this user keeps, by list and name."""
    return list(SavedView.objects.filter(user_id=user.pk).order_by("page", "name"))


def view_save(*, actor: Actor, page: str, name: str, query: str, at: datetime) -> SavedView:
    """Keep a list's address under a name. Raises BadInput (no name, too long, too many), Conflict (name taken)."""
    name = name.strip()
    owner = _owner(actor)
    if not 1 <= len(name) <= 60 or len(query) > 1000:
        raise BadInput("A view needs a name of at most 60 characters.")
    with audited(actor=actor, action="view.save", at=at) as entry:
        if SavedView.objects.filter(user_id=owner, page=page).count() >= MOST:
            raise BadInput("At most %(most)s views are kept of a list: forget one first.", most=MOST)
        try:
            with transaction.atomic():
                view = SavedView.objects.create(user_id=owner, page=page, name=name, query=query)
        except IntegrityError:
            raise Conflict("There is already a view called %(name)s.", name=name) from None
        entry.about("view", view.pk, detail={"page": page})
    return view


def view_forget(*, actor: Actor, view_id: int, at: datetime) -> None:
    """Forget one of one's own views. Raises Absent."""
    with audited(actor=actor, action="view.forget", at=at) as entry:
        if not SavedView.objects.filter(pk=view_id, user_id=_owner(actor)).delete()[0]:
            raise Absent("view")
        entry.about("view", view_id)


def _owner(actor: Actor) -> int:
    """The person who acts; machinery keeps no views."""
    if actor.user_id is None:
        raise Absent("view")
    return actor.user_id
