"""Which crops an epoch of training sees, and in which order: a plan made of numbers.

The plan is a pure function of (seed, epoch), so a resumed run, or each of several workers,
computes the same one and needs no state but the epoch and an offset.

How often a label is drawn is proportional to its total weight to the power of 1 - ``power``:
power 0 leaves the labels as they are, power 1 draws all equally often.  Both levels are
systematic samples: a label is drawn floor or ceil of its expectation, and so is each crop
within its label, so that crops of equal weight are used equally often (give or take one).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sampling:
    """How an epoch is drawn.

    Attributes:
        power: between 0, labels as often as they are, and 1, all labels equally often.
        max_per_location: at most so many crops of one label from one location in an epoch;
            which ones is drawn anew for each epoch.  None for no limit.
        size: number of draws in an epoch; None for the number of crops that one epoch may
            use, so that with power 0 and equal weights each is seen once.
        seed: of all draws, at least 0.
    """

    power: float = 0.0
    max_per_location: int | None = None
    size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise ValueError(f"power must be in [0, 1], got {self.power}")
        if self.max_per_location is not None and self.max_per_location < 1:
            raise ValueError(f"max_per_location must be at least 1, got {self.max_per_location}")
        if self.size is not None and self.size < 1:
            raise ValueError(f"size must be at least 1, got {self.size}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")


@dataclass(frozen=True, eq=False)
class EpochPlan:
    """Draws the crops of each epoch.

    Attributes:
        labels: (n,) label of each crop, from 0; a label without crops is never drawn.
        weights: (n,) at least 0, how often crops of one label are drawn relative to each
            other; None for equally often.  A crop of weight 0 is never drawn.
        locations: (n,) location of each crop, needed with ``max_per_location`` only.

    Raises:
        UserError: if the crops of a label have no weight, so that it would never be drawn.
        ValueError: if there is nothing to draw or the columns do not fit together.

    Source: README, "--label-weighted" and "--weight-by-detection-conf".
    """

    labels: npt.NDArray[np.integer]
    sampling: Sampling = Sampling()
    weights: npt.NDArray[np.floating] | None = None
    locations: npt.NDArray[np.integer] | None = None
    _groups: list[Indices] = field(init=False, repr=False)
    _masses: npt.NDArray[np.float64] = field(init=False, repr=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("weights", "locations"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.labels):
                raise ValueError(f"{len(self.labels)} labels, but {len(column)} {name}")
        if self.sampling.max_per_location is not None and self.locations is None:
            raise ValueError("max_per_location needs the locations")
        if self.weights is not None and not (self.weights >= 0).all():
            raise ValueError("weights must be numbers of at least 0")
        groups = self._by_label()
        if self.weights is not None:
            self._require_weight(groups)
        masses, usable = np.array([self._mass(group) for group in groups]).reshape(-1, 2).T
        if not masses.sum() > 0:
            raise ValueError("no crop to draw")
        object.__setattr__(self, "_groups", groups)
        object.__setattr__(self, "_masses", masses)
        object.__setattr__(self, "size", self.sampling.size or int(usable.sum()))

    def _by_label(self) -> list[Indices]:
        """Return the crops of each label, in the order of the input."""
        # A stable sort of 16-bit keys is a radix sort, ten times as fast as the general one.
        small = self.labels.max(initial=0) < 2**16
        order = np.argsort(self.labels.astype(np.uint16) if small else self.labels, kind="stable")
        if self.weights is not None:
            order = order[self.weights[order] > 0]
        counts = np.bincount(self.labels[order])
        return np.split(order.astype(np.int32), np.cumsum(counts)[:-1])

    def _require_weight(self, groups: list[Indices]) -> None:
        for label in np.unique(self.labels):
            if label >= len(groups) or not len(groups[label]):
                raise UserError(f"label {label} has crops, but each has the weight 0")

    def _mass(self, group: Indices) -> tuple[float, int]:
        """Return the expected total weight of a label's crops in one epoch, and their number."""
        if self.sampling.max_per_location is None or self.locations is None:
            return self._weight(group).sum(), len(group)
        _, place, counts = np.unique(self.locations[group], return_inverse=True, return_counts=True)
        kept = np.minimum(counts, self.sampling.max_per_location)
        share = (kept / counts)[place]  # of being among the kept ones
        return (self._weight(group) * share).sum(), int(kept.sum())

    def _weight(self, group: Indices) -> npt.NDArray[np.float64]:
        if self.weights is None:
            return np.ones(len(group))
        return self.weights[group].astype(np.float64)

    @property
    def frequencies(self) -> npt.NDArray[np.float64]:
        """Expected share of each label in the draws, (number of labels,), sum 1."""
        share = np.zeros(len(self._masses))
        present = self._masses > 0
        share[present] = self._masses[present] ** (1 - self.sampling.power)
        return share / share.sum()

    def indices(self, epoch: int) -> Indices:
        """Return the crops of an epoch in the order of use, (size,) int64."""
        key = np.array([self.sampling.seed, epoch], np.uint64)
        rng = np.random.Generator(np.random.Philox(key=key))
        numbers = _systematic(self.frequencies, self.size, rng)
        wanted = zip(self._groups, numbers, strict=True)
        drawn = np.concatenate([self._draw(group, n, rng) for group, n in wanted if n])
        rng.shuffle(drawn)
        return drawn.astype(np.int64)

    def _draw(self, group: Indices, number: int, rng: np.random.Generator) -> Indices:
        """Draw ``number`` crops of one label, as evenly as their weights allow."""
        shuffled = rng.permutation(group)
        if self.sampling.max_per_location is not None and self.locations is not None:
            shuffled = shuffled[
                _rank_in_group(self.locations[shuffled]) < self.sampling.max_per_location
            ]
        if self.weights is None:
            whole, rest = divmod(number, len(shuffled))
            return np.concatenate([*[shuffled] * whole, shuffled[:rest]])
        weight = self._weight(shuffled)
        return np.repeat(shuffled, _systematic(weight / weight.sum(), number, rng))


def _systematic(shares: npt.NDArray[np.float64], number: int, rng: np.random.Generator) -> Indices:
    """Split ``number`` draws by ``shares``, (k,) with sum 1: each floor or ceil of its part.

    Source: systematic sampling; a comb of ``number`` teeth with one random offset.
    """
    ends = np.cumsum(shares) * number
    ends[-1] = number
    # Away from the teeth's edges, where sums like 0.1 + 0.2 would miss a whole number.
    offset = 1e-5 + (1 - 2e-5) * rng.random()
    passed = np.floor(ends + offset).astype(np.int64)
    passed[1:] -= passed[:-1].copy()
    return passed


def _rank_in_group(group: npt.NDArray[np.integer]) -> Indices:
    """Return how many equal entries are before each one: 7 5 7 7 5 gives 0 0 1 2 1."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    start = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    length = np.diff(start, append=len(group))
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(start, length)
    return rank
