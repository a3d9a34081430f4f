from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.kernels.chains.statistics import chain_statistics

CASES = pl.DataFrame(
    {
        "case_id": ["a", "b", "c", "d", "e", "f", "alone"],
        "onset_date": [date(2022, 7, d) if d else None for d in (1, 5, 4, 0, 9, 3, 2)],
    },
    schema={"case_id": pl.String, "onset_date": pl.Date},
)


def pairs(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"from_case_id": [n[0] for n in names], "to_case_id": [n[1] for n in names]},
        schema={"from_case_id": pl.String, "to_case_id": pl.String},
    )


def test_hand_case() -> None:
    # a (1 July) -> b (5), c (4); b -> d (no onset); e (9) -> f (3); f twice; c named its own source
    found = chain_statistics(CASES, pairs("ab", "ac", "bd", "ef", "ef", "cc"))
    assert (found.cases, found.pairs, found.chains, found.unlinked) == (7, 4, 2, 1)
    assert found.generations == 3
    assert found.generation_sizes == (3, 3, 1)
    si = found.serial_interval
    # 4, 3 and -6 days
    assert (si.n, si.negative) == (3, 1)
    assert si.mean == pytest.approx(1 / 3)
    assert si.sd == pytest.approx(((11 / 3) ** 2 / 2 + (8 / 3) ** 2 / 2 + (19 / 3) ** 2 / 2) ** 0.5)
    assert found.reproduction.mean == pytest.approx(4 / 7)
    assert (found.self_links, found.repeated, found.multiple_infectors) == (1, 1, 0)
    assert found.table.rows() == [
        ("a", "b", 1, 1, 4, False),
        ("a", "c", 1, 1, 3, False),
        ("b", "d", 1, 2, None, False),
        ("e", "f", 2, 1, -6, False),
    ]


def test_circles_and_several_infectors_are_reported_not_dropped() -> None:
    found = chain_statistics(CASES, pairs("ab", "ba", "bc", "dc"))
    assert found.pairs == 4
    assert found.circles == (("a", "b"),)
    assert found.multiple_infectors == 1
    assert found.without_generation == 2
    assert found.table["circle"].to_list() == [True, True, False, False]
    # c is reached by the primary case d
    assert found.table["generation"].to_list() == [None, None, 1, 1]


def test_empty_lists() -> None:
    found = chain_statistics(CASES.clear(), pairs())
    assert (found.cases, found.pairs, found.generations, found.reproduction.mean) == (0, 0, 0, None)
    alone = chain_statistics(CASES.head(1), pairs())
    assert (alone.chains, alone.unlinked, alone.generations, alone.reproduction.mean) == (0, 1, 1, 0.0)


def test_unknown_and_repeated_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown_case"):
        chain_statistics(CASES, pairs("ax"))
    with pytest.raises(ValueError, match="duplicate_case"):
        chain_statistics(pl.concat([CASES, CASES]), pairs())


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=15), st.randoms())
def test_order_of_rows_does_not_matter(links: list[tuple[str, str]], random: object) -> None:
    names = [a + b for a, b in links]
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = chain_statistics(CASES, pairs(*names)), chain_statistics(CASES, pairs(*shuffled))
    assert one.as_json() == two.as_json()
    assert one.pairs + one.self_links + one.repeated == len(links)
    assert sum(one.generation_sizes) + one.without_generation == one.cases
