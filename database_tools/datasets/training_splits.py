"""From ``classification_ds.csv`` to ``splits.json``: which locations train, validate and test.

A location is in one split only.  The test set may be that of another dataset; what is left then
goes to train and val.

Source: README, "Splitting training examples by geographic location".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from database_tools.core import split_search
from database_tools.core.errors import UserError
from database_tools.core.split_search import Location, LocationTable
from database_tools.formats.splits_json import SPLITS, Splits

log = logging.getLogger(__name__)

RANDOM, SMALLEST_FIRST = "random", "smallest_first"


@dataclass(frozen=True)
class SplitWish:
    """How locations are to be split.

    Attributes:
        val: fraction for val, in [0, 1].
        test: the same for test; 0 for none.
        method: ``random`` or ``smallest_first``.
        seed: of ``random``.
        priorities: label to levels of datasets, whose locations are taken first for test; for
            ``smallest_first`` only.
        matched: locations of a test set that is taken as it is; None for a test set of our own.
    """

    val: float
    test: float = 0.0
    method: str = RANDOM
    seed: int = 0
    priorities: Mapping[str, Sequence[Sequence[str]]] | None = None
    matched: frozenset[Location] | None = None


def make(table: LocationTable, wish: SplitWish) -> Splits:
    """Split the locations of a dataset.

    Raises:
        UserError: if there is no location to split.
    """
    matched = wish.matched or frozenset()
    rest = table.without(matched)
    if not rest.locations:
        raise UserError("no location is left for train and val: all are in the test set to match")
    if wish.method == RANDOM:
        choice = split_search.random(rest.crops, wish.val, wish.test, wish.seed)
    else:
        choice = split_search.smallest_first(rest, wish.val, wish.test, wish.priorities)
    parts = {
        name: frozenset(rest.locations[i] for i in np.flatnonzero(choice == split))
        for split, name in enumerate(SPLITS)
    }
    return {**parts, "test": parts["test"] | matched}


def gaps(table: LocationTable, splits: Splits, wanted: Iterable[str]) -> list[str]:
    """Say which labels have no crop in one of the ``wanted`` splits, a line each."""
    lines = []
    for name in wanted:
        inside = np.array([location in splits[name] for location in table.locations], bool)
        counts = table.crops[inside].sum(axis=0)
        lines += [
            f"{label}: no crop in {name}; it has {places} location(s) in all"
            for label, number, places in zip(
                table.labels, counts, (table.crops > 0).sum(axis=0), strict=True
            )
            if not number
        ]
    return sorted(lines)
