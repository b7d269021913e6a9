"""Sums over an epoch from which every figure is computed, exact on any number of replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """What happened to the examples of an epoch; C labels.

    Attributes:
        confusion: (C, C) number of examples, row: true label, column: predicted.
        loss: (C,) sum of the examples' losses, by true label.
        top3: (C,) number of examples whose label is among the three likeliest.
    """

    confusion: Floats
    loss: Floats
    top3: Floats

    @property
    def counts(self) -> Floats:
        """Number of examples of each label, (C,)."""
        return self.confusion.sum(axis=1)

    @property
    def recalls(self) -> Floats:
        """Share of each label's examples that were right, (C,); NaN for a label without any."""
        return self._by_label(np.diag(self.confusion))

    def scores(self) -> dict[str, float]:
        """Return loss and accuracies (percent), of all examples and with labels weighted equally.

        ``acc_top1`` is the share of right examples, ``acc_weighted_top1`` the mean of the
        labels' shares, over the labels that have examples: the original's accuracy with
        ``--label-weighted``.  NaN if there is no example.
        """
        sums = {
            "loss": (self.loss, 1),
            "acc_top1": (np.diag(self.confusion), 100),
            "acc_top3": (self.top3, 100),
        }
        plain = {name: factor * self._mean(x) for name, (x, factor) in sums.items()}
        weighted = {
            name.replace("acc", "acc_weighted").replace("loss", "loss_weighted"): factor
            * self._mean_of_labels(x)
            for name, (x, factor) in sums.items()
        }
        return plain | weighted

    def _mean(self, sums: Floats) -> float:
        total = self.counts.sum()
        return float(sums.sum() / total) if total else float("nan")

    def _mean_of_labels(self, sums: Floats) -> float:
        present = self._by_label(sums)[self.counts > 0]
        return float(present.mean()) if len(present) else float("nan")

    def _by_label(self, sums: Floats) -> Floats:
        counts = self.counts
        return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
