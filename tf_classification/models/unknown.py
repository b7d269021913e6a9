"""``unknown.npz``: what tells an animal that a model never learnt from those that it did.

The direction u of a crop's features is compared with each label's centre m, by the covariance that
directions have within labels, and the logits say how much the crop looks like any label at all::

    distance = min over m of (u - m)' C^-1 (u - m) / spread  -  largest logit / spread

each divided by its standard deviation over crops that nothing was learnt from.  C has its largest
axes and one variance for all others.  A crop is unknown above the threshold, which a chosen share
of known animals at other locations exceeds.

It lies in ``assets.extra`` of a bundle that ``train_head.py`` made; others tell nothing.

Source: K. Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples" (2018)
with the directions of J. Mueller and M. Hein (2025), and D. Hendrycks et al., "Scaling
Out-of-Distribution Detection for Real-World Settings" (2022) for the largest logit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import npz

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Shape:
    """Where directions of features are, by label.

    Attributes:
        centres: (M, F), of labels that were learnt.
        axes: (F, K) orthogonal, of length 1.
        variances: (K,) of them.
        rest: the variance of all other axes.
    """

    centres: Floats
    axes: Floats
    variances: Floats
    rest: float

    def squares(self, features: Floats) -> npt.NDArray[np.float64]:
        """Return (n,) squared Mahalanobis distances of (n, F) features to the nearest centre."""
        found = directions(features)
        weights = 1 / self.rest - 1 / self.variances.astype(np.float64)
        inside, own = found @ self.axes, self.centres.astype(np.float64) @ self.axes
        plain = 1 - 2 * found @ self.centres.T + (self.centres.astype(np.float64) ** 2).sum(axis=1)
        less = (inside**2 @ weights)[:, None] - 2 * (inside * weights) @ own.T + own**2 @ weights
        return (plain / self.rest - less).min(axis=1)


@dataclass(frozen=True, eq=False)
class Unknown:
    """See the module.

    Attributes:
        shape: of the features.
        spreads: of the squares, and of the largest logit.
        threshold: distance above which an animal is unknown.
    """

    shape: Shape
    spreads: tuple[float, float]
    threshold: float

    def beyond(self, features: Floats, logits: Floats) -> npt.NDArray[np.float64]:
        """Say how far crops are beyond the threshold: above 0 they are unknown.

        Args:
            features: (n, F) of the network.
            logits: (n, L), before calibration.
        """
        return distances(self.shape.squares(features), logits, self.spreads) - self.threshold


def distances(
    squares: Floats, logits: Floats, spreads: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Put (n,) squares and (n, L) logits together."""
    return squares / spreads[0] - logits.max(axis=1).astype(np.float64) / spreads[1]


def directions(features: Floats) -> npt.NDArray[np.float64]:
    """Return (n, F) of length 1; no features at all have no direction."""
    plain = features.astype(np.float64)
    return plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-12)


def write(path: Path, known: Unknown) -> None:
    """Write the archive; equal contents are equal bytes."""
    numbers = np.array([known.shape.rest, *known.spreads, known.threshold])
    arrays = {name: value for name, value in asdict(known.shape).items() if name != "rest"}
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, numbers=numbers, **arrays)


def read(path: Path) -> Unknown:
    """Read it back; raise FormatError if it is not one."""
    table = npz.read(path)
    try:
        rest, *spreads, threshold = map(float, table.pop("numbers"))
        first, second = spreads
        return Unknown(Shape(**table, rest=rest), (first, second), threshold)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(path, "", f"{type(error).__name__}: {error}") from None
