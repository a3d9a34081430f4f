"""Run a function over partitions: in this process, in a pool of processes, or on a Dask cluster.

The three give the same result: partial results reach the merge in the order of the partitions, one by one, so
the merge may be a fold that depends on order and need not hold them all. Function, partitions and partial
results travel between processes: the function is importable by name, the others can be pickled. Partitions
should be small to send (a path of a Parquet file, a range), not the data itself.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar

P = TypeVar("P")
R = TypeVar("R")
M = TypeVar("M")

Engine = Literal["local", "processes", "dask"]
Progress = Callable[[int, int], None]

#: So many times the work of a lost worker is given to another before it is taken for the work's own fault.
RETRIES = 3


class WorkerLost(RuntimeError):
    """Workers died again and again (out of memory, most often): smaller partitions may help."""


def run(
    function: Callable[[P], R],
    partitions: Sequence[P],
    merge: Callable[[Iterator[R]], M],
    *,
    engine: Engine = "local",
    workers: int | None = None,
    cluster_url: str | None = None,
    progress: Progress | None = None,
) -> M:
    """``merge(function(p) for p in partitions)``, computed by `engine`.

    `workers`: processes ("processes", and "dask" without a cluster; default: one a processor). `cluster_url`: the
    scheduler of a running Dask cluster, for example ``tcp://10.0.0.1:8786``. `progress(done, total)` is called
    after each partition. Raises what `function` raises; WorkerLost when workers die more than RETRIES times; a
    single lost worker is survived. `function` may therefore run twice on a partition: it must be idempotent.
    """
    if engine == "local":
        partials: Iterator[R] = map(function, partitions)
    elif engine == "processes":
        partials = _processes(function, partitions, workers)
    elif engine == "dask":
        partials = _dask(function, partitions, workers, cluster_url)
    else:
        raise ValueError(f"unknown engine {engine!r}")
    return merge(_counted(partials, len(partitions), progress))


def _counted(partials: Iterator[R], total: int, progress: Progress | None) -> Iterator[R]:
    for done, partial in enumerate(partials, 1):
        yield partial
        if progress is not None:
            progress(done, total)


def _processes(function: Callable[[P], R], partitions: Sequence[P], workers: int | None) -> Iterator[R]:
    # "spawn": a forked child would inherit database connections, locks and threads of ours
    context = multiprocessing.get_context("spawn")
    workers = min(workers or multiprocessing.cpu_count(), max(len(partitions), 1))
    next_up, lost = 0, 0
    while next_up < len(partitions):
        pool = ProcessPoolExecutor(workers, mp_context=context)
        in_flight: deque[Future[R]] = deque()
        ahead = next_up
        try:
            while next_up < len(partitions):
                # twice as many as there are workers: none waits for us, and few results wait for the merge
                while ahead < len(partitions) and len(in_flight) < 2 * workers:
                    in_flight.append(pool.submit(function, partitions[ahead]))
                    ahead += 1
                partial = in_flight[0].result()
                in_flight.popleft()
                next_up += 1
                yield partial
        except BrokenProcessPool:
            # a dead worker takes the whole pool with it; what was merged is merged, the rest starts anew
            lost += 1
            if lost > RETRIES:
                raise WorkerLost(f"workers died {lost} times; partition {next_up} was next") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _dask(
    function: Callable[[P], R], partitions: Sequence[P], workers: int | None, cluster_url: str | None
) -> Iterator[R]:
    # here, not above: the library is large, and the other engines do without it
    import distributed

    dask: Any = distributed  # it has no complete types
    cluster: Any = None
    if cluster_url is None:
        workers = min(workers or multiprocessing.cpu_count(), max(len(partitions), 1))
        cluster = dask.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        )
    client = dask.Client(cluster_url or cluster, set_as_default=False)
    try:
        in_flight: deque[Any] = deque()
        ahead = 0
        while ahead < len(partitions) or in_flight:
            slots = max(1, sum(client.nthreads().values()))
            while ahead < len(partitions) and len(in_flight) < 2 * slots:
                # pure=False: equal partitions are still two
                in_flight.append(client.submit(function, partitions[ahead], pure=False))
                ahead += 1
            try:
                partial = in_flight[0].result()
            except dask.KilledWorker as error:
                raise WorkerLost(str(error)) from None
            in_flight.popleft().release()
            yield partial
    finally:
        client.close()
        if cluster is not None:
            cluster.close()
