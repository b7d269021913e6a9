"""How a network's logits become probabilities that can be trusted.

A calibration divides the logits by a temperature, applies softmax, and then (isotonic calibration
only) sends each label's probability through that label's own curve and divides by the sum::

    {"temperature": 1.7, "curves": null}
    {"temperature": 1.0, "curves": {"deer": {"x": [0.1, 0.5, 0.9], "y": [0, 0.4, 0.97]}}}

A curve is linear between its points and constant outside of them.  It is fitted elsewhere
(``evaluation``); this module only applies it, as the signatures of the model bundle do, so that
there is one definition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Closer points make slopes above 100: they would blow the last bits of a float32 logit up to a
# visible difference.
CLOSEST_POINTS = 0.01
_SLACK = 1e-9


@dataclass(frozen=True)
class CalibrationCurve:
    """One label's curve from uncalibrated to calibrated probability.

    Attributes:
        x: increasing probabilities, at least ``CLOSEST_POINTS`` apart; at least one.
        y: the calibrated probability at each of them, in [0, 1], never falling.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.x or len(self.x) != len(self.y):
            raise ValueError(
                f"a curve needs as many x as y, and at least one: {len(self.x)} and {len(self.y)}"
            )
        if not all(0 <= value <= 1 for value in (*self.x, *self.y)):
            raise ValueError(f"a curve's points must be in [0, 1], got x {self.x} and y {self.y}")
        if any(b - a < CLOSEST_POINTS - _SLACK for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError(f"a curve's x must rise by at least {CLOSEST_POINTS}, got {self.x}")
        if any(b < a for a, b in zip(self.y, self.y[1:], strict=False)):
            raise ValueError(f"a curve's y must not fall, got {self.y}")


@dataclass(frozen=True)
class Calibration:
    """What is done to logits.  The default is plain softmax.

    Attributes:
        temperature: logits are divided by it; above 1 makes the probabilities less sure.
        curves: one for each label in label order, or None.
    """

    temperature: float = 1.0
    curves: tuple[CalibrationCurve, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"the temperature must be above 0, got {self.temperature}")

    def probabilities(self, logits: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Turn logits into probabilities.

        Args:
            logits: (N, labels) float.

        Returns:
            (N, labels) float32, rows that sum to 1.  Where the curves send every label of a row
            to 0, the row stays as softmax gave it.
        """
        scaled = np.asarray(logits, np.float64) / self.temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        softmax = powers / powers.sum(axis=1, keepdims=True)
        if self.curves is None:
            return softmax.astype(np.float32)
        if len(self.curves) != softmax.shape[1]:
            raise ValueError(
                f"{len(self.curves)} curves cannot calibrate {softmax.shape[1]} labels"
            )
        bent = np.stack(
            [np.interp(softmax[:, i], c.x, c.y) for i, c in enumerate(self.curves)], axis=1
        )
        total = bent.sum(axis=1, keepdims=True)
        return np.where(total > 0, bent / np.where(total > 0, total, 1), softmax).astype(np.float32)

    def logits(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return (N, labels) numbers whose softmax is ``probabilities(logits)``.

        They keep the order of labels whose probabilities are too small for a float32; a
        probability of 0 has minus infinity.
        """
        if self.curves is None:
            return logits.astype(np.float64) / self.temperature
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(logits).astype(np.float64))

    def to_json(self, labels: Sequence[str]) -> dict[str, object]:
        """Return what ``from_json`` reads."""
        if self.curves is None:
            return {"temperature": self.temperature, "curves": None}
        curves = {
            name: {"x": list(c.x), "y": list(c.y)}
            for name, c in zip(labels, self.curves, strict=True)
        }
        return {"temperature": self.temperature, "curves": curves}

    @classmethod
    def from_json(cls, table: Mapping[str, object], labels: Sequence[str]) -> Calibration:
        """Read ``to_json``'s answer back; raise ValueError or KeyError with what is wrong."""
        temperature, curves = table["temperature"], table["curves"]
        if not isinstance(temperature, int | float):
            raise ValueError(f"the temperature must be a number, got {temperature!r}")
        if curves is None:
            return cls(float(temperature))
        if not isinstance(curves, dict) or sorted(curves) != sorted(labels):
            raise ValueError("the calibration's curves are not those of the labels")
        points = [
            (tuple(map(float, curves[name]["x"])), tuple(map(float, curves[name]["y"])))
            for name in labels
        ]
        return cls(float(temperature), tuple(CalibrationCurve(x, y) for x, y in points))
