"""Which pictures of a label to take, where not all are wanted.

A label's datasets have levels: as many as possible are taken of the first, then of the next, of
all others last; within a level at random.  A picture of several labels that one has taken already
counts for the others too.

Source: README, ``max_count`` and ``prioritize``; the original counted what a higher level had
taken twice, and depended on the order of a set.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from database_tools.core.label_spec import LabelSpec

Candidates = Mapping[str, Sequence[tuple[str, int]]]
"""Label to (dataset, number of the picture) of all its pictures, in a fixed order."""


def sample(candidates: Candidates, spec: LabelSpec, seed: int) -> set[int]:
    """Return the numbers of the chosen pictures; same seed and candidates, same choice."""
    chosen: set[int] = set()
    rng = random.Random(seed)
    for label, rule in spec.items():
        pictures = candidates.get(label, ())
        if rule.max_count is None:
            chosen.update(number for _, number in pictures)
            continue
        left = rule.max_count - sum(number in chosen for _, number in pictures)
        for level in _levels(pictures, rule.prioritize):
            free = [number for number in level if number not in chosen]
            if left <= 0:
                break
            taken = rng.sample(free, min(left, len(free)))
            chosen.update(taken)
            left -= len(taken)
    return chosen


def _levels(
    pictures: Sequence[tuple[str, int]], prioritize: Sequence[Sequence[str]]
) -> list[list[int]]:
    """Sort pictures by the first level that has their dataset; the last is of all others."""
    first: dict[str, int] = {}
    for i, datasets in enumerate(prioritize):
        for dataset in datasets:
            first.setdefault(dataset, i)
    levels: list[list[int]] = [[] for _ in range(len(prioritize) + 1)]
    for dataset, number in pictures:
        levels[first.get(dataset, len(prioritize))].append(number)
    return levels
