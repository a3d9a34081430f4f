"""The public wrapper: a line list and its pairs in, the statistics of the chains out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from qipan.kernels.chains.graph import NO_GENERATION, circles, components, generations
from qipan.kernels.chains.intervals import SerialInterval, serial_interval
from qipan.kernels.chains.offspring import Reproduction, estimate


@dataclass(frozen=True, slots=True)
class ChainStatistics:
    """What `chain_statistics` found. Nothing is dropped in silence: what cannot count is counted apart.

    chains: connected sets of two or more cases; unlinked: cases in no pair; generations: how many
    generations the longest chain has, its primary case being the first; generation_sizes: cases a generation
    over all linked and unlinked cases; self_links: rows that name one case twice, left out; repeated: rows
    that repeat a pair; multiple_infectors: cases with more than one; circles: lists of case ids that infect
    each other in a ring; without_generation: cases on or behind a ring that no primary case reaches.
    """

    cases: int
    pairs: int
    chains: int
    largest_chain: int
    unlinked: int
    generations: int
    generation_sizes: tuple[int, ...]
    serial_interval: SerialInterval
    reproduction: Reproduction
    self_links: int
    repeated: int
    multiple_infectors: int
    circles: tuple[tuple[str, ...], ...]
    without_generation: int
    #: one row a pair: from_case_id, to_case_id, chain (its number, from 1, largest chain first), generation
    #: (of the infectee; null: none), serial_interval (days; null: an onset unknown), circle (in a ring?)
    table: pl.DataFrame

    def as_json(self) -> dict[str, Any]:
        """The document of ``qipan chains --json`` (INTERFACES)."""
        si, r = self.serial_interval, self.reproduction
        return {
            "cases": self.cases,
            "pairs": self.pairs,
            "chains": self.chains,
            "generations": self.generations,
            "serial_interval": {"n": si.n, "mean": si.mean, "sd": si.sd, "negative": si.negative},
            "reproduction": {"mean": r.mean, "k": r.k, "k_low": r.k_low, "k_high": r.k_high},
            "largest_chain": self.largest_chain,
            "unlinked": self.unlinked,
            "generation_sizes": list(self.generation_sizes),
            "self_links": self.self_links,
            "repeated": self.repeated,
            "multiple_infectors": self.multiple_infectors,
            "circles": [list(circle) for circle in self.circles],
            "without_generation": self.without_generation,
        }


def chain_statistics(cases: pl.DataFrame, pairs: pl.DataFrame) -> ChainStatistics:
    """Statistics of the transmission chains in `pairs` among `cases`.

    cases: `case_id` (text, unique), `onset_date` (date, may be null). pairs: `from_case_id` (infector),
    `to_case_id` (infectee), text; both must be in `cases`. Raises ValueError(`duplicate_case`,
    `unknown_case`) where they are not.
    """
    ids = cases["case_id"].cast(pl.String)
    if ids.n_unique() != len(ids):
        raise ValueError("duplicate_case")
    n = len(ids)
    index = pl.DataFrame({"case_id": ids, "i": np.arange(n, dtype=np.int64)})
    linked = pairs.select(pl.col("from_case_id", "to_case_id").cast(pl.String))
    for name, end in (("from_case_id", "tail"), ("to_case_id", "head")):
        numbers = index.rename({"case_id": name, "i": end})
        linked = linked.join(numbers, on=name, how="left", maintain_order="left")
    if linked["tail"].null_count() or linked["head"].null_count():
        raise ValueError("unknown_case")
    proper = linked.filter(pl.col("tail") != pl.col("head"))
    distinct = proper.unique(subset=["tail", "head"], maintain_order=True)
    tail, head = distinct["tail"].to_numpy(), distinct["head"].to_numpy()

    onset_days = cases["onset_date"].cast(pl.Date).to_physical().cast(pl.Float64)
    onset = onset_days.fill_null(float("nan")).to_numpy()
    days = onset[head] - onset[tail]
    label = components(n, tail, head)
    generation = generations(n, tail, head)
    rings = circles(n, tail, head)
    on_ring = np.full(n, -1, dtype=np.int64)
    for number, ring in enumerate(rings):
        on_ring[ring] = number

    sizes = np.bincount(label, minlength=n) if n else np.empty(0, dtype=np.int64)
    roots = np.flatnonzero(sizes > 1)
    roots = roots[np.argsort(-sizes[roots], kind="stable")]
    chain_number = np.zeros(n, dtype=np.int64)
    chain_number[roots] = np.arange(1, roots.size + 1)
    reached = generation[generation != NO_GENERATION]
    table = distinct.select("from_case_id", "to_case_id").with_columns(
        chain=pl.Series(chain_number[label[head]], dtype=pl.Int64),
        generation=pl.Series(generation[head], dtype=pl.Int64).replace(NO_GENERATION, None),
        serial_interval=pl.Series(days, dtype=pl.Float64).fill_nan(None).cast(pl.Int64),
        circle=pl.Series((on_ring[tail] >= 0) & (on_ring[tail] == on_ring[head]), dtype=pl.Boolean),
    )
    return ChainStatistics(
        cases=n,
        pairs=len(distinct),
        chains=int(roots.size),
        largest_chain=int(sizes.max()) if roots.size else 0,
        unlinked=int((sizes == 1).sum()),
        generations=int(reached.max()) + 1 if reached.size else 0,
        generation_sizes=tuple(np.bincount(reached).tolist()) if reached.size else (),
        serial_interval=serial_interval(days),
        reproduction=estimate(np.bincount(tail, minlength=n)),
        self_links=len(linked) - len(proper),
        repeated=len(proper) - len(distinct),
        multiple_infectors=int((np.bincount(head, minlength=n) > 1).sum()),
        circles=tuple(tuple(ids[i] for i in ring.tolist()) for ring in rings),
        without_generation=int((generation == NO_GENERATION).sum()),
        table=table,
    )
