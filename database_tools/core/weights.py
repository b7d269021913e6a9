"""Weights of examples: how much each counts in sampling, and in loss and accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A detector's confidence to the share of boxes that are right, by isotonic regression.

    Raises:
        ValueError: if ``x``, two or more rising confidences, and ``y``, their shares, make none.
    """

    x: Floats
    y: Floats

    def __post_init__(self) -> None:
        if not (self.x.ndim == 1 and self.x.shape == self.y.shape and len(self.x) > 1):
            raise ValueError(f"expected two rows of one length, got {self.x.shape}, {self.y.shape}")
        if not (np.diff(self.x) >= 0).all():
            raise ValueError("x must rise")
        if not ((self.y >= 0) & (self.y <= 1)).all():
            raise ValueError("y must be in [0, 1]")

    def calibrate(self, confidences: npt.NDArray[np.floating]) -> Floats:
        """Interpolate (n,) confidences between the corners.

        Raises:
            ValueError: if a confidence is outside of the curve; hand-drawn boxes have 1.
        """
        # 0.9 in single precision may lie just beyond 0.9.
        inside = (confidences >= self.x[0] - 1e-6) & (confidences <= self.x[-1] + 1e-6)
        if not inside.all():
            raise ValueError(
                f"the calibration covers confidences from {self.x[0]:g} to {self.x[-1]:g}, "
                f"but one is {confidences[~inside][0]:g}"
            )
        return np.interp(confidences, self.x, self.y)


def balance(labels: npt.NDArray[np.integer], weights: npt.NDArray[np.floating]) -> Floats:
    """Scale the weights so that all labels weigh the same, and their sum stays.

    Args:
        labels: (n,) from 0.
        weights: (n,) at least 0.

    Returns:
        (n,): w · (W / c) / (the weights' sum over the example's label), with W the sum of all
        weights and c the number of labels that have any weight.

    Raises:
        ValueError: if no example has a weight.

    Source: README, "--label-weighted"; the original's train_utils.load_dataset_csv, where a
    label without an example was an error; here it is left out of c.
    """
    total = np.bincount(labels, weights.astype(np.float64))
    present = total > 0
    if not present.any():
        raise ValueError("no example has a weight")
    factor = np.zeros_like(total)
    factor[present] = total.sum() / present.sum() / total[present]
    return weights * factor[labels]
