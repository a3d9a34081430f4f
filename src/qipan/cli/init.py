"""`qipan init`: a real installation: tables, keys, the first administrator, and the areas from a file."""

import argparse
import json
from pathlib import Path
from typing import Any

from qipan.cli.django_setup import setup
from qipan.foundation import clock
from qipan.terms.errors import BadInput
from qipan.terms.roles import Role

#: The unit of the first administrator, there before any area is loaded.
UNIT = "INSTALLATION"


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare `init` and its options (INTERFACES)."""
    parser = subparsers.add_parser("init", help="a real installation: migrate, make keys, make the first administrator")
    parser.add_argument("--areas", type=Path, metavar="FILE", help="load the area tree from this file")
    parser.add_argument("--admin", default="admin", metavar="NAME", help="user name of the first administrator")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make what is missing and say what was made; 0. Running it again changes nothing. Raises BadInput."""
    setup()
    from django.utils.translation import gettext

    if args.areas is not None and not args.areas.is_file():
        raise BadInput("There is no file %(path)s.", path=args.areas)
    migrate()
    from qipan.foundation import crypto

    keys = crypto.keys_create()
    areas = _load_areas(args.areas) if args.areas is not None else None
    password = _first_administrator(args.admin)
    if args.json:
        administrator = {"name": args.admin, "password": password} if password else None
        print(json.dumps({"keys": sorted(keys), "areas": areas, "administrator": administrator}, ensure_ascii=False))
        return 0
    print(gettext("The tables are up to date; %(count)s keys were made.") % {"count": len(keys)})
    if areas is not None:
        print(gettext("%(count)s areas were loaded.") % {"count": areas["accepted"]})
    if password:
        print(gettext("The first administrator is %(name)s, with the password %(password)s") % {
            "name": args.admin, "password": password})  # fmt: skip
        print(gettext("It is shown this once: write it down and change it."))
    else:
        print(gettext("There is an administrator already."))
    return 0


def migrate() -> None:
    """Bring the tables up to date, as their owner, and give the application's role its rights."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from qipan.foundation.audit import guard
    from qipan.foundation.audit.owner import as_owner

    if connection.vendor == "sqlite":
        Path(str(connection.settings_dict["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    role = str(connection.settings_dict["USER"])
    with as_owner():
        call_command("migrate", verbosity=0, interactive=False)
        if settings.DATABASE_OWNER.get("USER") not in (None, role):
            guard.grant_app_role(connection, role)


def _load_areas(path: Path) -> dict[str, int]:
    """Import the areas as any file is; the counts. Raises BadInput naming the first row that was refused."""
    from qipan.foundation.intake.services import file_import
    from qipan.rooms.organizations.selectors import INSTALLER

    result = file_import(actor=INSTALLER, kind="areas", path=path, source="init", at=clock.now())
    if result.rejected:
        first = result.rejects[0]
        raise BadInput(
            "%(file)s, row %(row)s, column %(column)s: %(reason)s",
            file=path.name,
            row=first["row"],
            column=first["column"],
            reason=first["reason"],
        )
    return {"accepted": result.accepted, "duplicate": result.duplicate}


def _first_administrator(name: str) -> str | None:
    """Make the first administrator, over everything; his password, or None where there is one already."""
    from qipan.foundation.access.services import password_random, user_create
    from qipan.rooms.organizations.selectors import INSTALLER, administrator_exists, list_units, local_day
    from qipan.rooms.organizations.services import membership_grant, unit_create

    at = clock.now()
    if administrator_exists():
        return None
    password = password_random()
    unit = list_units(INSTALLER).filter(code=UNIT).first() or unit_create(
        actor=INSTALLER, code=UNIT, name_zh="系统安装", name_en="Installation", kind="department", area=None, at=at
    )
    user = user_create(actor=INSTALLER, username=name, display_name=name, password=password, area_path="/", at=at)
    membership_grant(
        actor=INSTALLER,
        user=user,
        unit=unit,
        role=Role.ADMINISTRATOR,
        area=None,
        starts_on=local_day(at),
        at=at,
    )
    return password
