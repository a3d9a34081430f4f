"""The ledger that `qipan bench decide` evaluates: seeded, made in chunks, written as one Parquet file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

MOMENT = datetime(2022, 7, 20, 4, 0, tzinfo=UTC)
_CHUNK = 1_000_000
_HOUR = np.int64(3_600_000_000)
_START = np.int64(int(datetime(2022, 7, 1, tzinfo=UTC).timestamp()) * 1_000_000)
#: per person: tests (nearly everybody one or two), and the share of persons with each other kind
_SHARES = {"close": 0.004, "secondary": 0.006, "positive": 0.0006, "diagnosis": 0.0004, "abroad": 0.002,
           "domestic": 0.02, "recovery": 0.0002, "correction": 0.0003}  # fmt: skip


def write_ledger(path: Path, people: int, seed: int) -> int:
    """Write the evidence of `people` persons (ids from 1) to `path`; returns the number of rows."""
    parts = []
    rows = 0
    for number, start in enumerate(range(0, people, _CHUNK)):
        size = min(_CHUNK, people - start)
        part = path.with_name(f"{path.stem}.part{number}.parquet")
        frame = _chunk(np.random.Generator(np.random.PCG64([seed, number])), start, size, rows)
        frame.write_parquet(part, row_group_size=250_000)
        rows += frame.height
        parts.append(part)
    pl.scan_parquet(parts).sink_parquet(path, row_group_size=250_000)
    for part in parts:
        part.unlink()
    return rows


def _instants(rng: np.random.Generator, size: int, days: int = 20) -> np.ndarray:
    return _START + rng.integers(0, 24 * days, size) * _HOUR


def _day_text(micros: np.ndarray) -> pl.Series:
    return pl.Series(micros).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d")


def _chunk(rng: np.random.Generator, start: int, size: int, first_id: int) -> pl.DataFrame:
    everyone = np.arange(start + 1, start + size + 1, dtype=np.int64)

    def some(share: float) -> np.ndarray:
        return np.sort(rng.choice(everyone, max(1, int(size * share)), replace=False))

    tests = np.repeat(everyone, rng.choice([0, 1, 2], size, p=[0.05, 0.5, 0.45]))
    made = [_rows(tests, "test", _instants(rng, len(tests)), ['{"result":"negative","method":"pcr"}'])]
    close, secondary = some(_SHARES["close"]), some(_SHARES["secondary"])
    for persons, contact_class in ((close, "close"), (secondary, "secondary")):
        at = _instants(rng, len(persons), 19)
        days = _day_text(at + 8 * _HOUR)
        minutes = pl.Series(rng.integers(10, 600, len(persons)))
        value = pl.select(
            pl.concat_str(
                pl.lit('{"first":"'), pl.lit(days), pl.lit('","last":"'), pl.lit(days),
                pl.lit('","setting":"work","minutes":'), pl.lit(minutes), pl.lit(f',"class":"{contact_class}"}}'),
            )
        ).to_series()  # fmt: skip
        linked = rng.choice(close if contact_class == "secondary" else everyone, len(persons))
        frame = _rows(persons, "exposure", at, None).with_columns(value=value, linked_person_id=pl.Series(linked))
        made.append(frame)
    followed = np.repeat(close, 3)
    made.append(
        _rows(followed, "test", _instants(rng, len(followed)), ['{"result":"negative","method":"pcr"}'])
    )
    positive = np.concatenate([some(_SHARES["positive"]), rng.choice(close, max(1, len(close) // 50), replace=False)])
    cts = [f'{{"result":"positive","method":"pcr","ct":{ct / 10}}}' for ct in range(180, 360)]
    made += [
        _rows(positive, "test", _instants(rng, len(positive)), cts, rng),
        _rows(some(_SHARES["diagnosis"]), "diagnosis", None, [
            '{"classification":"confirmed"}', '{"classification":"asymptomatic"}'], rng),
        _rows(some(_SHARES["abroad"]), "arrival", None, ['{"origin_area":"US"}', '{"origin_area":"JP"}'], rng),
        _rows(some(_SHARES["domestic"]), "arrival", None, [
            '{"origin_area":"410100"}', '{"origin_area":"310000"}'], rng),
        _rows(some(_SHARES["recovery"]), "recovery", None, ["{}"], rng),
    ]  # fmt: skip
    frame = pl.concat(made).with_columns(
        evidence_id=pl.int_range(first_id + 1, first_id + 1 + pl.len(), dtype=pl.Int64)
    )
    wrong = frame.filter(pl.col("kind").is_in(["exposure", "test"])).sample(
        max(1, int(size * _SHARES["correction"])), seed=int(rng.integers(1 << 30))
    )
    corrections = wrong.with_columns(
        kind=pl.lit("correction"),
        voids=pl.col("evidence_id"),
        value=pl.lit("{}"),
        at=pl.col("at") + timedelta(hours=30),
        recorded_at=pl.col("at") + timedelta(hours=30),
        linked_person_id=pl.lit(None, dtype=pl.Int64),
        evidence_id=pl.int_range(first_id + 1 + frame.height, first_id + 1 + frame.height + pl.len(), dtype=pl.Int64),
    )
    return pl.concat([frame, corrections]).sort("recorded_at")


def _rows(
    persons: np.ndarray,
    kind: str,
    at: np.ndarray | None,
    values: list[str] | None,
    rng: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Evidence of one kind: one of `values` a row, learnt up to 12 hours after it was so."""
    if at is None and rng is not None:
        at = _instants(rng, len(persons))
    text = pl.Series(values or ["{}"], dtype=pl.String)
    chosen = text.gather(rng.integers(0, len(text), len(persons))) if rng else text.new_from_index(0, len(persons))
    instants = pl.Series(at).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {
            "evidence_id": pl.Series(np.zeros(len(persons), dtype=np.int64)),
            "person_id": persons,
            "linked_person_id": pl.Series([None] * len(persons), dtype=pl.Int64),
            "kind": pl.Series([kind]).new_from_index(0, len(persons)),
            "at": instants,
            "recorded_at": instants + timedelta(hours=6),
            "value": chosen,
            "voids": pl.Series([None] * len(persons), dtype=pl.Int64),
        }
    )
