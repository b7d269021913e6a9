"""How sure it is that a crop's label is wrong, from what models say and from crops of its burst.

For each label y three things are multiplied, and made probabilities again::

    p(y)          of the crop, by a model that saw nothing of its location
    looks(y)      .8 of the geometric mean of p(y) of the other crops of its group, and .2 / L
    labelled(y)   (m(y) + .1) / (m + .1 L), of m crops of the group in other pictures m(y) are so

What the crop's own label then lacks to 1 is the score.  A group is a burst, or crops that look the
same: they should have one label.  So a single wrong label in a burst is found by its neighbours'
labels, and a burst that is wrong as a whole by what all of it looks like.

Source: the self-confidence of C. Northcutt et al., "Confident Learning" (2021), with a group's
crops as further witnesses.  The constants are from ``scripts/bench/find_mislabeled.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

_OTHER_ANIMAL = 0.2
"""How often a crop's group says nothing of it: another animal, a picture of nothing."""

_OTHER_LABEL = 0.1
"""Crops of each label that a group is taken to have beside its own: how far labels are trusted."""


@dataclass(frozen=True, eq=False)
class Doubts:
    """What is to be said of n crops; -1 where there is no other crop.

    Attributes:
        odds: (n,) logarithm of the odds that the label is wrong.
        likely: (n,) the likeliest other label.
        looks: (n,) the label that the other crops of the group look most like.
        labelled: (n,) the label that most crops of the group's other pictures have.
    """

    odds: Floats
    likely: Ints
    looks: Ints
    labelled: Ints

    @property
    def scores(self) -> Floats:
        """(n,) probabilities that the label is wrong."""
        return 0.5 * (1 + np.tanh(self.odds / 2))


def doubt(logs: Floats, labels: Ints, groups: Ints, pictures: Ints) -> Doubts:
    """Weigh what speaks against each label.

    Args:
        logs: (n, L) logarithms of probabilities, by models that saw nothing of the location.
        labels: (n,) positions of labels.
        groups: (n,) numbers of groups, each crop in one.
        pictures: (n,) numbers of pictures, whose crops got their label together.
    """
    every, number = np.arange(len(labels)), logs.shape[1]
    others, mates = _sums(groups, logs)[groups] - logs, np.bincount(groups)[groups] - 1
    means = others / np.maximum(mates, 1)[:, None]
    looks = (1 - _OTHER_ANIMAL) * _softmax(means) + _OTHER_ANIMAL / number
    looks[mates == 0] = 1
    own = np.zeros(logs.shape, np.float32)
    own[every, labels] = 1
    # of the group, without the crop's own picture, whose crops may be in several groups
    pairs = np.stack([groups, pictures], axis=1)
    _, mine_there = np.unique(pairs, axis=0, return_inverse=True)
    counts = _sums(groups, own)[groups] - _sums(mine_there, own)[mine_there]
    total = counts.sum(axis=1, keepdims=True)
    labelled = (counts + _OTHER_LABEL) / (total + _OTHER_LABEL * number)
    weighed = logs + np.log(looks) + np.log(labelled)
    mine = weighed[every, labels]
    weighed[every, labels] = -np.inf
    likely = weighed.argmax(axis=1)
    best = weighed[every, likely]
    rest = best + np.log(np.exp(weighed - best[:, None]).sum(axis=1))
    return Doubts(
        rest - mine,
        likely,
        np.where(mates > 0, means.argmax(axis=1), -1),
        np.where(total[:, 0] > 0, counts.argmax(axis=1), -1),
    )


def _sums(groups: Ints, values: Floats) -> Floats:
    """Return the sums of the rows of each group, by its number; unused numbers have 0."""
    order = np.argsort(groups, kind="stable")
    found, starts = np.unique(groups[order], return_index=True)
    sums = np.zeros((int(found[-1]) + 1, values.shape[1]), values.dtype)
    sums[found] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
