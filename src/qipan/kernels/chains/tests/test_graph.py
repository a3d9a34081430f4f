"""Components, generations and circles against plain-Python definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qipan.kernels.chains.graph import NO_GENERATION, circles, components, generations


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    flat = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return flat[:, 0], flat[:, 1]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    n = draw(st.integers(1, 12))
    node = st.integers(0, n - 1)
    pairs = draw(st.sets(st.tuples(node, node).filter(lambda p: p[0] != p[1]), max_size=20))
    return n, sorted(pairs)


def reachable(n: int, pairs: list[tuple[int, int]]) -> list[set[int]]:
    """For every case the cases behind it, by plain search."""
    out: list[set[int]] = []
    for start in range(n):
        seen: set[int] = set()
        stack = [start]
        while stack:
            case = stack.pop()
            for a, b in pairs:
                if a == case and b not in seen:
                    seen.add(b)
                    stack.append(b)
        out.append(seen)
    return out


def test_hand_case() -> None:
    # 0 -> 1 -> 2, 0 -> 3; 4 -> 5; 6 alone
    tail, head = arrays([(0, 1), (1, 2), (0, 3), (4, 5)])
    assert components(7, tail, head).tolist() == [0, 0, 0, 0, 4, 4, 6]
    assert generations(7, tail, head).tolist() == [0, 1, 2, 1, 0, 1, 0]
    assert circles(7, tail, head) == []


def test_a_circle_and_what_hangs_on_it() -> None:
    # 0 -> 1 -> 2 -> 0 is a circle, 3 is behind it, 4 -> 5 is not
    tail, head = arrays([(0, 1), (1, 2), (2, 0), (2, 3), (4, 5)])
    assert [c.tolist() for c in circles(6, tail, head)] == [[0, 1, 2]]
    assert generations(6, tail, head).tolist() == [NO_GENERATION] * 4 + [0, 1]


def test_no_pairs_at_all() -> None:
    tail, head = arrays([])
    assert components(3, tail, head).tolist() == [0, 1, 2]
    assert generations(3, tail, head).tolist() == [0, 0, 0]
    assert components(0, tail, head).tolist() == []


def test_a_long_chain_backwards() -> None:
    n = 3000
    tail = np.arange(n - 1, 0, -1)
    assert set(components(n, tail, tail - 1).tolist()) == {0}
    assert generations(n, tail, tail - 1).tolist() == list(range(n - 1, -1, -1))


@given(graphs())
def test_components_join_exactly_what_pairs_join(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, pairs = graph
    label = components(n, *arrays(pairs))
    both = reachable(n, pairs + [(b, a) for a, b in pairs])
    for i in range(n):
        assert label[i] == min(both[i] | {i})


@given(graphs())
def test_generation_is_least_distance(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, pairs = graph
    found = generations(n, *arrays(pairs))
    distance = {i: 0 for i in range(n) if all(b != i for _, b in pairs)}
    for step in range(n):
        for a, b in pairs:
            if distance.get(a) == step:
                distance.setdefault(b, step + 1)
    assert found.tolist() == [distance.get(i, NO_GENERATION) for i in range(n)]


@given(graphs())
def test_circles_are_the_cases_that_reach_each_other(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, pairs = graph
    reach = reachable(n, pairs)
    expected = {
        tuple(j for j in range(n) if j == i or (j in reach[i] and i in reach[j]))
        for i in range(n)
        if i in reach[i]
    }
    assert {tuple(c.tolist()) for c in circles(n, *arrays(pairs))} == expected
