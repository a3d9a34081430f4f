"""Three engines, one result; a lost worker is survived; temporary files are gone."""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import polars as pl
import pytest
from distributed import LocalCluster

from qipan.foundation.bulk import running
from qipan.foundation.bulk.running import WorkerLost, run
from qipan.foundation.bulk.scratch import partitions_write, scratch, split_by, sweep
from qipan.foundation.bulk.tests import partials

RANGES = [range(start, start + 7) for start in range(0, 70, 7)]
EXPECTED = [number * number for number in range(70)]


def concatenated(parts):
    return list(chain.from_iterable(parts))


@pytest.fixture(scope="module")
def cluster():
    """A small Dask cluster of processes, shared by the tests of this module."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["local", "processes", "dask"])
def engine(request):
    if request.param == "dask":
        return {"engine": "dask", "cluster_url": request.getfixturevalue("cluster")}
    return {"engine": request.param, "workers": 2}


def test_every_engine_gives_the_same_in_the_same_order(engine):
    steps = []
    result = run(partials.squares, RANGES, concatenated, progress=lambda *step: steps.append(step), **engine)
    assert result == EXPECTED
    assert steps == [(done, 10) for done in range(1, 11)]


def test_no_partitions_is_an_empty_merge(engine):
    assert run(partials.squares, [], concatenated, **engine) == []


def test_what_the_function_raises_is_raised(engine):
    with pytest.raises(ZeroDivisionError):
        run(partials.fail, [1, 2, 3], list, **engine)


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_a_lost_worker_is_survived(name, request, tmp_path):
    where = {"cluster_url": request.getfixturevalue("cluster")} if name == "dask" else {"workers": 2}
    marker = tmp_path / "died"
    result = run(partials.die_once, [(number, str(marker)) for number in range(8)], list, engine=name, **where)
    assert result == list(range(8))
    assert marker.exists()  # the worker did die


def test_workers_that_die_for_ever_are_told(monkeypatch):
    monkeypatch.setattr(running, "RETRIES", 1)  # each costs a new pool
    with pytest.raises(WorkerLost):
        run(partials.die_always, [1], list, engine="processes", workers=1)


def test_an_unknown_engine_is_a_defect():
    with pytest.raises(ValueError, match="unknown engine"):
        run(partials.squares, RANGES, concatenated, engine="magic")


def test_parquet_partitions_give_the_same_on_every_engine(engine, tmp_path):
    frame = pl.DataFrame({"person_id": [n % 13 for n in range(1000)], "value": list(range(1000))})
    with scratch(tmp_path) as folder:
        paths = partitions_write(split_by(frame, "person_id", 4), folder)
        assert len(paths) == 4
        result = run(partials.total_by_person, paths, lambda parts: pl.concat(parts), **engine)
    expected = frame.group_by("person_id").agg(pl.col("value").sum()).sort("person_id")
    assert result.sort("person_id").equals(expected)
    assert result["person_id"].is_unique().all()  # equal persons were kept together
    assert list(tmp_path.iterdir()) == []


def test_temporary_files_go_when_the_job_fails(tmp_path):
    def failing():
        with scratch(tmp_path) as folder:
            partitions_write(iter([pl.DataFrame({"a": [1]})]), folder)
            assert folder.stat().st_mode & 0o077 == 0
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from qipan.foundation.bulk.scratch import scratch\n"
        "with scratch(Path(sys.argv[1])) as folder: (folder / 'x').touch(); os.kill(os.getpid(), 9)"
    )
    source = str(Path(partials.__file__).parents[4])
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": source})
    assert done.returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    with scratch(tmp_path) as mine:
        assert sweep(tmp_path) == 0
        assert list(tmp_path.iterdir()) == [mine]


def test_nothing_of_it_needs_django():
    code = (
        "import sys, qipan.foundation.bulk.running, qipan.foundation.bulk.scratch\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'django']"
    )
    source = str(Path(partials.__file__).parents[4])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": source})
