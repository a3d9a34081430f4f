"""`qipan user`: accounts and their roles, from the machine or as an administrator (`--as`)."""

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qipan.cli.arguments import local_day
from qipan.cli.django_setup import actor_named, setup
from qipan.foundation import clock
from qipan.terms.errors import BadInput, Denied
from qipan.terms.roles import Actor, Role

if TYPE_CHECKING:
    from qipan.foundation.access.models import User

_ROLES = [role.value for role in Role if role is not Role.SYSTEM]


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare `user add`, `user disable`, `user password` and `user list` (INTERFACES: add)."""
    parser = subparsers.add_parser("user", help="accounts and their roles")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make an account with a role; give an account another role")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", required=True, choices=_ROLES)
    add.add_argument("--area", required=True, metavar="CODE", help="over this area and everything below it")
    add.add_argument("--unit", metavar="CODE", help="default: the only unit that is nearest to the area")
    add.add_argument("--display-name", metavar="TEXT")
    add.add_argument("--from", dest="starts_on", type=local_day, metavar="D", help="first day (default: today)")
    add.add_argument("--until", dest="ends_on", type=local_day, metavar="D", help="last day (default: none)")
    add.set_defaults(run=run_add)
    disable = actions.add_parser("disable", help="close an account")
    disable.add_argument("name", metavar="NAME")
    disable.set_defaults(run=run_disable)
    password = actions.add_parser("password", help="give an account a new random password")
    password.add_argument("name", metavar="NAME")
    password.set_defaults(run=run_password)
    listing = actions.add_parser("list", help="accounts and the roles they hold today")
    listing.set_defaults(run=run_list)
    for action in (add, disable, password, listing):
        action.add_argument("--as", dest="user", metavar="USER", help="the administrator (default: whoever installs)")
        action.add_argument("--json", action="store_true", help="print one JSON document")


def _actor(username: str | None) -> Actor:
    from qipan.rooms.organizations.selectors import INSTALLER

    return INSTALLER if username is None else actor_named(username)


def _nearest_unit(area_code: str) -> str:
    """The code of the unit that serves the area most closely. Raises BadInput where it is not one alone."""
    from qipan.rooms.geography.selectors import areas_by_code
    from qipan.rooms.organizations.selectors import units_nearest

    area = areas_by_code([area_code]).get(area_code)
    if area is None:
        raise BadInput("There is no area %(area)s.", area=area_code)
    nearest = units_nearest(area.path)
    if len(nearest) != 1:
        raise BadInput(
            "Name the unit with --unit; nearest to %(area)s are: %(units)s.",
            area=area_code,
            units=", ".join(unit.code for unit in nearest) or "-",
        )
    return nearest[0].code


def _account(actor: Actor, args: argparse.Namespace, at: datetime) -> "tuple[User, str | None]":
    """The account of that name; made, with a random password, where there is none."""
    from qipan.foundation.access.models import User
    from qipan.foundation.access.selectors import access_user
    from qipan.foundation.access.services import password_random, user_create

    if User.objects.filter(username=args.name).exists():
        return access_user(actor, args.name), None
    password = password_random()
    display_name = args.display_name or args.name
    user = user_create(actor=actor, username=args.name, display_name=display_name, password=password, at=at)
    return user, password


def run_add(args: argparse.Namespace) -> int:
    """Make the account if it is new, and give it the role; 0. Raises BadInput, Denied, Refused, Conflict."""
    setup()
    from django.db import transaction
    from django.utils.translation import gettext

    from qipan.foundation.audit.services import record_denial
    from qipan.rooms.organizations.selectors import local_day, unit_by_code
    from qipan.rooms.organizations.services import membership_grant

    actor, at = _actor(args.user), clock.now()
    unit = unit_by_code(args.unit or _nearest_unit(args.area))
    if unit is None:
        raise BadInput("There is no unit %(unit)s.", unit=args.unit)
    # both or neither: no account is left without the role that it was made for
    try:
        with transaction.atomic():
            user, password = _account(actor, args, at)
            membership_grant(
                actor=actor,
                user=user,
                unit=unit,
                role=Role(args.role),
                area=args.area,
                starts_on=args.starts_on or local_day(at),
                ends_on=args.ends_on,
                at=at,
            )
    except Denied as denied:
        # inside the transaction the log's entry would have been rolled back with the rest
        record_denial(actor=actor, action="user.add", at=at, denied=denied)
        raise
    if args.json:
        answer = {"name": args.name, "role": args.role, "area": args.area, "unit": unit.code, "password": password}
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    print(gettext("%(name)s is %(role)s in %(area)s, for the unit %(unit)s.") % {
        "name": args.name, "role": args.role, "area": args.area, "unit": unit.code})  # fmt: skip
    if password:
        _say_password(args.name, password)
    return 0


def _say_password(name: str, password: str) -> None:
    from django.utils.translation import gettext

    print(gettext("The password of %(name)s is %(password)s") % {"name": name, "password": password})
    print(gettext("It is shown this once: write it down and change it."))


def run_disable(args: argparse.Namespace) -> int:
    """Close an account; 0. Raises Absent, Denied, Refused."""
    setup()
    from django.utils.translation import gettext

    from qipan.foundation.access.selectors import access_user
    from qipan.foundation.access.services import user_disable

    actor = _actor(args.user)
    user_disable(actor=actor, user=access_user(actor, args.name), at=clock.now())
    if args.json:
        print(json.dumps({"name": args.name, "active": False}))
    else:
        print(gettext("The account of %(name)s is closed.") % {"name": args.name})
    return 0


def run_password(args: argparse.Namespace) -> int:
    """Give an account a new random password and show it once; 0. Raises Absent, Denied."""
    setup()
    from qipan.foundation.access.selectors import access_user
    from qipan.foundation.access.services import password_random, password_set

    actor, password = _actor(args.user), password_random()
    password_set(actor=actor, user=access_user(actor, args.name), password=password, at=clock.now())
    if args.json:
        print(json.dumps({"name": args.name, "password": password}))
    else:
        _say_password(args.name, password)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print the accounts that the actor manages; 0."""
    setup()
    from qipan.foundation.access.selectors import list_users
    from qipan.rooms.organizations.selectors import list_memberships, local_day

    actor = _actor(args.user)
    roles: dict[int, list[dict[str, str]]] = {}
    for membership in list_memberships(actor, day=local_day(clock.now())):
        grant = {"role": membership.role, "area_path": membership.area_path}
        roles.setdefault(membership.user_id, []).append(grant)
    users = list(list_users(actor))
    if args.json:
        rows = [{"name": u.username, "active": u.is_active, "roles": roles.get(u.pk, [])} for u in users]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for user in users:
        held = ", ".join(f"{grant['role']} {grant['area_path']}" for grant in roles.get(user.pk, []))
        print(f"{user.username:<20}{'' if user.is_active else '(closed) '}{held}")
    return 0
