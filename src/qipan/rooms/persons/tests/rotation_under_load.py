"""Played by test_vault in processes of its own: people are read and registered while the vault key is rotated.

`main` makes the database, starts two readers and a writer, rotates three times and prints what happened as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from tests.cast import AT, GRID_A1, Cast, build  # noqa: E402

from qipan.foundation import crypto  # noqa: E402
from qipan.foundation.access.models import User  # noqa: E402
from qipan.rooms.organizations.selectors import actor_for  # noqa: E402
from qipan.rooms.persons import services  # noqa: E402
from qipan.rooms.persons.models import SealedIdentity  # noqa: E402
from qipan.rooms.persons.services import NewPerson  # noqa: E402

PEOPLE = 300
STOP = Path(settings.VAR) / "stop"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def people(prefix: str, count: int) -> list[NewPerson]:
    return [NewPerson(f"{prefix}{n}", f"张{prefix}{n}", GRID_A1, "passport", f"{prefix}{n:07d}") for n in range(count)]


def read() -> None:
    """Open everybody in turn, until told to stop; print reads and failures."""
    actor = actor_for(User.objects.get(username="lin"), AT)
    ids = list(SealedIdentity.objects.order_by("pk").values_list("pk", flat=True))
    reads, failures = 0, []
    say("ready")
    while not STOP.exists():
        part = [ids[(reads * 7 + n * 13) % len(ids)] for n in range(20)]
        try:
            opened = services.identity_open(actor=actor, person_ids=part, purpose="follow_up", at=AT)
            if len(opened) != len(set(part)):
                failures.append("somebody is missing")
        except Exception as error:  # noqa: BLE001 - every kind of failure counts
            failures.append(f"{type(error).__name__}: {error}")
        reads += 1
    say(json.dumps({"reads": reads, "failures": failures[:5]}))


def write() -> None:
    """Register people in small lots, until told to stop."""
    actor = actor_for(User.objects.get(username="alice"), AT)
    made, failures = 0, []
    say("ready")
    while not STOP.exists():
        try:
            rows = people(f"W{made:05d}Z", 10)
            made += len(services.persons_register_bulk(actor=actor, source="w", persons=rows, at=AT))
        except Exception as error:  # noqa: BLE001
            failures.append(f"{type(error).__name__}: {error}")
            break
    say(json.dumps({"made": made, "failures": failures}))


def opens(cast: Cast, person_id: int) -> bool:
    """Whether an identity can be opened."""
    try:
        services.identity_open(actor=cast.lin, person_ids=[person_id], purpose="follow_up", at=AT)
    except crypto.Unsealable:
        return False
    return True


def main() -> None:
    call_command("migrate", verbosity=0)
    crypto.keys_create()
    cast = build()
    services.persons_register_bulk(actor=cast.alice, source="s", persons=people("E", PEOPLE), at=AT)
    stolen = list(SealedIdentity.objects.values_list("person_id", "wrapped_key", "sealed"))
    others = [
        subprocess.Popen([sys.executable, __file__, role], stdout=subprocess.PIPE, text=True)
        for role in ("read", "read", "write")
    ]
    for other in others:
        assert other.stdout is not None
        other.stdout.readline()
    for _ in range(3):
        services.vault_rotate(actor=cast.fang, at=AT, batch=40)
    STOP.touch()
    answers = [json.loads(other.communicate()[0]) for other in others]
    everybody = list(SealedIdentity.objects.values_list("pk", flat=True))
    unreadable = sum(not opens(cast, pk) for pk in everybody)
    # what was copied before the first rotation, put back: it must not open
    for pk, wrapped, sealed in stolen:
        SealedIdentity.objects.filter(pk=pk).update(wrapped_key=wrapped, sealed=sealed)
    old_rows = sum(opens(cast, pk) for pk, _, _ in stolen)
    say(
        json.dumps(
            {
                "reads": [answer["reads"] for answer in answers[:2]],
                "registered": answers[2]["made"],
                "failures": [failure for answer in answers for failure in answer["failures"]],
                "unreadable": unreadable,
                "old_rows_opening": old_rows,
                "keys": len(crypto.key_ids("vault")),
            }
        )
    )


if __name__ == "__main__":
    {"main": main, "read": read, "write": write}[sys.argv[1]]()
