"""Numbers of few significant digits: floored, as the tools of 2021 did, or rounded.

    floored([0.57, 0.12345678, 1.0], 4) -> 0.5699, 0.1234, 1.0

Floored by way of a product, a number that binary cannot hold exactly may lose one in its last
digit: 0.57 times 10,000 is a little less than 5,700.  Those tools' files have that too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NOTHING = 1e-8  # up to this a number is 0


def floored(values: npt.ArrayLike, digits: int) -> Floats:
    """Return the numbers with ``digits`` significant digits, rounded down; of any shape."""
    return _cut(values, digits, np.floor)


def rounded(values: npt.ArrayLike, digits: int) -> Floats:
    """Return the numbers with ``digits`` significant digits, the nearest; of any shape."""
    return _cut(values, digits, np.rint)


def _cut(values: npt.ArrayLike, digits: int, whole: np.ufunc) -> Floats:
    numbers = np.asarray(values, np.float64)
    is_nothing = np.abs(numbers) <= _NOTHING
    sizes = np.where(is_nothing, 1.0, np.abs(numbers))
    shifts = digits - 1 - np.floor(np.log10(sizes)).astype(int)
    # Python's own powers are exact; numpy's need not be.
    least = shifts.min(initial=0)
    powers = np.array([10.0 ** int(n) for n in range(least, shifts.max(initial=0) + 1)])
    factors = powers[shifts - least]
    return np.where(is_nothing, 0.0, whole(numbers * factors) / factors)
