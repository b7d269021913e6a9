"""Sums over examples from which loss and accuracies are computed: in training and in evaluation.

Training sums on its devices (``training.step``), evaluation here, by the same rules:

- the loss of an example is the cross entropy of its logits, without label smoothing;
- its rank is the number of labels with a higher logit, or with an equal one and a lower number.
  Logits rather than probabilities, as those of unlikely labels become 0 and then are all equal.

Sums are exact on any number of replicas, in batches of any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEAR = 3  # an example counts in ``top3`` when its rank is below this
# The loss of a label that is said to be impossible (a logit of minus infinity): that of the
# smallest float32, so that one example cannot make the mean infinite.
_IMPOSSIBLE = -float(np.log(np.finfo(np.float32).tiny))


@dataclass(frozen=True, eq=False)
class Tally:
    """What happened to examples of C labels.

    Attributes:
        confusion: (C, C) number of examples, row: true label, column: predicted.
        loss: (C,) sum of the examples' losses, by true label.
        top3: (C,) number of examples whose label is among the three likeliest.
    """

    confusion: Floats
    loss: Floats
    top3: Floats

    @classmethod
    def empty(cls, num_labels: int) -> Tally:
        """Return the sums over nothing."""
        c = num_labels
        return cls(np.zeros((c, c)), np.zeros(c), np.zeros(c))

    def add(self, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> None:
        """Count a batch in place: (N, C) logits, or any scores whose softmax is what is said."""
        np.add.at(self.confusion, (labels, logits.argmax(axis=1)), 1)
        np.add.at(self.loss, labels, losses(logits, labels))
        np.add.at(self.top3, labels, ranks(logits, labels) < NEAR)

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


def ranks(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """Tell how many labels come before the true one, (N,); 0 is right.

    Of equal logits the lower label comes first, as in ``argmax``.
    """
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < np.asarray(labels)[:, None]
    return ((logits > own) | ((logits == own) & earlier)).sum(axis=1)


def losses(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """Return each example's cross entropy, log(sum of e^logits) - own logit, (N,)."""
    rows = np.asarray(logits, np.float64)
    rows = rows - rows.max(axis=1, keepdims=True)
    own = rows[np.arange(len(labels)), labels]
    found = np.log(np.exp(rows).sum(axis=1)) - own
    return np.where(np.isneginf(own), _IMPOSSIBLE, found)
