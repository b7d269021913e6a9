"""Finds splits of crops into train, val and test by whole locations.

Two ways, both over a table of counts, so that millions of crops cost what their locations cost:

random          10,000 shuffles of the locations; the one whose labels come nearest to the
                fractions wins
smallest_first  labels from rare to common give their smallest locations to test, then to val,
                until each has its share; what is left trains

Source: README, "Splitting training examples by geographic location"; the random score is the
original's create_classification_dataset.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TRAIN, VAL, TEST = 0, 1, 2

TRIES = 10_000
_DEALT, _SCORED = 250, 2000
"""Tries that are dealt and scored together: some 20 megabytes for a thousand locations.  In smaller
products a BLAS of several threads spends more time on waiting than on multiplying."""

_JITTER = 0.03

_ROUGH = 0.01  # scores are some units: more than float32 is wrong by, for hundreds of labels
Location = tuple[str, str]
"""(dataset, location)"""

Choice = npt.NDArray[np.int8]
"""(n_locations,) of TRAIN, VAL and TEST."""

Targets = Sequence[float]
"""Fraction of train, of val and, unless there is no test split, of test."""


@dataclass(frozen=True, eq=False)
class LocationTable:
    """How many crops of each label each location has, (locations, labels), both sorted."""

    locations: tuple[Location, ...]
    labels: tuple[str, ...]
    crops: npt.NDArray[np.int64]

    @classmethod
    def count(
        cls, rows: Iterable[tuple[Location, str]] | Mapping[tuple[Location, str], int]
    ) -> LocationTable:
        """Count crops given as (location, label), in any order, or as numbers of these."""
        counts = Counter(rows)
        locations = tuple(sorted({location for location, _ in counts}))
        labels = tuple(sorted({label for _, label in counts}))
        at_location = {location: i for i, location in enumerate(locations)}
        at_label = {label: i for i, label in enumerate(labels)}
        crops = np.zeros((len(locations), len(labels)), np.int64)
        for (location, label), number in counts.items():
            crops[at_location[location], at_label[label]] = number
        return cls(locations, labels, crops)

    def without(self, locations: Collection[Location]) -> LocationTable:
        """Return the table of the other locations; labels that lose all of theirs go too."""
        keep = np.array([location not in locations for location in self.locations], bool)
        crops = self.crops[keep]
        there = crops.any(axis=0)
        kept = (x for x, is_kept in zip(self.locations, keep, strict=True) if is_kept)
        labels = (x for x, is_there in zip(self.labels, there, strict=True) if is_there)
        return LocationTable(tuple(kept), tuple(labels), crops[:, there])


def score(
    crops: npt.NDArray[np.int64],
    choices: npt.NDArray[np.int8],
    targets: Targets,
    numbers: type[np.floating] = np.float64,
) -> npt.NDArray[np.float64]:
    """Say how far choices are from the fractions that were asked for; less is better.

    Args:
        crops: (n_locations, n_labels), every label with at least one crop.
        choices: (n, n_locations) of TRAIN, VAL and TEST.
        targets: what was asked for.
        numbers: to count with; float32 is exact below 16 million crops, and takes half the time.

    Returns:
        (n,) float64: over the splits, twice the squared errors of each label's share of crops
        plus those of each label's share of locations.
    """
    n_labels = crops.shape[1]
    # Crops and locations of each label side by side: one matrix product counts both.
    counts = np.hstack([crops, crops > 0]).astype(numbers)
    weights = np.repeat([2.0, 1.0], n_labels)
    totals = counts.sum(axis=0)
    held = np.concatenate([choices == split for split in range(1, len(targets))])
    inside = np.split(held.astype(numbers) @ counts, len(targets) - 1)
    inside.insert(TRAIN, totals - sum(inside, np.zeros_like(totals)))
    errors = (part / totals - target for part, target in zip(inside, targets, strict=True))
    return np.asarray(sum((error**2) @ weights for error in errors), np.float64)


def random(
    crops: npt.NDArray[np.int64], val: float, test: float, seed: int, tries: int = TRIES
) -> Choice:
    """Choose the best of many random choices, the first of equal ones; same seed, same choice.

    ``crops`` is (locations, labels), one or more of each label; about ``val`` and ``test`` of the
    locations go there.
    """
    targets = [1 - val - test, val] + ([test] if test else [])
    rng = np.random.Generator(np.random.Philox(seed))
    best, least = np.zeros(len(crops), np.int8), np.inf
    for start in range(0, tries, _SCORED):
        sizes = (
            min(_DEALT, tries - at) for at in range(start, min(start + _SCORED, tries), _DEALT)
        )
        choices = np.concatenate([_shuffles(rng, n, len(crops), targets) for n in sizes])
        rough = score(crops, choices, targets, np.float32)
        choices = choices[rough <= min(rough.min(), least) + _ROUGH]
        if not len(choices):
            continue
        scores = score(crops, choices, targets)
        first = int(scores.argmin())
        if scores[first] < least:
            best, least = choices[first], scores[first]
    return best


def _shuffles(
    rng: np.random.Generator, tries: int, locations: int, targets: Targets
) -> npt.NDArray[np.int8]:
    """Deal the locations at random, by sizes that vary a little about the fractions."""
    fractions = np.array(targets[:2]) + rng.uniform(-_JITTER, _JITTER, (tries, 2))
    sizes = np.floor(np.clip(fractions, 0, 1) * locations).astype(np.int64)
    train, val = sizes[:, :1], sizes[:, 1:]
    place = np.arange(locations)
    dealt = (place >= train).astype(np.int8)
    if len(targets) > TEST:
        dealt += place >= train + val
    return rng.permuted(dealt, axis=1)


def smallest_first(
    table: LocationTable,
    val: float,
    test: float,
    priorities: Mapping[str, Sequence[Collection[str]]] | None = None,
) -> Choice:
    """Fill test, then val, with the smallest locations of the rarest labels, up to shares of crops.

    Of a label with ``priorities``, levels of datasets, those of an earlier level come first,
    those of no level last.
    """
    sizes = table.crops.sum(axis=0)
    taken = {TEST: np.zeros_like(sizes), VAL: np.zeros_like(sizes)}
    wanted = {TEST: test * sizes, VAL: val * sizes}
    choice = np.full(len(table.locations), -1, np.int8)
    for label in np.lexsort((np.arange(len(sizes)), sizes)):
        levels = (priorities or {}).get(table.labels[label], ())
        rows = np.flatnonzero((table.crops[:, label] > 0) & (choice < 0))
        level = np.array([_level(table.locations[row][0], levels) for row in rows], np.int64)
        for row in rows[np.lexsort((rows, table.crops[rows, label], level))]:
            split = next((s for s in (TEST, VAL) if taken[s][label] < wanted[s][label]), TRAIN)
            choice[row] = split
            if split != TRAIN:
                taken[split] += table.crops[row]
    return choice


def _level(dataset: str, levels: Sequence[Collection[str]]) -> int:
    return next((i for i, datasets in enumerate(levels) if dataset in datasets), len(levels))
