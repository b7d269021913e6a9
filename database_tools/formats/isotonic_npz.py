"""Calibration of a detector's confidences: ``mdv4_1_isotonic_calibration.npz``.

A NumPy archive with two arrays of one length, the corners of a rising curve:

    x: [0.0, 0.8, 0.9, 1.0]    confidences of the detector, rising
    y: [0.1, 0.4, 0.7, 0.99]   how often such a box is right, in [0, 1]
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from database_tools.core.errors import FormatError, UserError
from database_tools.core.weights import Curve
from database_tools.durable import files


def read(path: Path) -> Curve:
    """Read the curve; raise FormatError if it is none."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise FormatError(path, "", "not a NumPy archive (.npz)")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Curve(archive["x"].astype(np.float64), archive["y"].astype(np.float64))
    except KeyError as error:
        raise FormatError(path, "", f"expected arrays x and y: {error.args[0]}") from None
    except (ValueError, zipfile.BadZipFile) as error:
        raise FormatError(path, "x and y", str(error)) from None


def write(path: Path, curve: Curve) -> None:
    """Write the curve."""
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, x=curve.x, y=curve.y)
