"""Ten processes on one bed, one person, one room: the database lets one in. Without its indexes it would not."""

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from tests.cast import AT, GRID_A1, TOWNSHIP_A1
from tests.orders import order_of

from qipan.foundation.audit.owner import as_owner
from qipan.rooms.persons.models import Household, Person
from qipan.rooms.quarantine import services
from qipan.rooms.quarantine.models import Stay
from qipan.rooms.quarantine.services import NewRoom
from qipan.terms.evidence import OrderKind

PROCESSES = 10
#: rounds in which all processes meet, so that at least some of them meet at the same instant
ROUNDS = 6


def database_url(folder: Path) -> str:
    """A database that other processes can open: PostgreSQL's test database; on SQLite, a copy in a file."""
    values = connection.settings_dict
    if connection.vendor == "postgresql":
        port = f":{values['PORT']}" if values["PORT"] else ""
        return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}{port}/{values['NAME']}"
    path = folder / "race.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    return f"sqlite:///{path}"


@contextmanager
def opened(url: str):
    """Run queries on that database (PostgreSQL: it is this one already)."""
    if connection.vendor == "postgresql":
        yield
        return
    mine = connection.settings_dict["NAME"], connection.connection
    connection.connection = None
    connection.settings_dict["NAME"] = url.removeprefix("sqlite:///")
    try:
        yield
    finally:
        connection.connection.close()
        connection.settings_dict["NAME"], connection.connection = mine


def race(folder: Path, url: str, tasks: list[list[dict]]) -> list[list[object]]:
    """Run one process for each list of arrivals, all let go at once; what became of each arrival."""
    (folder / "tasks.json").write_text(json.dumps({"keys": str(settings.KEYS), "tasks": tasks}))
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "qipan.config.settings",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    environment.pop("DATABASE_OWNER_URL", None)
    script = Path(__file__).with_name("arriving.py")
    subprocess.run([sys.executable, str(script), str(folder)], env=environment, check=True, timeout=120)
    return [json.loads((folder / f"{number}.out").read_text()) for number in range(len(tasks))]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the indexes", "control: without"])
def test_ten_processes_on_one_bed_and_on_one_person(tmp_path, guarded):
    from tests.cast import build

    cast = build()
    site = services.site_open(actor=cast.gao, name="Race", area_code=TOWNSHIP_A1, at=AT)
    area = cast.areas[GRID_A1]
    # round by round: a family room of two beds that ten of one household want, then one person whom ten rooms want
    services.rooms_add(
        actor=cast.gao,
        site_id=site.pk,
        rooms=[NewRoom(f"f{n}", "family", 2) for n in range(ROUNDS)]
        + [NewRoom(f"s{n}-{p}") for n in range(ROUNDS) for p in range(PROCESSES)],
        at=AT,
    )
    rooms = dict(site.rooms.values_list("number", "pk"))
    tasks: list[list[dict]] = [[] for _ in range(PROCESSES)]
    wanted_by_ten = []
    for number in range(ROUNDS):
        home = Household.objects.create(key=bytes([number]) * 16, area_id=area.id, area_path=area.path)
        people = [
            Person.objects.create(area_id=area.id, area_path=area.path, household=home, registered_at=AT)
            for _ in range(PROCESSES + 1)
        ]
        orders = [order_of(person.pk, OrderKind.QUARANTINE_CENTRAL, at=AT) for person in people]
        wanted_by_ten.append(people[-1].pk)
        for process in range(PROCESSES):
            common = {"at": AT.isoformat()}
            tasks[process] += [
                common
                | {"person_id": people[process].pk, "order_id": orders[process].pk, "room_id": rooms[f"f{number}"]},
                common
                | {
                    "person_id": people[-1].pk,
                    "order_id": orders[-1].pk,
                    "room_id": rooms[f"s{number}-{process}"],
                },
            ]
    names = ("stay_one_a_bed", "stay_one_a_person")
    constraints = [c for c in Stay._meta.constraints if c.name in names]
    if not guarded:
        with as_owner(), connection.schema_editor() as editor:
            for constraint in constraints:
                editor.remove_constraint(Stay, constraint)
    try:
        url = database_url(tmp_path)
        outcomes = race(tmp_path, url, tasks)
        with opened(url):
            beds = Counter(Stay.objects.filter(departed_at=None).values_list("room_id", "slot"))
            persons = Counter(Stay.objects.filter(departed_at=None).values_list("person_id", flat=True))
            stays = Stay.objects.count()
    finally:
        if not guarded:
            Stay.objects.all().delete()
            with as_owner(), connection.schema_editor() as editor:
                for constraint in constraints:
                    editor.add_constraint(Stay, constraint)
    twice = [bed for bed, count in beds.items() if count > 1] + [p for p, count in persons.items() if count > 1]
    if not guarded:
        assert twice, "the experiment cannot tell: nobody was booked twice even without the indexes"
        return
    assert twice == []
    arrived = [outcome for mine in outcomes for outcome in mine if isinstance(outcome, int)]
    assert len(arrived) == len(set(arrived)) == stays == ROUNDS * 3
    assert {outcome for mine in outcomes for outcome in mine if not isinstance(outcome, int)} <= {"Refused", "Conflict"}
    assert all(persons[person] == 1 for person in wanted_by_ten)
