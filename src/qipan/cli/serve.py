"""`qipan serve`: the web application (gunicorn), and beside it the worker that runs background jobs."""

import argparse
import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from qipan.cli import django_setup
from qipan.terms.errors import BadInput

HOST, PORT, WORKERS, THREADS = "127.0.0.1", 8000, 2, 8
#: the secret of web sessions, beside the keys
_SECRET_FILE = "web.secret"  # noqa: S105 - its name
_SECRET_LENGTH = 50
#: seconds that a request, or the worker's job in hand, is given to end
_GRACE = 30


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command (INTERFACES: --host, --port)."""
    parser = subparsers.add_parser("serve", help="the web application, with a worker beside it")
    add_address(parser)
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help=f"processes (default {WORKERS})")
    parser.add_argument("--no-worker", action="store_true", help="start no worker: `qipan worker` runs elsewhere")
    parser.add_argument("--quiet", action="store_true", help="do not say where it is served")
    parser.set_defaults(run=run)


def add_address(parser: argparse.ArgumentParser) -> None:
    """The options that say where it listens."""
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default {HOST}, this machine alone)")
    parser.add_argument("--port", type=int, default=PORT, help=f"port (default {PORT})")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; 0. Raises BadInput for a set-up that is not safe or not complete."""
    prepare(args.host, args.port)
    django_setup.setup()
    check()
    from django.utils.translation import gettext

    if not args.quiet:
        url = url_of(args.host, args.port)
        print(gettext("qipan is served at %(url)s (Ctrl-C ends it).") % {"url": url}, flush=True)
    serve(args.host, args.port, workers=args.workers, with_worker=not args.no_worker)
    return 0


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def prepare(host: str, port: int) -> None:
    """Settle what the settings read, before Django reads them. Raises BadInput.

    Plain http is for this machine alone: anybody else comes through a proxy that speaks https.
    """
    behind_proxy = os.environ.get("QIPAN_BEHIND_PROXY") == "1"
    loopback = _is_loopback(host)
    if not 0 < port < 65536:
        raise BadInput("%(port)s is not a port.", port=port)
    if not loopback and not behind_proxy:
        raise BadInput(
            "%(host)s can be reached by others, and passwords must not travel over http: put a proxy that speaks https "
            "before qipan and set QIPAN_BEHIND_PROXY=1 and QIPAN_HOSTS.", host=host,
        )  # fmt: skip
    if os.environ.get("QIPAN_SECOND_FACTOR") == "off" and not loopback:
        raise BadInput("QIPAN_SECOND_FACTOR=off is for the demonstration on this machine alone: take it away.")
    if behind_proxy and os.environ.get("QIPAN_PLAIN_HTTP") == "1":
        raise BadInput("QIPAN_PLAIN_HTTP=1 makes cookies that travel over http: take it away behind a proxy.")
    if not behind_proxy:
        os.environ["QIPAN_PLAIN_HTTP"] = "1"
    _require_free(host, port)
    os.environ["QIPAN_SECRET"] = os.environ.get("QIPAN_SECRET") or _kept_secret()


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                "%(host)s, port %(port)s cannot be listened on (%(why)s): name another with --port.",
                host=host, port=port, why=error.strerror,
            ) from None  # fmt: skip


def _kept_secret() -> str:
    """The secret in the key folder, made the first time. Raises BadInput where others can read it."""
    folder = Path(os.environ.get("QIPAN_KEYS") or Path(os.environ.get("QIPAN_VAR", "var")) / "keys")
    path = folder / _SECRET_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # whoever starts first writes it; the file is whole before it has its name
        part = folder / f"{_SECRET_FILE}.{os.getpid()}"
        if not path.exists():
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(part, path)
            except FileExistsError:
                pass
            finally:
                part.unlink()
        if path.stat().st_mode & 0o077:
            raise BadInput("The file %(path)s can be read by others than its owner: set its mode to 0600.", path=path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise BadInput("%(path)s: %(reason)s", path=path, reason=error.strerror) from None


def check() -> None:
    """Refuse to serve what is not safe or not complete. Raises BadInput with the one thing to do."""
    from django.conf import settings

    secret = str(settings.SECRET_KEY)
    if settings.DEBUG:
        raise BadInput("DEBUG shows the inside of the program to everybody: it is not served so.")
    if len(secret) < _SECRET_LENGTH or len(set(secret)) < 10 or secret == settings.NO_SECRET:
        raise BadInput("QIPAN_SECRET is too weak: unset it (one is made and kept), or give 50 random characters.")
    check_files()
    _require_tables()


def check_files() -> None:
    """Raise BadInput where the style sheets and scripts of others were not fetched."""
    from django.contrib.staticfiles import finders

    if not finders.find("vendor/bootstrap.min.css"):
        raise BadInput("The style sheets and scripts of the pages are missing: run `make`, or install qipan anew.")


def _require_tables() -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BadInput("The tables are not those of this version: run `qipan init`.")
    connection.close()


class _Worker:
    """`qipan worker` beside the server: started again should it die, ended with the server."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> None:
        """Start it, and keep it."""
        self._process = self._started()
        self._thread.start()

    def _started(self) -> "subprocess.Popen[bytes]":
        # a session of its own: Ctrl-C at the terminal is for the server, which tells the worker once
        return subprocess.Popen(
            [sys.executable, "-m", "qipan", "worker"], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _keep(self) -> None:
        while not self._over.wait(1):
            if self._process is not None and self._process.poll() is not None and not self._over.wait(3):
                print("qipan: the worker ended; it is started again", file=sys.stderr)
                self._process = self._started()

    def stop(self) -> None:
        """Let it finish the job in hand; a job that takes too long goes back to the queue."""
        self._over.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            process.send_signal(number)
            try:
                process.wait(patience)
                return
            except subprocess.TimeoutExpired:
                continue


def serve(host: str, port: int, *, workers: int = WORKERS, with_worker: bool = True) -> None:
    """Run gunicorn in this process until it is told to end. Settings are read and checked before."""
    from gunicorn.app.base import BaseApplication

    worker = _Worker()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    class Application(BaseApplication):  # type: ignore[misc] # the library has no types
        """Gunicorn, told everything here: it reads no file of its own."""

        def load_config(self) -> None:
            options = {
                "bind": address,
                "workers": max(workers, 1),
                "worker_class": "gthread",
                "threads": THREADS,
                "timeout": 60,
                "graceful_timeout": _GRACE,
                # addresses may hold ids of people: who asked for what is in our own log
                "accesslog": None,
                "loglevel": "warning",
                "control_socket_disable": True,
                "forwarded_allow_ips": "127.0.0.1,::1",
                "proc_name": "qipan",
                "on_exit": lambda server: worker.stop(),
                "when_ready": lambda server: worker.start() if with_worker else None,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from django.conf import settings
            from django.utils.module_loading import import_string

            return import_string(settings.WSGI_APPLICATION)

    try:
        Application().run()
    except SystemExit as ended:
        if ended.code not in (0, None):
            raise
