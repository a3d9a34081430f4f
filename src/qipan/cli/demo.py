"""`qipan demo`: builds the demonstration city once, runs its days, prints what came of them, and serves it."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from qipan.cli import django_setup, init, serve
from qipan.foundation import clock
from qipan.terms.errors import BadInput

PEOPLE, SEED, DAYS = 20_000, 4, 30
#: everything that the demonstration keeps (database, keys, anchors, files) lies in a folder of its own
FOLDER = "demo"


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        FOLDER,
        help="build the demonstration city, run its days, print the summary, serve it",
        description="Builds a synthetic city (Sanmenxia's areas and census margins, made-up people), runs the daily "
        "cycle from 2022-07-20 on, prints the summary, and serves the pages on this machine, with an account a role. "
        "Used again unless --fresh is given.",
    )
    parser.add_argument("--days", type=int, default=DAYS, help=f"days to run from the first on (default {DAYS})")
    parser.add_argument("--people", type=int, help=f"people of the city (default {PEOPLE})")
    parser.add_argument("--seed", type=int, help=f"seed of everything that is drawn (default {SEED})")
    parser.add_argument("--fresh", action="store_true", help="throw the city away and build it again")
    parser.add_argument("--no-serve", action="store_true", help="stop after the summary")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    parser.add_argument("--port", type=int, default=serve.PORT, help=f"port of the pages (default {serve.PORT})")
    parser.set_defaults(run=run)


def _prepare(fresh: bool) -> Path:
    """Point the settings at the demonstration's own folder, before Django reads them; the folder."""
    folder = (Path(os.environ.get("QIPAN_VAR", "var")) / FOLDER).resolve()
    own = not os.environ.get("DATABASE_URL")
    if fresh and not own:
        raise BadInput("--fresh throws away only the demonstration's own database: unset DATABASE_URL.")
    if fresh and folder.exists():
        shutil.rmtree(folder)
    django_setup.private_files()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(QIPAN_VAR=str(folder), QIPAN_DEMO="1")
    os.environ.setdefault("QIPAN_KEYS", str(folder / "keys"))
    return folder


class _Bars:
    """Progress on standard error, a bar a stage, only on a terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __call__(self, what: str, done: int, whole: int) -> None:
        from django.utils.translation import gettext
        from tqdm import tqdm

        if what != self._stage:
            self.close()
            self._stage = what
            self._bar = tqdm(total=whole, desc=gettext(what), disable=not sys.stderr.isatty(), file=sys.stderr)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def run(arguments: argparse.Namespace) -> int:
    """Build or open the city, run the days that are missing, print the summary, serve unless --no-serve."""
    start = perf_counter()
    from qipan.demo.layout import SMALLEST

    if arguments.days < 0:
        raise BadInput("--days cannot be negative.")
    # asked before --fresh throws anything away
    if arguments.people is not None and arguments.people < SMALLEST:
        raise BadInput("A demonstration needs at least %(least)s people.", least=SMALLEST)
    folder = _prepare(arguments.fresh)
    if not arguments.no_serve:
        # asked before minutes are spent on building
        serve.prepare(serve.HOST, arguments.port)
    django_setup.setup()
    if not arguments.no_serve:
        serve.check_files()
    from qipan.demo import city as demo
    from qipan.demo.accounts import passwords_make
    from qipan.demo.summary import summary
    from qipan.foundation import crypto

    init.migrate()
    crypto.keys_create()
    bars = _Bars()
    city = demo.city_open(folder)
    if city is None:
        demo.require_empty()
        city = demo.city_build(
            people=PEOPLE if arguments.people is None else arguments.people,
            seed=SEED if arguments.seed is None else arguments.seed,
            folder=folder,
            progress=bars,
        )
    for name, given, built in (
        ("--people", arguments.people, city.state.people), ("--seed", arguments.seed, city.state.seed),
    ):  # fmt: skip
        if given not in (None, built):
            raise BadInput(
                "The city was built with %(name)s %(built)s: --fresh builds another.", name=name, built=built
            )
    demo.days_run(city, days=arguments.days, progress=bars)
    bars.close()
    os.environ["QIPAN_NOW"] = demo.today_close(city).isoformat()
    report = summary(at=demo.today_close(city), anchors=folder / "anchors" / "log.jsonl")
    report["seconds"] = round(perf_counter() - start, 1)
    if not arguments.no_serve:
        del os.environ["QIPAN_NOW"]
        os.environ["QIPAN_NOW_FROM"] = clock.starting_from(demo.now_of(city))
        report["accounts"] = passwords_make(clock.now())
        report["url"] = serve.url_of(serve.HOST, arguments.port)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False), flush=True)
    else:
        _say(report, folder)
    if not arguments.no_serve:
        _serve(arguments.port)
    return 0


def _serve(port: int) -> None:
    """Become `qipan serve`: a fresh process, because this one has used threads that no fork survives."""
    os.environ["QIPAN_SECOND_FACTOR"] = "off"
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "qipan", "serve", "--host", serve.HOST, "--port", str(port), "--quiet"]
    os.execv(sys.executable, command)  # noqa: S606 - ourselves


def _say(report: dict[str, Any], folder: Path) -> None:
    from django.utils.translation import gettext as _

    accounts, url = report.pop("accounts", None), report.pop("url", "")
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(
                f"{key} {_counts(part)}" if isinstance(part, dict) else f"{key} {part}" for key, part in value.items()
            )
        print(f"{name}: {value}")
    print(_("The demonstration lies in %(folder)s; all its people are made up.") % {"folder": folder})
    names = ("QIPAN_VAR", "QIPAN_DEMO", "QIPAN_NOW", "QIPAN_NOW_FROM")
    settings = " ".join(f"{name}='{os.environ[name]}'" for name in names if name in os.environ)
    print(_("Other commands find it with: %(settings)s") % {"settings": settings})
    if accounts is None:
        print(_("Without --no-serve its pages are served."))
        return
    print(_("Accounts, one a role, with passwords that were made now and are shown this once:"))
    for account in accounts:
        print(f"  {account['name']:<20}{account['password']:<24}{account['role']}")
    print(_("Open %(url)s and sign in with one of them; Ctrl-C ends it.") % {"url": url}, flush=True)


def _counts(part: dict[str, Any]) -> str:
    return "(" + ", ".join(f"{key} {count}" for key, count in part.items() if count) + ")"
