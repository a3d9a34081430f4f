"""``qipan bench intake``: test results from CSV to accepted evidence, in a database and folder of its own."""

import json
import multiprocessing
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qipan.cli.benchmarks.scratch import environment_of, scratch_database

#: Results a person in the file.
RESULTS_A_PERSON = 5


def run(*, json_output: bool, rows: int = 1_000_000, seed: int = 1, **options: Any) -> dict[str, Any]:
    """Register people, write the file, then take it in within a process of its own; prints unless `json_output`.

    The database is a scratch one of the engine of DATABASE_URL (default SQLite), dropped at the end. Seconds
    are wall-clock: `check` (read, check, seal into staging), `commit` (results, evidence, identities, log),
    `finish` (decisions), `process` the whole of it with start-up; `peak_mb` is that process's largest
    resident set, `cpu_seconds` its processor time, `server_cpu_seconds` that of PostgreSQL's process for it
    (None elsewhere). Raises RuntimeError where a row is missing at the end.
    """
    with tempfile.TemporaryDirectory() as folder, scratch_database(Path(folder)) as url:
        environment = environment_of(url, Path(folder))
        file = Path(folder) / "tests.csv"
        _say(json_output, "preparing people and file …")
        people = max(1, rows // RESULTS_A_PERSON)
        _child(environment, "prepare", file, rows, people, seed)
        size = file.stat().st_size
        _say(json_output, "importing …")
        figures = _child(environment, "measure", file, rows, people, seed)
        again = _child(environment, "again", file, rows, people, seed)
    result = {
        "benchmark": "intake",
        "database": urlsplit(url).scheme,
        "rows": rows,
        "people": people,
        "file_mb": round(size / 1e6, 1),
        "seed": seed,
        "machine": f"{platform.machine()}, {multiprocessing.cpu_count()} cores",
        **figures,
        "again": again,
    }
    if not json_output:
        _print(result)
    return result


def _say(json_output: bool, text: str) -> None:
    if not json_output:
        print(text, file=sys.stderr)


def _child(environment: dict[str, str], step: str, file: Path, rows: int, people: int, seed: int) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "qipan.cli.benchmarks.intake_steps",
        step,
        str(file),
        str(rows),
        str(people),
        str(seed),
    ]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"the step {step} failed")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _print(result: dict[str, Any]) -> None:
    seconds = result["seconds"]
    print(f"{result['rows']} results of {result['people']} people, {result['database']}, {result['machine']}")
    print(
        f"to accepted evidence {result['to_evidence_seconds']} s (check {seconds['check']}, commit "
        f"{seconds['commit']}), decisions {seconds['finish']} s, peak {result['peak_mb']} MB"
    )
    served = result["server_cpu_seconds"]
    print(f"CPU {result['cpu_seconds']} s" + ("" if served is None else f", the database server's {served} s"))
    print(
        f"the same file again: {result['again']['duplicate']} duplicates in {result['again']['to_evidence_seconds']} s"
    )
