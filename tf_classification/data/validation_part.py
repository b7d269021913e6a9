"""Splits a validation part off training crops, by the locations of their cameras."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.core.splits import hold_out

FRACTION = 0.2
"""Part of the training crops that validates by default."""


def numbered(
    *places: Sequence[str],
) -> tuple[tuple[tuple[str, str], ...], list[npt.NDArray[np.int32]]]:
    """Number the locations of several lists of crops together.

    Returns:
        What ``Dataset.locations`` holds of a dataset without a name, and for each list the
        numbers of its locations, (n,).
    """
    found = {str(place): i for i, place in enumerate(np.unique([*itertools.chain(*places)]))}
    numbers = [np.array([found[place] for place in part], np.int32) for part in places]
    return tuple(("", place) for place in found), numbers


def choose(
    folder: Path,
    labels: npt.NDArray[np.int32],
    places: tuple[Sequence[str], npt.NDArray[np.int32]],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Choose the crops that validate.

    Args:
        folder: of the dataset, for messages.
        labels: (n,) of the training crops.
        places: their locations as texts and as numbers, (n,) each; "" is none.
        fraction: about which part, in whole locations; 0 for none.
        seed: of the choice.

    Raises:
        FormatError: if a crop has no location, or there are too few.
    """
    texts, locations = places
    if not fraction:
        return np.zeros(len(labels), bool)
    if none := sum(not text for text in texts):
        rule = f"{none} crops have no location to split validation off by"
        raise FormatError(folder, "train", f"{rule}; build the dataset with --location_key")
    held = hold_out(labels, locations, fraction, seed)
    if not held.any():
        rule = (
            f"none of {len(np.unique(locations))} locations can validate without taking more "
            "than half of some class's crops; use more locations, or --val_fraction 0 for none"
        )
        raise FormatError(folder, "train", rule)
    return held
