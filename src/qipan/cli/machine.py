"""Who acts when nobody is named: whoever sits at the machine, holding its database and its keys."""

from qipan.cli.django_setup import actor_named
from qipan.terms.roles import Actor, Grant, Role

#: Such a person can read the database file and the log anyway; the log at least says that it was done here.
MACHINE = Actor(
    user_id=None,
    unit_id=None,
    grants=(Grant(Role.ADMINISTRATOR, "/"), Grant(Role.AUDITOR, "/")),
    label="machine",
)


def actor_or_machine(username: str | None) -> Actor:
    """The actor behind ``--as USER``, or the machine. Raises BadInput for an unknown or disabled user."""
    return MACHINE if username is None else actor_named(username)
