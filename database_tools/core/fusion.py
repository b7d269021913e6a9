"""What the crops of one event say together: which are of one label, and what that is.

    three frames: deer .6 boar .4 | deer .9 boar .1 | boar .55 deer .45    -> one group, deer
    a deer .999 and a hare .999 in one picture                             -> two groups

Two boxes of an event are of one label more often than not (``same``); two vectors say how likely
that is of these two.  With C labels, all alike before anything is seen, and m the chance that
labels drawn from both agree, the odds are

    same / (1 - same) * (C - 1) * m / (1 - m)        m = sum of a_k * b_k

The surest box begins a group; each next one joins the group that it agrees with most, if the odds
are 1 at least, or begins its own.  So the order of the boxes does not matter.  A group's vector is

==========  ================================================================
mean        the mean, weighted
mean_log    the mean of the logarithms, weighted: what one crop rules out goes
product     each crop is a witness of its own, one of weight 0.5 half of one
==========  ================================================================

A burst's crops resemble each other, so ``product`` is surer than it should be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RULES = MEAN_LOG, MEAN, PRODUCT = ("mean_log", "mean", "product")
LEAST = 1e-6
"""Smallest probability and weight: a zero of one crop must not rule out what all others say."""


def tempered(rows: Floats, temperature: float) -> Floats:
    """Divide the logarithms of probabilities (n, C) by a temperature; rows sum to 1 again."""
    if temperature == 1:
        return rows
    powers = np.maximum(rows, LEAST) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


@dataclass
class _Group:
    """Boxes of one label: (C,) weighted sums of probabilities or logarithms, and what they say."""

    kind: int
    members: list[int]
    total: Floats
    weight: float
    vector: Floats

    def add(self, row: int, value: Floats, weight: float, rule: str) -> None:
        self.members.append(row)
        self.total, self.weight = self.total + weight * value, self.weight + weight
        if rule == MEAN:
            self.vector = self.total / self.weight
            return
        logs = self.total if rule == PRODUCT else self.total / self.weight
        powers = np.exp(logs - logs.max())
        self.vector = powers / powers.sum()


def fuse(rows: Floats, weights: Floats, kinds: Ints, rule: str, same: float) -> Floats:
    """Give each box the vector of its group.

    Args:
        rows: (n, C) probabilities, each row with sum 1.
        weights: (n,) how much each counts, in [0, 1]: the detector's confidence.
        kinds: (n,) the detector's categories: boxes of two are never in one group.
        rule: one of ``RULES``.
        same: how often two boxes of an event are of one label, in (0, 1).

    Returns:
        (n, C); a box that is alone in its group keeps its row.
    """
    values = rows if rule == MEAN else np.log(np.maximum(rows, LEAST))
    weights = np.maximum(weights, LEAST)
    groups: list[_Group] = []
    for i in np.lexsort((*rows.T, weights, -weights * rows.max(axis=1))).tolist():
        of_kind = [group for group in groups if group.kind == kinds[i]]
        agreement = [float(group.vector @ rows[i]) for group in of_kind]
        m = max(agreement, default=-1.0)
        if m < 0 or same * (rows.shape[1] - 1) * m < (1 - same) * (1 - m):
            groups.append(_Group(kinds[i], [], np.zeros(rows.shape[1]), 0.0, rows[i]))
            of_kind, agreement = groups[-1:], [m]
        of_kind[agreement.index(m)].add(i, values[i], weights[i], rule)
    fused = rows.copy()
    for group in groups:
        if len(group.members) > 1:
            fused[group.members] = group.vector
    return fused
