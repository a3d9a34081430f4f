"""The directed graph of infector -> infectee pairs, as integer arrays.

Cases are 0 … n-1; `tail[i]` infected `head[i]`. Every function takes int64 arrays that the gate in
`statistics` has checked (in range, distinct pairs, no self links).
"""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: The generation of a case that no primary case reaches (it lies on or behind a closed circle).
NO_GENERATION = -1


def components(n: int, tail: IntArray, head: IntArray) -> IntArray:
    """Label of each case's connected component, direction ignored: the least case number in it.

    Least labels travel over the pairs, and every round shortens each label's way to its root (pointer
    jumping), so that a chain of length m needs about log2(m) rounds. Shape (n,).
    """
    label = np.arange(n, dtype=np.int64)
    while True:
        low = np.minimum(label[tail], label[head])
        before = label.copy()
        # hook the roots of both ends, not only the ends, to the lower label
        np.minimum.at(label, before[tail], low)
        np.minimum.at(label, before[head], low)
        while True:
            jumped = label[label]
            if np.array_equal(jumped, label):
                break
            label = jumped
        if np.array_equal(label, before):
            return label


def _successors(n: int, tail: IntArray, head: IntArray) -> tuple[IntArray, IntArray]:
    """The pairs as compressed rows: successors of case i are ``targets[start[i]:start[i + 1]]``."""
    order = np.argsort(tail, kind="stable")
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=n), out=start[1:])
    return start, head[order]


def _next_front(front: IntArray, start: IntArray, targets: IntArray) -> IntArray:
    """All successors of the cases of `front`, one entry a pair."""
    counts = start[front + 1] - start[front]
    total = int(counts.sum())
    if total == 0:
        return np.empty(0, dtype=np.int64)
    offsets = np.repeat(start[front] - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    successors: IntArray = targets[offsets + np.arange(total)]
    return successors


def generations(n: int, tail: IntArray, head: IntArray) -> IntArray:
    """Generation of each case: the fewest pairs from a primary case (one without an infector, 0).

    `NO_GENERATION` for a case that no primary case reaches. Shape (n,).
    """
    start, targets = _successors(n, tail, head)
    generation = np.full(n, NO_GENERATION, dtype=np.int64)
    front = np.flatnonzero(np.bincount(head, minlength=n) == 0)
    level = 0
    while front.size:
        generation[front] = level
        reached = _next_front(front, start, targets)
        front = np.unique(reached[generation[reached] == NO_GENERATION])
        level += 1
    return generation


def _peeled(n: int, tail: IntArray, head: IntArray) -> BoolArray:
    """Cases that remain when cases without an infector are taken away again and again (Kahn 1962)."""
    start, targets = _successors(n, tail, head)
    incoming = np.bincount(head, minlength=n)
    remains = np.ones(n, dtype=np.bool_)
    front = np.flatnonzero(incoming == 0)
    while front.size:
        remains[front] = False
        reached = _next_front(front, start, targets)
        np.subtract.at(incoming, reached, 1)
        candidates = np.unique(reached)
        front = candidates[(incoming[candidates] == 0) & remains[candidates]]
    return remains


def circles(n: int, tail: IntArray, head: IntArray) -> list[IntArray]:
    """The closed circles (A infected B infected … infected A): strongly connected sets of two or more
    cases, each sorted, in the order of their least case. Empty where the pairs are consistent.

    Peeling from both ends leaves only what lies on or between circles; Tarjan's algorithm (1972, without
    recursion) separates the rest.
    """
    kept = _peeled(n, tail, head) & _peeled(n, head, tail)
    if not kept.any():
        return []
    inside = kept[tail] & kept[head]
    start, targets = _successors(n, tail[inside], head[inside])
    number = np.full(n, -1, dtype=np.int64)
    lowest = np.zeros(n, dtype=np.int64)
    on_stack = np.zeros(n, dtype=np.bool_)
    stack: list[int] = []
    found: list[IntArray] = []
    counter = 0
    for root in np.flatnonzero(kept).tolist():
        if number[root] >= 0:
            continue
        work = [(root, int(start[root]))]
        while work:
            case, position = work.pop()
            if number[case] < 0:
                number[case] = lowest[case] = counter
                counter += 1
                stack.append(case)
                on_stack[case] = True
            descended = False
            while position < start[case + 1]:
                target = int(targets[position])
                position += 1
                if number[target] < 0:
                    work.append((case, position))
                    work.append((target, int(start[target])))
                    descended = True
                    break
                if on_stack[target]:
                    lowest[case] = min(lowest[case], number[target])
            if descended:
                continue
            if lowest[case] == number[case]:
                members = []
                while True:
                    member = stack.pop()
                    on_stack[member] = False
                    members.append(member)
                    if member == case:
                        break
                if len(members) > 1:
                    found.append(np.array(sorted(members), dtype=np.int64))
            if work:
                parent = work[-1][0]
                lowest[parent] = min(lowest[parent], lowest[case])
    return sorted(found, key=lambda members: int(members[0]))
