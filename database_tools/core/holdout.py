"""Holding out a part of the training data for validation, by location.

Pictures of one camera share its background: a validation part from the same cameras would say
how well the classifier remembers them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_WORK = 20_000
"""Locations looked at over all tries: some tenths of a second."""

_MOST_TRIES = 100


def choose(
    labels: npt.NDArray[np.integer],
    locations: npt.NDArray[np.integer],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Choose whole locations that hold about ``fraction`` of the examples.

    Of up to 100 random choices the one that comes nearest to ``fraction`` of each label is
    taken; with some thousand locations a few do.

    Args:
        labels: (n,) from 0.
        locations: (n,) from 0.
        fraction: in [0, 1).
        seed: same seed, same choice.

    Returns:
        (n,) bool, true for the part held out.  No label loses more than half of its examples,
        so each stays in the rest; the part may be smaller than asked for, or empty, when few
        locations leave no other way.
    """
    if not len(labels):
        return np.zeros(0, bool)
    present, labels = np.unique(labels, return_inverse=True)
    places, locations = np.unique(locations, return_inverse=True)
    # How many examples of which labels each location has; most have few labels.
    pairs, counts = np.unique(locations * len(present) + labels, return_counts=True)
    edges = np.flatnonzero(np.diff(pairs // len(present))) + 1
    of_place = list(
        zip(np.split(pairs % len(present), edges), np.split(counts, edges), strict=True)
    )
    total = np.bincount(labels)
    rng = np.random.Generator(np.random.Philox(seed))
    tries = [
        _one_choice(of_place, total, fraction, rng.permutation(len(places)))
        for _ in range(max(1, min(_MOST_TRIES, _WORK // len(places))))
    ]
    best = min(tries, key=lambda choice: float(((choice[1] / total - fraction) ** 2).sum()))
    return np.isin(locations, best[0])


def _one_choice(
    of_place: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    total: npt.NDArray[np.intp],
    fraction: float,
    order: npt.NDArray[np.intp],
) -> tuple[list[int], npt.NDArray[np.intp]]:
    """Take locations in this order as long as that brings their sum nearer to the fraction.

    Returns:
        The locations, and how many examples of each label they hold.
    """
    target = fraction * total.sum()
    chosen: list[int] = []
    taken, number = np.zeros_like(total), 0
    for place in order:
        labels, counts = of_place[place]
        more = int(counts.sum())
        if abs(number + more - target) >= abs(number - target):
            continue
        if (2 * (taken[labels] + counts) <= total[labels]).all():
            chosen.append(int(place))
            taken[labels] += counts
            number += more
    return chosen, taken
