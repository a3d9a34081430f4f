"""Signing in to the demonstration: one account a role, with a password that is made at every start."""

from datetime import datetime

from qipan.demo.institutions import Posts
from qipan.foundation.access.selectors import access_user, list_users
from qipan.foundation.access.services import password_random, password_set
from qipan.rooms.fieldwork.selectors import work_list
from qipan.rooms.organizations.selectors import INSTALLER, local_day
from qipan.terms.roles import Role

#: role -> the account that shows its work; the grid worker's is the one with most to do
_SHOWN = {
    Role.COMMAND: "demo-command",
    Role.SUPERVISOR: "demo-supervisor",
    Role.EPIDEMIOLOGIST: "demo-epi",
    Role.TRACER: "demo-tracer",
    Role.SITE_MANAGER: "demo-sites",
    Role.CLINICIAN: "demo-clinic",
    Role.LABORATORY: "demo-lab",
    Role.PRIVACY_OFFICER: "demo-privacy",
    Role.AUDITOR: "demo-auditor",
    Role.ADMINISTRATOR: "demo-admin",
}


def shown_accounts(at: datetime) -> dict[Role, str]:
    """The account of each role."""
    return {role: _SHOWN.get(role) or _busiest(at) for role in Role if role is not Role.SYSTEM}


def _busiest(at: datetime) -> str:
    """The grid team with most work due today."""
    posts, day = Posts(at), local_day(at)
    names = list(list_users(INSTALLER).filter(username__startswith="demo-grid-").values_list("username", flat=True))
    return max(names, key=lambda name: len(work_list(posts[name], day)))


def passwords_make(at: datetime) -> list[dict[str, str]]:
    """New passwords for them: [{"role", "name", "password"}]. Those of an earlier start stop working."""
    made = []
    for role, name in shown_accounts(at).items():
        password = password_random()
        user = access_user(INSTALLER, name)
        password_set(actor=INSTALLER, user=user, password=password, at=at, temporary=False)
        made.append({"role": role.value, "name": name, "password": password})
    return made
