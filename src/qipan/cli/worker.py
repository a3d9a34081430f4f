"""`qipan worker`: runs background jobs until it is told to stop."""

import argparse
import os
import signal
import socket
import sys
import threading
from typing import Any

from qipan.cli import django_setup
from qipan.foundation import clock


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("worker", help="run background jobs")
    parser.add_argument("--once", action="store_true", help="stop when no job is due")
    parser.add_argument("--name", default="", help="name of this worker (default: host and process)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT; the job in hand is finished first. A second signal gives it back."""
    django_setup.setup()
    from qipan.foundation.jobs.worker import work

    stop = threading.Event()

    def told_to_stop(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, told_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    worker = (arguments.name or f"{socket.gethostname()}:{os.getpid()}")[:80]
    try:
        ran = work(
            worker=worker,
            now=clock.now,
            stop=stop,
            once=arguments.once,
            told=lambda job: print(f"{job.kind} {job.pk}: {job.state} {job.error}".rstrip(), file=sys.stderr),
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print(f"{ran} jobs", file=sys.stderr)
    return 0
