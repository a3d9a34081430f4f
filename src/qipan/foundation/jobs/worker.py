"""The loop of a worker: claim, run, and say that it lives."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

from django.db import DatabaseError, connection

from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.services import job_claim, job_heartbeat, job_run

#: Seconds between two signs of life; six of them fit into services.STALE_AFTER.
HEARTBEAT_SECONDS = 20.0
#: Seconds between two looks into an empty queue.
IDLE_SECONDS = 2.0


@contextmanager
def _alive(job: Job, now: Callable[[], datetime], seconds: float) -> Generator[None]:
    """Signs of life from a thread of its own, so that a long step does not look like a dead worker."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(seconds):
                try:
                    if not job_heartbeat(job, at=now()):
                        return
                except DatabaseError:
                    connection.close()  # away or busy: the next beat tries anew
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def work(
    *,
    worker: str,
    now: Callable[[], datetime],
    stop: threading.Event,
    once: bool = False,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    idle_seconds: float = IDLE_SECONDS,
    told: Callable[[Job], None] = lambda job: None,
) -> int:
    """Run jobs until `stop` is set (`once`: until none is due). Returns how many were run.

    `told` is called with each job after its run.
    """
    ran = 0
    while not stop.is_set():
        job = job_claim(worker=worker, at=now())
        if job is None:
            if once:
                break
            # between two looks the connection may have died: let the next look open a fresh one
            connection.close_if_unusable_or_obsolete()
            stop.wait(idle_seconds)
            continue
        with _alive(job, now, heartbeat_seconds):
            told(job_run(job, now=now))
        ran += 1
    return ran
