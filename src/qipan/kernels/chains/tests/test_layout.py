from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.kernels.chains.layout import NO_PARENT, chain_layout, place

JULY = date(2022, 7, 1)


def frame(days: dict[str, int | None]) -> pl.DataFrame:
    onset = [None if day is None else JULY + timedelta(days=day) for day in days.values()]
    schema = {"case_id": pl.String, "onset_date": pl.Date}
    return pl.DataFrame({"case_id": list(days), "onset_date": onset}, schema=schema)


def pairs(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"from_case_id": [n[0] for n in names], "to_case_id": [n[1] for n in names]},
        schema={"from_case_id": pl.String, "to_case_id": pl.String},
    )


def at(layout) -> dict[str, tuple[int, int]]:
    return {case.case_id: (case.day, case.row) for case in layout.cases}


def test_hand_case() -> None:
    # a infects b (line goes on), c (below); c infects d; e and f alone on one day
    found = chain_layout(frame({"a": 0, "b": 4, "c": 3, "d": 6, "e": 5, "f": 5}), pairs("ab", "ac", "cd"))
    assert (found.first_day, found.days, found.rows) == (JULY, 7, 6)
    assert at(found) == {"a": (0, 0), "b": (4, 0), "c": (3, 1), "d": (6, 1), "e": (5, 4), "f": (5, 5)}


def test_an_infectee_of_the_same_day_is_not_drawn_upon_his_infector() -> None:
    assert at(chain_layout(frame({"a": 2, "b": 2}), pairs("ab"))) == {"a": (0, 0), "b": (0, 1)}


def test_unknown_days_are_guessed_from_the_chain_and_said_to_be() -> None:
    found = chain_layout(frame({"a": None, "b": 5, "c": None, "d": 9, "e": None}), pairs("ab", "bc", "bd"))
    # the only known interval is 4 days
    assert at(found) | {"e": None} == {"a": (0, 0), "b": (4, 0), "c": (8, 0), "d": (8, 1), "e": None}
    assert {case.case_id for case in found.cases if case.estimated} == {"a", "c", "e"}
    assert found.first_day == JULY + timedelta(days=1)


def test_two_infectors_give_one_branch_and_one_pair_besides() -> None:
    found = chain_layout(frame({"a": 0, "b": 1, "c": 5}), pairs("ac", "bc"))
    assert [(pair.from_case_id, pair.branch) for pair in found.pairs] == [("a", True), ("b", False)]


def test_a_ring_has_a_place_too() -> None:
    found = chain_layout(frame({"a": 3, "b": 1, "c": 2}), pairs("ab", "bc", "ca"))
    assert len(set(at(found).values())) == 3
    assert sum(pair.branch for pair in found.pairs) == 2


def test_chains_that_do_not_meet_share_their_lines() -> None:
    found = chain_layout(frame({"a": 0, "b": 3, "c": 5, "d": 8, "e": 9, "f": 10}), pairs("ab", "cd", "ef"))
    assert {row for _, row in at(found).values()} == {0, 1}


def test_nothing_is_a_picture_of_nothing() -> None:
    found = chain_layout(frame({}), pairs())
    assert (found.first_day, found.days, found.rows, found.cases) == (None, 0, 0, ())
    assert chain_layout(frame({"a": None}), pairs()).first_day is None


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown_case"):
        chain_layout(frame({"a": 0}), pairs("ab"))
    with pytest.raises(ValueError, match="duplicate_case"):
        chain_layout(pl.concat([frame({"a": 0}), frame({"a": 1})]), pairs())


@st.composite
def outbreaks(draw):
    n = draw(st.integers(0, 40))
    onset = draw(st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=n, max_size=n))
    index = st.integers(0, max(n - 1, 0))
    links = draw(st.lists(st.tuples(index, index), max_size=60 if n else 0, unique=True))
    return np.array([np.nan if day is None else day for day in onset]), [(a, b) for a, b in links if a != b]


def arrays(links):
    return (np.array([link[i] for link in links], dtype=np.int64) for i in (0, 1))


@given(outbreaks())
def test_nobody_is_drawn_upon_another_and_known_days_are_kept(outbreak) -> None:
    onset, links = outbreak
    found = place(len(onset), *arrays(links), onset)
    spots = list(zip(found.day.tolist(), found.row.tolist(), strict=True))
    assert len(set(spots)) == len(spots)
    known = ~np.isnan(onset)
    assert (found.day[known] == onset[known]).all()
    assert (found.estimated == ~known).all()
    assert not len(spots) or 0 <= found.row.min() <= found.row.max() < found.rows


@given(outbreaks())
def test_infectors_stand_left_of_their_infectees_where_the_days_allow(outbreak) -> None:
    onset, links = outbreak
    tail, head = arrays(links)
    found = place(len(onset), tail, head, onset)
    branches = found.branch
    # whoever is guessed stands right of his infector; whoever is known stands where he stands
    guessed = branches & found.estimated[head]
    assert (found.day[head[guessed]] > found.day[tail[guessed]]).all()
    assert found.branch.sum() == (found.parent != NO_PARENT).sum()


@given(outbreaks(), st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_does_not_matter(outbreak, random) -> None:
    onset, links = outbreak
    first = place(len(onset), *arrays(links), onset)
    again = list(links)
    random.shuffle(again)
    second = place(len(onset), *arrays(again), onset)
    assert (first.day == second.day).all()
    assert (first.row == second.row).all()
    assert (first.parent == second.parent).all()
