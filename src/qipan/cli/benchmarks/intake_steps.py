"""The steps of ``qipan bench intake``, each run in a process of its own so that memory is its own too."""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from qipan.cli.django_setup import setup

_BUILT = datetime(2022, 7, 19, 4, tzinfo=UTC)
_NOW = datetime(2022, 7, 26, 4, tzinfo=UTC)
_SOURCE = "bench"
_BOOK = "covid19-cn-9"
#: one result in so many is positive
_POSITIVE_EVERY = 2000
_AREAS = [("410000", "", "province", "演示省"), ("411200", "410000", "city", "演示市"),
          ("411202", "411200", "county", "演示区"), ("411202001", "411202", "township", "演示街道"),
          ("411202001001", "411202001", "village", "演示社区"),
          ("411202001001-01", "411202001001", "grid", "演示网格")]  # fmt: skip


def prepare(file: Path, rows: int, people: int, seed: int) -> dict[str, Any]:
    """Tables, keys, areas, a rulebook, people, and the file."""
    from django.core.management import call_command

    from qipan.foundation import crypto
    from qipan.foundation.intake.services import file_import
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rooms.organizations.selectors import INSTALLER
    from qipan.rooms.persons.services import NewPerson, persons_register_bulk
    from qipan.rulebooks import book_text
    from qipan.terms.identity import person_code
    from qipan.terms.roles import Actor, Grant, Role

    call_command("migrate", verbosity=0, interactive=False)
    crypto.keys_create()
    areas = file.with_name("areas.csv")
    lines = [
        "code,parent,level,name_zh,name_en,population",
        *(",".join([*area, "Demonstration", ""]) for area in _AREAS),
    ]
    areas.write_text("\n".join(lines), encoding="utf-8")
    taken = file_import(actor=INSTALLER, kind="areas", path=areas, source=_SOURCE, at=_BUILT)
    if taken.rejected:
        raise RuntimeError(f"areas: {taken.rejects}")
    rulebook_publish(actor=INSTALLER, text=book_text(_BOOK), area_path="/", at=_BUILT)
    registrar = Actor(None, None, (Grant(Role.EPIDEMIOLOGIST, "/"),), "bench")
    crowd = (
        NewPerson(source_id=str(n), name=f"演示{n}", document_kind="none", document_number="",
                  birth_date=date(1980, 1, 1), sex="female", phone="", area=_AREAS[-1][0], address="",
                  household=str(n // 3))
        for n in range(people)
    )  # fmt: skip
    codes = [person_code(pk) for pk in persons_register_bulk(actor=registrar, source=_SOURCE, persons=crowd, at=_BUILT)]
    with file.open("w", encoding="utf-8") as out:
        out.write("specimen_id,person_id,pool_id,sampled_at,site,lab,resulted_at,method,result,ct\n")
        out.writelines(_lines(codes, rows, random.Random(seed)))  # noqa: S311 (made-up data)
    return {}


def _lines(codes: list[str], rows: int, chance: random.Random) -> Iterator[str]:
    start = datetime.fromisoformat("2022-07-20T08:00:00+08:00")
    for number in range(rows):
        sampled = start + timedelta(seconds=number % 400_000)
        resulted = sampled + timedelta(hours=9)
        outcome = "positive,31.5" if number % _POSITIVE_EVERY == 0 else "negative,"
        yield (
            f"S{number:09d},{chance.choice(codes)},T{number // 10:08d},{sampled.isoformat()},演示采样点{number % 90},"
            f"演示实验室{number % 7},{resulted.isoformat()},pcr,{outcome}\n"
        )


def measure(file: Path, rows: int, people: int, seed: int) -> dict[str, Any]:
    """Take the file in. Raises RuntimeError where not every row became evidence."""
    from django.db import connection

    from qipan.foundation.intake.services import file_import
    from qipan.terms.roles import Actor, Grant, Role

    laboratory = Actor(None, None, (Grant(Role.LABORATORY, "/"),), "bench")
    server = _server_cpu()
    started, cpu = time.perf_counter(), time.process_time()
    result = file_import(actor=laboratory, kind="tests", path=file, source=_SOURCE, at=_NOW)
    whole, used = time.perf_counter() - started, time.process_time() - cpu
    served = _server_cpu()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM control_evidence WHERE kind = 'test'")
        evidence = cursor.fetchone()[0]
    if result.accepted + result.duplicate != rows or evidence != rows or result.rejected:
        raise RuntimeError(f"{result.accepted} accepted, {evidence} in the ledger, {result.rejects[:3]}")
    seconds = result.seconds
    return {
        "accepted": result.accepted,
        "duplicate": result.duplicate,
        "to_evidence_seconds": round(whole - seconds["finish"], 1),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "cpu_seconds": round(used, 1),
        "server_cpu_seconds": None if server is None or served is None else round(served - server, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "decided": dict(result.finished),
    }


def _server_cpu() -> float | None:
    """CPU seconds so far of the PostgreSQL process that serves this one, where it runs on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql" or connection.settings_dict["HOST"] not in ("", "localhost", "127.0.0.1"):
        return None
    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    if not stat.exists() or "(postgres)" not in (text := stat.read_text("utf-8")):
        return None
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


STEPS = {"prepare": prepare, "measure": measure, "again": measure}


def main() -> None:
    """``intake_steps STEP FILE ROWS PEOPLE SEED``: run one step, print its figures as JSON."""
    step, file, rows, people, seed = sys.argv[1:]
    setup()
    print(json.dumps(STEPS[step](Path(file), int(rows), int(people), int(seed)), default=str))


if __name__ == "__main__":
    main()
