"""Which locations train and which test, so that no camera's background is in both.

The draw is the original's: the same locations for the same input and fraction.

    draw(["A", "B", "C", "D", "E", "F"], 0.2)  ->  {"A": "train", ..., "D": "test", ...}
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Iterable, Mapping, Sequence

from database_tools.core.annotations import ImageId, Location

TRAIN, TEST = "train", "test"
SPLITS = (TRAIN, TEST)

MISSING_LOCATION = ("error", "drop", "together", "each")
"""What may be done with pictures that have no location."""

_SEED = 0

_OTHER_NAMES = ("location", "site", "camera", "station", "deployment", "trap")
"""What people call the key, the likeliest first."""


def in_order(locations: Iterable[Location]) -> list[str]:
    """List distinct locations as texts: numbers sorted as numbers, texts as texts.

    Where both occur all count as texts, so that 13 and "13" are one place.
    """
    distinct = set(locations)
    if any(isinstance(location, str) for location in distinct):
        return sorted({str(location) for location in distinct})
    return [str(location) for location in sorted(distinct)]


def draw(locations: Sequence[str], test_fraction: float) -> dict[str, str]:
    """Draw the locations that test; at least one, unless the fraction is 0.

    Args:
        locations: distinct, in the order of ``in_order``.
        test_fraction: of the locations, in [0, 1]; their number is rounded down.

    Returns:
        Location to TRAIN or TEST, in the order given.

    Source: legacy make_classification_dataset.py, ``random.seed(0)`` and ``random.sample``.
    """
    number = max(1, int(test_fraction * len(locations))) if test_fraction > 0 else 0
    test = set(random.Random(_SEED).sample(locations, min(number, len(locations))))
    return {location: TEST if location in test else TRAIN for location in locations}


def fill_missing(
    locations: Sequence[Location | None], ids: Sequence[ImageId], policy: str
) -> list[str | None]:
    """Give a location, as text, to pictures that have none.

    Args:
        locations: one a picture, None for none.
        ids: of the pictures.
        policy: ``together``: one place for all of them; ``each``: a place of its own for each;
            ``drop``: stays None.
    """
    stand_ins = {"together": "no location", "each": "no location, image {}"}
    stand_in = stand_ins.get(policy)
    return [
        str(location)
        if location is not None
        else (stand_in.format(number) if stand_in is not None else None)
        for location, number in zip(locations, ids, strict=True)
    ]


def empty(splits: Mapping[str, str]) -> str | None:
    """Return the split that has no location, if one has none."""
    return next((split for split in SPLITS if split not in splits.values()), None)


def nearest_key(key: str, keys: Sequence[str]) -> str | None:
    """Return the one of ``keys`` that was probably meant by ``key``, if any is likely."""
    if close := difflib.get_close_matches(key, keys, n=1):
        return close[0]
    return next((k for name in _OTHER_NAMES for k in keys if name in k.lower()), None)
