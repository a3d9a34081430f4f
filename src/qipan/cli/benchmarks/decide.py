"""``qipan bench decide``: one Parquet of a city's evidence through one book, beside the same rules written by hand."""

import hashlib
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl

from qipan.cli.benchmarks.decide_duckdb import decide_in_duckdb
from qipan.cli.benchmarks.decide_ledger import MOMENT, write_ledger
from qipan.cli.benchmarks.decide_polars import decide_by_hand
from qipan.rulebooks.loader import load_book
from qipan.rulebooks.population import decide_population
from qipan.rulebooks.tables import EMPTY_TABLES

BOOK = "covid19-cn-9"


def run(*, json_output: bool, people: int = 10_000_000, seed: int = 1, **options: Any) -> dict[str, Any]:
    """Make the ledger, evaluate it by each engine in a process of its own; prints words unless `json_output`.

    Every engine answers with a Parquet file of person_id, code, orders, reasons for everybody; the codes must
    be the same. Raises RuntimeError if they are not. `ratio` is against Polars by hand.
    """
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "evidence.parquet"
        rows = write_ledger(ledger, people, seed)
        engines: dict[str, Callable[[Path, Path], None]] = {
            "rulebook": _by_rulebook,
            "polars_by_hand": _by_hand,
            "duckdb_by_hand": _by_duckdb,
        }
        measured = {}
        for name, engine in engines.items():
            if not json_output:
                print(f"{name} …", file=sys.stderr)
            measured[name] = _measured(engine, ledger, Path(folder) / f"{name}.parquet")
    base = measured["polars_by_hand"]
    for figures in measured.values():
        figures["ratio"] = round(figures["seconds"] / base["seconds"], 2)
        figures["cpu_ratio"] = round(figures["cpu_seconds"] / base["cpu_seconds"], 2)
    checksums = {figures["checksum"] for figures in measured.values()}
    if len(checksums) != 1:
        raise RuntimeError(f"the engines disagree: {measured}")
    result: dict[str, Any] = {
        "benchmark": "decide",
        "rulebook": BOOK,
        "people": people,
        "rows": rows,
        "rows_per_person": round(rows / people, 2),
        "seed": seed,
        "at": MOMENT.isoformat(),
        "machine": f"{platform.machine()}, {multiprocessing.cpu_count()} cores",
        "engines": measured,
    }
    if not json_output:
        _print(result)
    return result


def _print(result: dict[str, Any]) -> None:
    print(f"{result['people']} people, {result['rows']} rows, {result['rulebook']}, {result['machine']}")
    for name, figures in result["engines"].items():
        print(
            f"{name:<15} {figures['seconds']:>7.2f} s  {figures['cpu_seconds']:>7.2f} CPU s  "
            f"{figures['peak_mb']:>6.0f} MB  x{figures['ratio']} (CPU x{figures['cpu_ratio']})  {figures['codes']}"
        )


def _by_rulebook(ledger: Path, out: Path) -> None:
    result = decide_population(load_book(BOOK), EMPTY_TABLES, pl.scan_parquet(ledger), MOMENT)
    result.decisions.write_parquet(out)


def _by_hand(ledger: Path, out: Path) -> None:
    decide_by_hand(ledger, MOMENT).write_parquet(out)


def _by_duckdb(ledger: Path, out: Path) -> None:
    decide_in_duckdb(ledger, MOMENT, out)


def _measured(engine: Callable[[Path, Path], None], ledger: Path, out: Path) -> dict[str, Any]:
    """Run one engine in a fresh process; its wall and CPU seconds, peak memory, and what it answered."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(engine, ledger, out, theirs))
    process.start()
    theirs.close()
    try:
        figures: dict[str, Any] = ours.recv()
    except EOFError:
        raise RuntimeError(f"{engine.__name__} ended without an answer") from None
    finally:
        process.join()
    answer = pl.scan_parquet(out).select("person_id", "code").collect().sort("person_id")
    counts = dict(answer.group_by("code").len().sort("code").iter_rows())
    digest = hashlib.sha256()
    digest.update(answer["person_id"].to_numpy().tobytes())
    ranks = answer["code"].replace_strict({"green": 0, "yellow": 1, "red": 2}, return_dtype=pl.UInt8)
    digest.update(ranks.to_numpy().tobytes())
    return {**figures, "codes": counts, "checksum": digest.hexdigest()[:16]}


def _peak_kb() -> int:
    """Peak memory of this process; `ru_maxrss` would carry over the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _child(engine: Callable[[Path, Path], None], ledger: Path, out: Path, answer: Connection) -> None:
    started, used = time.perf_counter(), time.process_time()
    engine(ledger, out)
    answer.send(
        {
            "seconds": round(time.perf_counter() - started, 3),
            "cpu_seconds": round(time.process_time() - used, 3),
            "peak_mb": round(_peak_kb() / 1024, 1),
        }
    )
    answer.close()
