"""Processes that arrive as told, all let go at once: run by test_races.py.

    python arriving.py FOLDER

One process for each list in FOLDER/tasks.json (an arrival is a dict of service arguments); what became of each list
goes to FOLDER/NUMBER.out. The processes are forked from one that has loaded everything and opened no connection.
"""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any


def arrive(folder: Path, number: int, tasks: list[dict[str, Any]]) -> None:
    from django.db import connection

    from qipan.rooms.quarantine import services
    from qipan.terms.errors import QipanError
    from qipan.terms.roles import SYSTEM_ACTOR

    connection.ensure_connection()
    (folder / f"{number}.ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.001)
    outcomes: list[object] = []
    for task in tasks:
        try:
            stay = services.stay_arrive(actor=SYSTEM_ACTOR, **(task | {"at": datetime.fromisoformat(task["at"])}))
            outcomes.append(stay.pk)
        except QipanError as error:
            outcomes.append(type(error).__name__)
    (folder / f"{number}.out").write_text(json.dumps(outcomes))


def main(folder: Path) -> int:
    import django

    django.setup()
    from django.conf import settings

    import qipan.rooms.quarantine.services  # noqa: F401 - loaded once, before the forks

    told = json.loads((folder / "tasks.json").read_text())
    settings.KEYS = Path(told["keys"])
    children = []
    for number, tasks in enumerate(told["tasks"]):
        child = os.fork()
        if not child:
            try:
                arrive(folder, number, tasks)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    while len(list(folder.glob("*.ready"))) < len(children):
        time.sleep(0.005)
    (folder / "go").touch()
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
