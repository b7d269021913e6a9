"""A head: the last layer of a network, learnt on embeddings by logistic regression.

    head = fit(points, labels, weights, 8, strength=1.0)
    logits = head.logits(features)                          # (n, F) -> (n, L)

The features are turned and shortened before (``Basis``): the L2 penalty then means the same for
every network, and 256 numbers say what 1,280 do.  All of it is folded into one dense layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

COMPONENTS = 256
_NEVER = 30.0
"""A label that nothing was learnt of has a logit so much below all others."""
_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Head:
    """A dense layer.

    Attributes:
        kernel: (F, L) float32.
        bias: (L,) float32.
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def logits(self, features: Floats) -> npt.NDArray[np.float32]:
        """Map (n, F), or (n, views, F), whose mean counts, to (n, L)."""
        plain = features.mean(axis=1) if features.ndim > 2 else features
        return plain.astype(np.float32) @ self.kernel + self.bias


@dataclass(frozen=True, eq=False)
class Basis:
    """The directions in which embeddings differ most.

    Attributes:
        mean: (F,).
        axes: (F, K) orthogonal, as long as makes points (n, K) have 1 as their mean square.
    """

    mean: Floats
    axes: Floats

    @classmethod
    def of(cls, features: Floats, seed: int) -> Basis:
        """Find it for (n, F); K is ``COMPONENTS``, or fewer of few rows."""
        number = min(COMPONENTS, *features.shape)
        found = PCA(number, random_state=seed).fit(features.astype(np.float64))
        size = np.sqrt(max(found.explained_variance_.mean(), 1e-12))
        return cls(found.mean_, found.components_.T / size)

    def points(self, features: Floats) -> Floats:
        """Map (n, F) to (n, K)."""
        axes = self.axes.astype(np.float32)  # so that nothing as large as the features is made
        return features @ axes - (self.mean @ self.axes).astype(np.float32)

    def fold(self, head: Head) -> Head:
        """Turn a head of points into the one of features that says the same."""
        kernel = self.axes @ head.kernel.astype(np.float64)
        bias = head.bias - self.mean @ kernel
        return Head(kernel.astype(np.float32), bias.astype(np.float32))


def fit(points: Floats, labels: Ints, weights: Floats, num_labels: int, strength: float) -> Head:
    """Learn a head of points.

    Args:
        points: (n, K).
        labels: (n,) positions of labels, at least two different ones.
        weights: (n,) at least 0: how much each counts.
        num_labels: L; a label without a point is never answered.
        strength: of what the points say against the penalty on large weights: scikit-learn's C.
    """
    learnt = LogisticRegression(C=strength, max_iter=_ITERATIONS, tol=1e-4)
    learnt.fit(points, labels, weights)
    kernel, bias = learnt.coef_.T, learnt.intercept_
    if kernel.shape[1] == 1:  # of two labels it keeps the difference only
        kernel, bias = kernel * [-0.5, 0.5], bias * [-0.5, 0.5]
    all_kernel = np.zeros((points.shape[1], num_labels))
    all_bias = np.full(num_labels, bias.min() - _NEVER)
    all_kernel[:, learnt.classes_], all_bias[learnt.classes_] = kernel, bias
    return Head(all_kernel.astype(np.float32), all_bias.astype(np.float32))
