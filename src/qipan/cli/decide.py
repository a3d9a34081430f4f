"""``qipan decide``: decisions for everybody in an evidence file, without a database."""

import argparse
import json
import os
import resource
import sys
from datetime import datetime
from pathlib import Path

import polars as pl

from qipan.cli.evidence_file import scan_evidence
from qipan.rulebooks.explain import explain_decision
from qipan.rulebooks.jsonform import orders_from_json, reasons_from_json
from qipan.rulebooks.loader import load_book
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.population import PopulationResult, decide_population
from qipan.rulebooks.tables import EMPTY_TABLES
from qipan.terms.decisions import Decision
from qipan.terms.errors import BadInput
from qipan.terms.evidence import VALUE_KEYS, EvidenceKind, HealthCode


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options (INTERFACES)."""
    parser = subparsers.add_parser("decide", help="decisions for every person in an evidence file")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="CSV or Parquet, the table `evidence`")
    parser.add_argument("--rulebook", metavar="ID", help="a shipped rulebook's id, or a rulebook file")
    parser.add_argument("--at", metavar="INSTANT", help="the moment, with an offset: 2022-07-20T12:00:00+08:00")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write one row a person, CSV or Parquet")
    parser.add_argument("--explain", action="store_true", help="add the reasons in plain words")
    parser.add_argument(
        "--what-if", action="store_true", help="allow a moment at which the rulebook is not in force"
    )
    parser.add_argument("--kinds", action="store_true", help="list the kinds of evidence and their keys")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, decide, write, print. Raises BadInput naming file, row and column; returns the exit code."""
    if args.kinds:
        return _print_kinds(as_json=args.json)
    for option in ("evidence", "rulebook", "at"):
        if getattr(args, option) is None:
            raise BadInput("--%(option)s is missing.", option=option)
    moment = parse_instant(args.at)
    book = load_book(args.rulebook)
    if not args.what_if and not book.in_force_at(moment):
        raise BadInput(
            "%(book)s is in force from %(start)s until %(end)s (excluded), not at %(at)s. For a trial add --what-if.",
            book=book.id, start=book.effective_from, end=book.effective_until or "…", at=args.at,
        )  # fmt: skip
    if args.out is not None and not args.out.parent.is_dir():
        raise BadInput("There is no folder %(folder)s.", folder=str(args.out.parent))
    result = decide_population(book, EMPTY_TABLES, scan_evidence(args.evidence), moment)
    table = result.decisions
    if args.explain:
        table = _explained(book, result)
    if args.out is not None:
        _write(args.out, table)
    summary = _summary(book, result, args.at)
    if args.json:
        if args.explain and args.out is None:
            told = table.filter(pl.col("explanation") != "").select("person_id", "explanation")
            summary["explanations"] = {str(person): text.split("\n") for person, text in told.iter_rows()}
        print(json.dumps(summary, ensure_ascii=False))
    else:
        _print_words(summary)
        if args.explain and args.out is None:
            for person, code, text in table.select("person_id", "code", "explanation").iter_rows():
                print(f"{person}: {code}" + (f"\n  {text.replace(chr(10), chr(10) + '  ')}" if text else ""))
    return 0


def parse_instant(text: str) -> datetime:
    """An aware instant; BadInput for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    # centuries beyond which calendars and numbers of days give out
    if moment is None or moment.tzinfo is None or not 1900 <= moment.year < 3000:
        raise BadInput("--at %(value)s is not an instant with an offset (2022-07-20T12:00:00+08:00).", value=text)
    return moment


def _print_kinds(*, as_json: bool) -> int:
    if as_json:
        kinds = [
            {"kind": kind.value, "required": list(VALUE_KEYS[kind][0]), "optional": list(VALUE_KEYS[kind][1])}
            for kind in EvidenceKind
        ]
        print(json.dumps(kinds))
        return 0
    for kind in EvidenceKind:
        required, optional = VALUE_KEYS[kind]
        keys = ", ".join([*required, *(f"[{key}]" for key in optional)])
        print(f"{kind.value:<11} {keys}".rstrip())
    return 0


def _summary(book: Rulebook, result: PopulationResult, at: str) -> dict[str, object]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rulebook": book.id,
        "at": at,
        "persons": result.decisions.height,
        "not_yet": result.not_yet,
        "codes": result.codes(),
        "orders": result.orders_binding(book),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }


def _print_words(summary: dict[str, object]) -> None:
    for key, value in summary.items():
        text = ", ".join(f"{k} {n}" for k, n in value.items()) if isinstance(value, dict) else value
        print(f"{key}: {text}")


def _explained(book: Rulebook, result: PopulationResult) -> pl.DataFrame:
    """The decisions with a column `explanation`: one line an order, in the reader's language (QIPAN_LANGUAGE)."""
    language = os.environ.get("QIPAN_LANGUAGE", "en")
    texts = []
    for person, code, orders, reasons, change in result.decisions.iter_rows():
        if orders == "[]" and reasons == "[]":
            texts.append("")
            continue
        decision = Decision(
            str(person), book.id, result.tables, result.moment, HealthCode(code), orders_from_json(orders),
            reasons_from_json(reasons), change,
        )  # fmt: skip
        texts.append("\n".join(explain_decision(book, decision, language)))
    return result.decisions.with_columns(explanation=pl.Series(texts, dtype=pl.String))


def _write(path: Path, table: pl.DataFrame) -> None:
    try:
        if path.suffix.lower() == ".parquet":
            table.write_parquet(path)
        else:
            table.with_columns(pl.col("next_change_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(path)
    except OSError as error:
        raise BadInput(
            "%(file)s cannot be written: %(why)s.", file=str(path), why=error.strerror or str(error)
        ) from None
    print(f"{path}: {table.height} rows", file=sys.stderr)
