"""From a classifier's labels to others: MegaClassifier's to those of a bespoke classifier.

A target mapping says which of the classifier's labels make up each target::

    {"canid": ["coyote", "red fox"], "cervid": ["elk"], "bird": [], "other": ["car"]}

The probability of a target is the sum of its labels' (here: the logarithm of the sum of the
exponentials of their logits, which softmax makes the same).  The targets are the dataset's labels,
in the dataset's order, and "other" last if the dataset has no such label of its own.  A target
without labels is never predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

OTHER = "other"


@dataclass(frozen=True)
class TargetMapping:
    """T targets in order, and for each the positions of its labels among a classifier's outputs."""

    targets: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]

    def probabilities(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Turn probabilities (N, C) into those of the targets, (N, T); 0 without labels."""
        rows = np.asarray(probabilities, np.float64)
        return np.stack([rows[:, list(group)].sum(axis=1) for group in self.groups], axis=1)

    def logits(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Turn logits, or log probabilities, (N, C) into those of the targets, (N, T).

        A target without labels gets minus infinity.
        """
        rows = np.asarray(logits, np.float64)
        columns = [_log_sum_exp(rows[:, list(group)]) for group in self.groups]
        return np.stack(columns, axis=1).astype(np.float32)


def _log_sum_exp(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not rows.shape[1]:
        return np.full(len(rows), -np.inf)
    highest = rows.max(axis=1)
    with np.errstate(invalid="ignore"):  # a row of minus infinities stays one
        total = np.log(np.exp(rows - highest[:, None]).sum(axis=1))
    return np.where(np.isneginf(highest), -np.inf, highest + total)
