"""``qipan bench pages``: how long pages take over 300,000 people, in a database and folder of its own."""

import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qipan.cli.benchmarks.scratch import environment_of, scratch_database

#: the moment at which the pages are opened (pages_world.NOW)
_MOMENT = "2022-08-18T14:00:00+00:00"


def run(*, json_output: bool, people: int = 300_000, seed: int = 1, repeats: int = 5, **options: Any) -> dict[str, Any]:
    """Write the city, open its pages as people who are limited to one of its six counties; prints unless `json_output`.

    `ms` is the median of `repeats` openings by Django's test client through all middleware, in a process that has
    opened the page before, `cpu_ms` what that process used of a core; `rows` is what the list says of itself, `kb` the
    size of the page's HTML. `load`: the machine's 1-minute average when it began and ended.
    """
    with tempfile.TemporaryDirectory() as folder, scratch_database(Path(folder)) as url:
        environment = environment_of(url, Path(folder)) | {
            "QIPAN_NOW": _MOMENT,
            "QIPAN_DEMO": "1",
            "QIPAN_SECOND_FACTOR": "off",
            "QIPAN_PLAIN_HTTP": "1",
            "QIPAN_SECRET": "a-benchmark-keeps-no-secrets-" * 3,
            "QIPAN_LANGUAGE": "en",
        }
        load = os.getloadavg()[0]
        _say(json_output, f"writing a city of {people} people …")
        made = _child(environment, "prepare", str(people), str(seed))
        _say(json_output, "opening pages …")
        figures = _child(environment, "measure", json.dumps(made), str(repeats))
    result = {
        "benchmark": "pages",
        "database": urlsplit(url).scheme,
        "people": people,
        "seed": seed,
        "machine": f"{platform.machine()}, {multiprocessing.cpu_count()} cores",
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        **figures,
    }
    if not json_output:
        _print(result)
    return result


def _say(json_output: bool, text: str) -> None:
    if not json_output:
        print(text, file=sys.stderr)


def _child(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "qipan.cli.benchmarks.pages_steps", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"the step {arguments[0]} failed")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _print(result: dict[str, Any]) -> None:
    print(f"{result['people']} people, {result['database']}, {result['machine']}, load {result['load']}")
    for page in result["pages"]:
        print(
            f"{page['page']:<14} {page['variant']:<32} {page['reader']:<14} {page['ms']:>8.1f} ms "
            f"{page['cpu_ms']:>7.1f} CPU {page['queries']:>3} queries {page['kb']:>4} kB  {page['rows']}"
        )
