"""How crops and locations of each label are spread over the splits, and where that is extreme.

Source: inspect_dataset of the original; README, "Inspect dataset".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core.splits import ALL, TRAIN

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Thresholds:
    """Below what a label is extreme in a split: a number, and a share of all of the label.

    Locations are extreme below either, crops below both.
    """

    locations: tuple[float, float] = (5, 0.1)
    train_locations: tuple[float, float] = (10, 0.4)
    crops: tuple[float, float] = (300, 0.09)
    train_crops: tuple[float, float] = (1000, 0.4)


@dataclass(frozen=True, slots=True)
class Extreme:
    """A label with few of something (``locations`` or ``crops``) in a split, and its share."""

    label: str
    split: str
    of: str
    number: int
    share: float


@dataclass(frozen=True, eq=False)
class LabelShares:
    """See the module: L labels, S splits, and (L, S) numbers of crops and of locations."""

    labels: tuple[str, ...]
    splits: tuple[str, ...]
    crops: Ints
    locations: Ints

    @classmethod
    def of(cls, labels: Sequence[str], crops: Ints, sides: Sequence[Sequence[int]]) -> LabelShares:
        """Count (P, L) crops; ``sides`` has the splits of each place, as positions in ``ALL``."""
        inside = np.zeros((len(ALL), len(sides)), np.int64)
        for place, its in enumerate(sides):
            inside[list(its), place] = 1
        return cls(tuple(labels), ALL, (inside @ crops).T, (inside @ (crops > 0)).T)

    def rows(self) -> Iterator[list[str]]:
        """Yield a line for each label: its name, and in each split its crops and locations."""
        for label, crops, places in zip(self.labels, self.crops, self.locations, strict=True):
            pairs = zip(crops.tolist(), places.tolist(), strict=True)
            yield [label, *(f"{number:,} ({at:,})" for number, at in pairs)]

    def weights(self) -> npt.NDArray[np.float64]:
        """Return about how much a crop to train on would weigh, (L,); infinite where none is."""
        train = self.crops[:, self.splits.index(TRAIN)]
        weights = np.full(len(self.labels), np.inf)
        return np.divide(train.sum(), train * len(self.labels), out=weights, where=train > 0)

    def extremes(self, least: Thresholds) -> list[Extreme]:
        """Return what is below its thresholds: locations first, then crops, by split and label."""
        return [
            *self._below("locations", self.locations, least.train_locations, least.locations),
            *self._below("crops", self.crops, least.train_crops, least.crops),
        ]

    def _below(
        self, of: str, counts: Ints, train: tuple[float, float], held: tuple[float, float]
    ) -> Iterator[Extreme]:
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for at, split in enumerate(self.splits):
            number, share = train if split == TRAIN else held
            few, small = counts[:, at] < number, shares[:, at] < share
            for i in np.flatnonzero(few | small if of == "locations" else few & small):
                yield Extreme(self.labels[i], split, of, int(counts[i, at]), float(shares[i, at]))
