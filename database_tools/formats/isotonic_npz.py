"""Calibration of a detector's confidences: ``mdv4_1_isotonic_calibration.npz``.

A NumPy archive with two arrays of one length, the corners of a rising curve:

    x: [0.0, 0.8, 0.9, 1.0]    confidences of the detector, rising
    y: [0.1, 0.4, 0.7, 0.99]   how often such a box is right, in [0, 1]
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from database_tools.core.errors import FormatError
from database_tools.core.weights import Curve
from database_tools.durable import files
from database_tools.formats import npz


def read(path: Path) -> Curve:
    """Read the curve; raise FormatError if it is none."""
    arrays = npz.read(path)
    try:
        return Curve(arrays["x"].astype(np.float64), arrays["y"].astype(np.float64))
    except KeyError as error:
        found = ", ".join(sorted(arrays)) or "none"
        raise FormatError(
            path, "", f"expected arrays x and y, it has no {error}: {found}"
        ) from None
    except (ValueError, TypeError) as error:
        raise FormatError(path, "x and y", str(error)) from None


def write(path: Path, curve: Curve) -> None:
    """Write the curve."""
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, x=curve.x, y=curve.y)
