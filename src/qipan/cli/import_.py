"""``qipan import``: files in; templates, rejects, resuming and taking back."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qipan.cli.django_setup import actor_named, setup
from qipan.foundation import clock
from qipan.terms.errors import BadInput, Refused

if TYPE_CHECKING:
    from qipan.foundation.intake.services import ImportResult

_SHOWN = 20


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("import", help="take a file in (CSV, XLSX, Parquet, JSON lines)")
    parser.add_argument("kind", nargs="?", metavar="KIND", help="what the file holds; --kinds lists them")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument("--source", metavar="NAME", help="who sent it: identities count within a source")
    parser.add_argument("--as", dest="user", metavar="USER", help="the account that acts")
    parser.add_argument("--map", dest="mapping", metavar="FILE", help="mapping of columns: a TOML file or its name")
    parser.add_argument("--dry-run", action="store_true", help="check everything, store nothing")
    parser.add_argument("--what-if", action="store_true", help="let times in the future pass")
    parser.add_argument("--confirm-rows", type=int, metavar="N", help="the number of rows that the sender counted")
    parser.add_argument("--all-or-nothing", action="store_true", help="refuse the whole file at one wrong row")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--kinds", action="store_true", help="list the kinds of file")
    other.add_argument("--template", metavar="KIND", help="write an empty file with headers (FILE, or KIND.csv)")
    other.add_argument("--void", type=int, metavar="BATCH", help="take a wrong batch back, as new facts")
    other.add_argument("--resume", type=int, metavar="BATCH", help="go on with an interrupted batch")
    other.add_argument("--rejects", nargs=2, metavar=("BATCH", "OUT"), help="write a batch's rejected rows as CSV")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    setup()
    from qipan.foundation.intake import exporting, kinds, services

    if arguments.kinds:
        for kind in kinds.file_kinds():
            print(f"{kind.name}\t{kind.title}\t{', '.join(column.name for column in kind.columns)}")
        return 0
    if arguments.template:
        # the only word beside the option is a file name, whatever its position
        path = Path(arguments.file or arguments.kind or f"{arguments.template}.csv")
        if path.exists():
            raise Refused("%(file)s exists.", file=path)
        exporting.template_write(kind=arguments.template, path=path)
        print(path)
        return 0
    at = clock.now()
    actor = actor_named(arguments.user)
    if arguments.void is not None:
        counts = services.batch_void(actor=actor, batch_id=arguments.void, at=at)
        document = {"batch": arguments.void, "state": "voided", "counts": counts}
        words = f"batch {arguments.void} voided: {counts}"
        print(json.dumps(document, ensure_ascii=False) if arguments.json else words)
        return 0
    if arguments.rejects:
        batch, out = arguments.rejects
        if not batch.isdigit():
            raise BadInput("%(batch)s is not the number of a batch.", batch=batch)
        rows = exporting.rejects_export(actor=actor, batch_id=int(batch), path=Path(out), at=at)
        print(json.dumps({"batch": int(batch), "rows": rows}) if arguments.json else f"{rows} rows → {out}")
        return 0
    with _Progress() as progress:
        if arguments.resume is not None:
            result = services.batch_resume(actor=actor, batch_id=arguments.resume, at=at, progress=progress)
        elif arguments.kind and arguments.file and arguments.source:
            result = services.file_import(
                actor=actor, kind=arguments.kind, path=arguments.file, source=arguments.source, at=at,
                mapping=arguments.mapping, dry_run=arguments.dry_run, what_if=arguments.what_if,
                confirm_rows=arguments.confirm_rows, all_or_nothing=arguments.all_or_nothing, progress=progress,
            )  # fmt: skip
        else:
            raise BadInput("qipan import needs KIND, FILE and --source NAME.")
    if arguments.json:
        print(json.dumps(result.as_json(), ensure_ascii=False, default=str))
    else:
        _print(result)
    return 0


def _print(result: "ImportResult") -> None:
    name = "dry run" if result.batch is None else f"batch {result.batch}"
    print(
        f"{name}, {result.kind} from {result.source}: {result.declared} declared = {result.accepted} accepted + "
        f"{result.rejected} rejected + {result.duplicate} duplicate; {result.state}"
    )
    if result.columns_aside:
        print(f"columns kept aside: {', '.join(result.columns_aside)}")
    if result.blank:
        print(f"empty rows: {result.blank}")
    for reject in result.rejects[:_SHOWN]:
        print(f"row {reject['row']}, {reject['column'] or '-'}: {reject['reason']}")
    if len(result.rejects) > _SHOWN and result.batch is not None:
        print(f"… and {len(result.rejects) - _SHOWN} more: qipan import --rejects {result.batch} rejects.csv")


class _Progress:
    """Two bars on standard error, on a terminal only."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._phase = ""

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        if not sys.stderr.isatty():
            return
        if phase != self._phase:
            from tqdm import tqdm

            if self._bar is not None:
                self._bar.close()
            self._phase = phase
            self._bar = tqdm(total=total, desc=phase, unit="row" if phase == "check" else "chunk")
        self._bar.update(done - self._bar.n)
