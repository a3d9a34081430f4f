"""Splitting a ledger into parts that can be decided apart (a process each, or a cluster), and putting them together."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from qipan.rulebooks.population import PopulationResult


@dataclass(frozen=True, slots=True)
class Part:
    """The evidence that deciding `persons` needs: theirs, and that of the persons linked to them."""

    frame: pl.DataFrame
    persons: pl.Series


def partition(frame: pl.DataFrame | pl.LazyFrame, parts: int) -> list[Part]:
    """At most `parts` parts of a ledger by a hash of the person; every person is decided in exactly one.

    A linked person's evidence travels with everybody who depends on it, so that parts need not talk.
    """
    lazy = frame.lazy()
    found = []
    for number in range(parts):
        mine = pl.col("person_id").hash(seed=7) % parts == number
        own = lazy.filter(mine)
        if "linked_person_id" in lazy.collect_schema():
            linked = own.select(person_id="linked_person_id").drop_nulls().unique()
            carried = lazy.filter(~mine).join(linked, on="person_id", how="semi")
            rows = pl.concat([own, carried]).collect()
        else:
            rows = own.collect()
        persons = rows.filter(mine)["person_id"].unique()
        if len(persons):
            found.append(Part(rows, persons))
    return found


def merge(results: Sequence[PopulationResult]) -> PopulationResult:
    """One result from those of the parts of one ledger, decided by one book at one moment.

    Raises ValueError for none, or for results of different books, tables or moments.
    """
    if len({(result.rulebook, result.tables, result.moment) for result in results}) != 1:
        raise ValueError("results of one book, one revision and one moment")
    first = results[0]
    decisions = pl.concat([result.decisions for result in results]).sort("person_id")
    return PopulationResult(
        first.rulebook, first.tables, first.moment, decisions, sum(result.not_yet for result in results)
    )
