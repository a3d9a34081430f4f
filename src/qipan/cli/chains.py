"""``qipan chains``: transmission chains of a case list and a contact list, without a database."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from qipan.kernels.chains.statistics import ChainStatistics, chain_statistics
from qipan.terms.errors import BadInput

_CASE_COLUMNS = ("case_id", "onset_date", "person_id", "source_case_id")
_CONTACT_COLUMNS = ("from_case_id", "to_case_id", "to_person_id")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options (INTERFACES)."""
    parser = subparsers.add_parser("chains", help="transmission chains and their statistics")
    parser.add_argument("--cases", type=Path, required=True, metavar="FILE", help="line list, CSV or Parquet")
    parser.add_argument(
        "--contacts",
        type=Path,
        metavar="FILE",
        help="contact list, CSV or Parquet; may be left out where the line list has source_case_id",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write one row a pair, CSV or Parquet")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, compute, print. Raises BadInput naming file, row and column; returns the exit code."""
    cases = _read(args.cases, _CASE_COLUMNS, required=("case_id",))
    _check_cases(args.cases, cases)
    if args.contacts is None and "source_case_id" not in cases.columns:
        raise BadInput(
            "%(file)s has no column source_case_id: name the contacts with --contacts.", file=str(args.cases)
        )
    onset = _dates(args.cases, cases, "onset_date")
    pairs, counts = _pairs_of_cases(cases)
    if args.contacts is not None:
        contacts = _read(args.contacts, _CONTACT_COLUMNS, required=("from_case_id",))
        named, others = _pairs_of_contacts(args.contacts, contacts, cases)
        pairs = pl.concat([pairs, named])
        counts |= {"contacts": len(contacts), "contacts_not_cases": others}
    statistics = chain_statistics(cases.select("case_id").with_columns(onset_date=onset), pairs)
    if args.out is not None:
        _write(args.out, statistics.table)
    document = statistics.as_json() | counts
    print(json.dumps(document, ensure_ascii=False) if args.json else _in_words(statistics, counts))
    return 0


def _read(path: Path, known: tuple[str, ...], *, required: tuple[str, ...]) -> pl.DataFrame:
    """The file as text columns, blanks as null; dates of a Parquet file become ISO text again."""
    if not path.is_file():
        raise BadInput("There is no file %(file)s.", file=str(path))
    try:
        if path.suffix.lower() == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except OSError as error:
        raise BadInput(
            "%(file)s cannot be read: %(why)s.", file=str(path), why=error.strerror or str(error)
        ) from None
    except PolarsError as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise BadInput("%(file)s cannot be read: %(why)s.", file=str(path), why=why) from None
    for column in required:
        if column not in frame.columns:
            raise BadInput("%(file)s has no column %(column)s.", file=str(path), column=column)
    frame = frame.with_columns(pl.all().cast(pl.String).str.strip_chars())
    frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
    aside = [column for column in frame.columns if column not in known]
    if aside:
        print(f"{path}: not used here: {', '.join(aside)}", file=sys.stderr)
    return frame.select(column for column in frame.columns if column in known)


def _first_row(marked: pl.Series) -> int | None:
    """Position of the first marked row of data, from 0; None without one."""
    where = marked.fill_null(value=False).arg_true()
    return int(where[0]) if len(where) else None


def _number_of(path: Path, row: int) -> int:
    """A row's number as `qipan import` counts: a CSV's header is row 1, a Parquet file has none."""
    return row + (1 if path.suffix.lower() == ".parquet" else 2)


def _check_cases(path: Path, cases: pl.DataFrame) -> None:
    row = _first_row(cases["case_id"].is_null())
    if row is not None:
        raise BadInput("%(file)s, row %(row)s, column case_id: empty.", file=str(path), row=_number_of(path, row))
    row = _first_row(~cases["case_id"].is_first_distinct())
    if row is not None:
        raise BadInput(
            "%(file)s, row %(row)s, column case_id: %(value)s is there twice.",
            file=str(path),
            row=_number_of(path, row),
            value=cases["case_id"][row],
        )


def _dates(path: Path, frame: pl.DataFrame, column: str) -> pl.Series:
    """A column of ISO dates; null where the file has none."""
    if column not in frame.columns:
        return pl.Series(column, [None] * len(frame), dtype=pl.Date)
    text = frame[column]
    dates = text.str.to_date("%Y-%m-%d", strict=False, exact=True)
    row = _first_row(dates.is_null() & text.is_not_null())
    if row is not None:
        raise BadInput(
            "%(file)s, row %(row)s, column %(column)s: %(value)s is not a date (YYYY-MM-DD).",
            file=str(path),
            row=_number_of(path, row),
            column=column,
            value=text[row],
        )
    return dates


def _no_pairs() -> pl.DataFrame:
    return pl.DataFrame(schema={"from_case_id": pl.String, "to_case_id": pl.String})


def _pairs_of_cases(cases: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Pairs of a line list that names its sources. A source outside the list (another city's case) makes no
    pair and is counted as `unknown_sources`.
    """
    if "source_case_id" not in cases.columns:
        return _no_pairs(), {}
    named = cases.filter(pl.col("source_case_id").is_not_null())
    inside = named.filter(pl.col("source_case_id").is_in(cases["case_id"].implode()))
    pairs = inside.select(from_case_id="source_case_id", to_case_id="case_id")
    return pairs, {"unknown_sources": len(named) - len(inside)}


def _pairs_of_contacts(path: Path, contacts: pl.DataFrame, cases: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Pairs of a contact list, and how many of its rows name a person who is no case.

    A contact given by `to_person_id` is a case where the line list has that person.
    """
    for column in ("to_case_id", "to_person_id"):
        if column not in contacts.columns:
            contacts = contacts.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    row = _first_row(contacts["to_case_id"].is_null() & contacts["to_person_id"].is_null())
    if row is not None:
        raise BadInput(
            "%(file)s, row %(row)s, column to_case_id: neither a case nor a person is named.",
            file=str(path),
            row=_number_of(path, row),
        )
    for column in ("from_case_id", "to_case_id"):
        known = contacts[column].is_in(cases["case_id"].implode())
        required = column == "from_case_id"
        row = _first_row(~known | contacts[column].is_null() if required else ~known)
        if row is not None:
            raise BadInput(
                "%(file)s, row %(row)s, column %(column)s: %(value)s is not in the case list.",
                file=str(path),
                row=_number_of(path, row),
                column=column,
                value=contacts[column][row] or "",
            )
    if "person_id" in cases.columns:
        people = cases.filter(pl.col("person_id").is_not_null()).unique(
            "person_id", keep="first", maintain_order=True
        )
        contacts = contacts.join(
            people.select(to_person_id="person_id", case_of_person="case_id"),
            on="to_person_id",
            how="left",
            maintain_order="left",
        ).with_columns(pl.coalesce("to_case_id", "case_of_person").alias("to_case_id"))
    pairs = contacts.filter(pl.col("to_case_id").is_not_null()).select("from_case_id", "to_case_id")
    return pairs, len(contacts) - len(pairs)


def _write(path: Path, table: pl.DataFrame) -> None:
    try:
        if path.suffix.lower() == ".parquet":
            table.write_parquet(path)
        else:
            table.write_csv(path)
    except OSError as error:
        raise BadInput(
            "%(file)s cannot be written: %(why)s.", file=str(path), why=error.strerror or str(error)
        ) from None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _in_words(statistics: ChainStatistics, counts: dict[str, Any]) -> str:
    si, r = statistics.serial_interval, statistics.reproduction
    # a missing bound means that the data do not exclude a Poisson distribution
    k_high = "∞" if r.k_low is not None and r.k_high is None else _number(r.k_high)
    k = "∞" if r.k_low is not None and r.k is None else _number(r.k)
    lines = [
        f"cases                {statistics.cases} ({statistics.unlinked} in no pair)",
        f"pairs                {statistics.pairs}",
        f"chains               {statistics.chains} (largest {statistics.largest_chain} cases)",
        f"generations          {statistics.generations} (cases in each: "
        + " ".join(map(str, statistics.generation_sizes))
        + ")",
        f"serial interval      n {si.n}, mean {_number(si.mean)} d, sd {_number(si.sd)}, "
        f"negative {si.negative}",
        f"reproduction number  mean {_number(r.mean)}, k {k} (95% {_number(r.k_low)} to {k_high})",
    ]
    odd = {
        "cases with more than one infector": statistics.multiple_infectors,
        "closed circles": len(statistics.circles),
        "cases that no primary case reaches": statistics.without_generation,
        "rows that name one case twice": statistics.self_links,
        "rows that repeat a pair": statistics.repeated,
        "sources outside the case list": counts.get("unknown_sources", 0),
        "contacts who are no case": counts.get("contacts_not_cases", 0),
    }
    lines += [f"{name}: {number}" for name, number in odd.items() if number]
    return "\n".join(lines)
