"""Holding out a part of the training data for validation, by location.

Pictures of one camera share its background: a validation part from the same cameras would say
how well the classifier remembers them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def choose(
    labels: npt.NDArray[np.integer],
    locations: npt.NDArray[np.integer],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Choose whole locations at random until they hold about ``fraction`` of the examples.

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
    held = np.zeros(len(labels), bool)
    target = fraction * len(labels)
    total = np.bincount(labels)
    taken = np.zeros_like(total)
    order = np.argsort(locations, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(locations[order])) + 1)
    for i in np.random.Generator(np.random.Philox(seed)).permutation(len(groups)):
        group = groups[i]
        now = np.bincount(labels[group], minlength=len(total))
        nearer = abs(taken.sum() + len(group) - target) < abs(taken.sum() - target)
        if nearer and (2 * (taken + now) <= total)[now > 0].all():
            held[group] = True
            taken += now
    return held
