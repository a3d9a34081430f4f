#!/usr/bin/env python3
"""Verify a log of qipan independently of it: standard library only, nothing of the application.

    python3 verify_log.py LOG [--anchor FILE] [--json]

LOG is an export (`qipan audit export`, one JSON object a line) or an SQLite database file. The canonical form
of an entry is repeated here on purpose: a verifier that shared the application's code would share its errors.

A chain alone proves that nothing was edited, taken out or reordered by somebody who did not also compute the
hashes anew. It cannot show that the end was cut off or that all hashes were recomputed: that takes anchors,
heads of the log (seq, hash) that were handed to somebody outside the operator's control. FILE holds such
anchors, one JSON object a line. Exit code 0: the log verifies; 1: it does not; 2: it cannot be read.
"""

import argparse
import gc
import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

GENESIS = "0" * 64
FIELDS = (
    "seq", "at", "actor_user_id", "actor_unit_id", "actor_label", "action", "subject_kind", "subject_id",
    "area_path", "purpose", "detail", "write_id",
)  # fmt: skip
#: So many findings are told; the rest is counted.
TOLD = 20

_plain = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_make = getattr(json.encoder, "c_make_encoder", None)
# What `_plain.encode` does, made once and not for every entry: a third of the time of the whole.
_chunks = _make and _make(None, _plain.default, json.encoder.encode_basestring, None, ":", ",", True, False, True)
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class Unreadable(Exception):
    """The log or the anchors cannot be read at all."""


def _canonical(body: dict[str, Any]) -> str:
    return "".join(_chunks(body, 0)) if _chunks else _plain.encode(body)


def check_chain(entries: Iterable[Mapping[str, Any]], anchors: Mapping[int, str]) -> dict[str, Any]:
    """Follow the chain through entries (mappings of FIELDS, `prev_hash` and `hash`; `at` as canonical text).

    Returns {"verified", "entries", "head": {"seq", "hash"}, "anchors", "findings": [text], "more"}.
    """
    findings: list[str] = []
    more = 0
    count = 0
    expected = 1
    previous = GENESIS
    met = {0} if anchors.get(0) == GENESIS else set()
    sha256 = hashlib.sha256

    def tell(text: str) -> None:
        nonlocal more
        if len(findings) < TOLD:
            findings.append(text)
        else:
            more += 1

    for entry in entries:
        count += 1
        body = dict(entry)  # whatever is beside the two hashes is under the hash: nothing can be smuggled in
        prev_hash, own_hash, seq = body.pop("prev_hash"), body.pop("hash"), body["seq"]
        if seq != expected:
            tell(f"entry {expected} is missing or out of place: found {seq}")
        if prev_hash != previous:
            tell(f"entry {seq} does not follow from the entry before it")
        if sha256((prev_hash + _canonical(body)).encode()).hexdigest() != own_hash:
            tell(f"entry {seq} was changed: its hash does not fit its content")
        if seq in anchors:
            met.add(seq)
            if anchors[seq] != own_hash:
                tell(f"entry {seq} is not the one that was anchored")
        previous = own_hash
        expected = seq + 1
    for seq in sorted(set(anchors) - met):
        tell(f"the log no longer holds entry {seq}, which was anchored")
    return {
        "verified": not findings,
        "entries": count,
        "head": {"seq": expected - 1, "hash": previous},
        "anchors": len(anchors),
        "findings": findings,
        "more": more,
    }


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a JSON-lines export, in file order."""
    needed = {*FIELDS, "prev_hash", "hash"}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry, end = _scan(line, 0)
                whole = entry.keys() >= needed and type(entry["seq"]) is int and line[end:] in ("\n", "")
                whole = whole and type(entry["prev_hash"]) is str
            except (ValueError, AttributeError, StopIteration, RecursionError):
                raise Unreadable(f"{path}: line {number} is not an entry") from None
            if not whole:
                raise Unreadable(f"{path}: line {number} is not an entry")
            yield entry


def _canonical_at(text: str) -> str:
    day, _, time = text.partition(" ")
    whole, _, fraction = time.partition(".")
    return f"{day}T{whole}.{fraction:0<6}Z"


def read_sqlite(path: Path) -> Iterator[dict[str, Any]]:
    """The entries in an SQLite database of qipan, by number. Opens it for reading only."""
    columns = (*FIELDS, "prev_hash", "hash")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM audit_auditentry ORDER BY seq")  # noqa: S608
        for row in rows:
            entry = dict(zip(columns, row, strict=True))
            entry["at"] = _canonical_at(entry["at"])
            entry["detail"] = json.loads(entry["detail"])
            yield entry
        connection.close()
    except (sqlite3.Error, ValueError) as error:
        raise Unreadable(f"{path}: {error}") from None


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a log in either form. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    return read_sqlite(path) if start == b"SQLite format 3\0" else read_lines(path)


def read_anchors(path: Path) -> dict[int, str]:
    """seq -> hash of an anchor file. Raises Unreadable, also where two anchors contradict each other."""
    anchors: dict[int, str] = {}
    number = 0
    try:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.strip():
                anchor = json.loads(line)
                if type(anchor["seq"]) is not int or type(anchor["hash"]) is not str:
                    raise ValueError
                if anchors.setdefault(anchor["seq"], anchor["hash"]) != anchor["hash"]:
                    raise Unreadable(f"{path}: line {number} contradicts an earlier line")
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not a text in UTF-8, so no anchors") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unreadable(f"{path}: line {number} is not an anchor") from None
    if not anchors:
        raise Unreadable(f"{path}: there is no anchor in it")
    return anchors


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Verify a log of qipan, without qipan.")
    parser.add_argument("log", type=Path, help="an export (JSON lines) or an SQLite database file")
    parser.add_argument("--anchor", type=Path, help="anchors, one JSON object a line: seq, hash, at")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args(argv)
    try:
        anchors = read_anchors(arguments.anchor) if arguments.anchor else {}
        gc.disable()  # entries hold no cycles
        report = check_chain(read_log(arguments.log), anchors)
    except (Unreadable, UnicodeError) as error:
        print(f"verify_log: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(report))
    else:
        for finding in report["findings"]:
            print(finding)
        if report["more"]:
            print(f"and {report['more']} more")
        state = "verified" if report["verified"] else "DOES NOT VERIFY"
        print(f"{report['entries']} entries, {report['anchors']} anchors: {state}")
        print(f"head {report['head']['seq']} {report['head']['hash']}")
        if not anchors:
            print("No anchor given: a log that was cut at its end, or chained anew, looks the same.")
    return 0 if report["verified"] else 1


if __name__ == "__main__":
    sys.exit(main())
