"""The laws of the ledger: what is known at a moment, and what counts as never had."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from qipan.terms.evidence import EvidenceItem

K = TypeVar("K", bound=Hashable)


def voided_keys(pairs: Iterable[tuple[K, K]]) -> set[K]:
    """The keys taken back by `pairs` of (voiding item, voided item).

    A voiding item that is itself voided takes nothing back, through chains of any length. Items that void
    each other in a circle all count as never had.
    """
    target: dict[K, K] = dict(pairs)
    open_voiders: dict[K, int] = {}
    for voided in target.values():
        open_voiders[voided] = open_voiders.get(voided, 0) + 1
    standing = [key for key in target if key not in open_voiders]
    gone: set[K] = set()
    settled: set[K] = set(standing)
    while standing:
        key = standing.pop()
        if key not in target:
            continue
        voided = target[key]
        if key not in gone:
            open_voiders[voided] -= 1
            if voided not in settled:
                gone.add(voided)
                settled.add(voided)
                standing.append(voided)
        else:
            open_voiders[voided] -= 1
            if open_voiders[voided] == 0 and voided not in settled:
                settled.add(voided)
                standing.append(voided)
    gone.update(key for key in open_voiders if key not in settled)
    return gone


def effective(evidence: Sequence[EvidenceItem], moment: datetime) -> tuple[EvidenceItem, ...]:
    """The items that count at `moment`: known by then and not taken back by anything known by then.

    A correction takes back evidence of its own person only.
    """
    known = {
        (item.person_id, item.evidence_id): item
        for item in evidence
        if item.at <= moment and item.recorded_at <= moment
    }
    gone = voided_keys(
        ((item.person_id, item.evidence_id), (item.person_id, item.voids))
        for item in known.values()
        if item.voids is not None
    )
    return tuple(item for key, item in known.items() if key not in gone)


def not_yet_count(evidence: Sequence[EvidenceItem], moment: datetime) -> int:
    """How many items lie after `moment` and are therefore ignored."""
    return sum(1 for item in evidence if item.at > moment or item.recorded_at > moment)
