"""Which locations train, validate and test, so that no camera's background is in two of them.

===========  ==================================================================================
``draw``     train and test of a dataset of crops: the original's draw
``hold_out`` a part of the training crops that validates: of some hundred choices the fairest
``deal``     train, val and test of the demo world: of 2,000 deals the fairest
===========  ==================================================================================

A location is kept as its source wrote it (13, "013") and is text wherever two are compared; a blank
one is none, as null is.
"""

from __future__ import annotations

import difflib
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core.annotations import ImageId, Location
from database_tools.core.errors import UserError

TRAIN, VAL, TEST = "train", "val", "test"
SPLITS = (TRAIN, TEST)
"""Of a dataset of crops."""

ALL = (TRAIN, VAL, TEST)
"""Of what a classifier learns from."""

UNKNOWN = "unknown_location"
"""Written where a table must have a location and the source has none."""

_SEED = 0
_MOST_CHOICES = 100
_CHOICE_WORK = 20_000  # locations looked at over all choices: some tenths of a second
_DEALS = 2000
_DEALT = 0.2  # of the locations, to val and to test each

_OTHER_NAMES = ("location", "site", "camera", "station", "deployment", "trap")
"""What people call the key, the likeliest first."""

Ints = npt.NDArray[np.integer]


def known(location: Location | None) -> Location | None:
    """Return a location, None for a text that is empty or blank."""
    return None if isinstance(location, str) and not location.strip() else location


def text(location: Location) -> str:
    """Return what a location is compared by: 3.0, as tables with gaps write 3, is "3"."""
    whole = isinstance(location, float) and location.is_integer()
    return str(int(location) if whole else location)


def in_order(locations: Iterable[Location]) -> list[str]:
    """List distinct locations as texts: numbers sorted as numbers, texts as texts.

    Where both occur all count as texts, so that 13 and "13" are one place.
    """
    distinct = set(locations)
    if any(isinstance(location, str) for location in distinct):
        return sorted({text(location) for location in distinct})
    return [text(location) for location in sorted(distinct)]


def fill_missing(
    locations: Sequence[Location | None], ids: Sequence[ImageId], policy: str
) -> list[str | None]:
    """Give a location, as text, to pictures that have none.

    By ``policy``: ``together``: one place for all of them; ``each``: a place of its own for each;
    ``drop``: stays None.
    """
    stand_ins = {"together": "no location", "each": "no location, image {}"}
    stand_in = stand_ins.get(policy)
    return [
        text(location)
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


def draw(
    locations: Sequence[str],
    test_fraction: float,
    labels: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, str]:
    """Draw the locations that test; at least one, unless the fraction is 0.

    Args:
        locations: distinct, in the order of ``in_order``.
        test_fraction: of the locations, in [0, 1]; their number is rounded down.
        labels: of each location.  If given, a label of several locations keeps one of them in
            train: the draw passes over a location that would take the last, and fewer may test.

    Returns:
        Location to TRAIN or TEST, in the order given.

    Source: legacy make_classification_dataset.py, ``random.seed(0)`` and ``random.sample``.
    """
    number = max(1, int(test_fraction * len(locations))) if test_fraction > 0 else 0
    rng = random.Random(_SEED)
    test = rng.sample(locations, min(number, len(locations)))
    if labels is not None:
        rest = [location for location in locations if location not in set(test)]
        test = _covering([*test, *rng.sample(rest, len(rest))], number, labels)
    chosen = set(test)
    return {location: TEST if location in chosen else TRAIN for location in locations}


def _covering(order: Sequence[str], number: int, labels: Mapping[str, Iterable[str]]) -> list[str]:
    """Take the first locations that leave each label of several locations one of them."""
    of = {location: frozenset(labels.get(location, ())) for location in order}
    left = Counter(label for location in order for label in of[location])
    single = {label for label, places in left.items() if places == 1}
    taken: list[str] = []
    for location in order:
        if len(taken) == number:
            break
        if all(left[label] > 1 for label in of[location] - single):
            taken.append(location)
            left.subtract(of[location])
    return taken


@dataclass(frozen=True, eq=False)
class _Table:
    """How many examples of which label each location has.

    Attributes:
        labels: those present, sorted; L of them.
        places: the locations present, sorted; P of them.
        place_of: (n,) row of ``places`` of each example.
        of_place: for each place the positions of its labels and their counts; most have few.
        total: (L,) examples of each label.
    """

    labels: npt.NDArray[np.generic]
    places: npt.NDArray[np.generic]
    place_of: Ints
    of_place: Sequence[tuple[Ints, Ints]]
    total: Ints

    @classmethod
    def of(cls, labels: npt.ArrayLike, locations: npt.ArrayLike) -> _Table:
        present, rows = np.unique(np.asarray(labels), return_inverse=True)
        places, place_of = np.unique(np.asarray(locations), return_inverse=True)
        pairs, counts = np.unique(place_of * len(present) + rows, return_counts=True)
        edges = np.flatnonzero(np.diff(pairs // len(present))) + 1
        split = zip(np.split(pairs % len(present), edges), np.split(counts, edges), strict=True)
        return cls(present, places, place_of, list(split), np.bincount(rows))


def hold_out(labels: Ints, locations: Ints, fraction: float, seed: int) -> npt.NDArray[np.bool_]:
    """Choose whole locations that hold about ``fraction``, in [0, 1), of the examples, by a seed.

    Of up to 100 random choices the one that comes nearest to ``fraction`` of each label is
    taken; with some thousand locations a few do.

    Returns:
        (n,) bool, true for the part held out.  No label loses more than half of its examples,
        so each stays in the rest; the part may be smaller than asked for, or empty, when few
        locations leave no other way.
    """
    if not len(labels):
        return np.zeros(0, bool)
    table = _Table.of(labels, locations)
    rng = np.random.Generator(np.random.Philox(seed))
    choices = [
        _one_choice(table, fraction, rng.permutation(len(table.places)))
        for _ in range(max(1, min(_MOST_CHOICES, _CHOICE_WORK // len(table.places))))
    ]
    best = min(choices, key=lambda one: float(((one[1] / table.total - fraction) ** 2).sum()))
    return np.isin(table.place_of, best[0])


def _one_choice(table: _Table, fraction: float, order: Ints) -> tuple[list[int], Ints]:
    """Take locations in this order as long as that brings their sum nearer to the fraction.

    Returns:
        The locations, and how many examples of each label they hold.
    """
    target = fraction * table.total.sum()
    chosen: list[int] = []
    taken, number = np.zeros_like(table.total), 0
    for place in order:
        labels, counts = table.of_place[place]
        more = int(counts.sum())
        if abs(number + more - target) >= abs(number - target):
            continue
        if (2 * (taken[labels] + counts) <= table.total[labels]).all():
            chosen.append(int(place))
            taken[labels] += counts
            number += more
    return chosen, taken


def deal(labels: Sequence[str], locations: Sequence[str]) -> dict[str, frozenset[str]]:
    """Deal locations to train, val and test so that each has its share of every label.

    Of 2,000 seeded deals, 60:20:20 by number of locations, the one whose shares of each label are
    nearest to that; a deal that leaves a label out of train is taken only if all do.

    Raises:
        UserError: if there are fewer than three locations.
    """
    if len(set(locations)) < len(ALL):
        number = len(set(locations))
        raise UserError(f"train, val and test need 3 locations with animals, got {number}")
    table = _Table.of(labels, locations)
    counts = np.zeros((len(table.places), len(table.labels)))
    for row, (present, numbers) in zip(counts, table.of_place, strict=True):
        row[present] = numbers
    held = max(1, round(_DEALT * len(counts)))
    rng = np.random.default_rng(_SEED)
    deals = (rng.permutation(len(counts)) for _ in range(_DEALS))
    best = min(deals, key=lambda one: _unfairness(counts, one, held))
    parts = {VAL: best[:held], TEST: best[held : 2 * held], TRAIN: best[2 * held :]}
    return {name: frozenset(str(table.places[i]) for i in part) for name, part in parts.items()}


def _unfairness(counts: npt.NDArray[np.float64], one: Ints, held: int) -> float:
    """Squared distances from each label's fair shares; much more where a part lacks a label."""
    parts = (one[2 * held :], one[:held], one[held : 2 * held])
    dealt = np.stack([counts[part].sum(axis=0) for part in parts]) / counts.sum(axis=0)
    fair = np.array([[1 - 2 * _DEALT], [_DEALT], [_DEALT]])
    lacking = (dealt == 0).sum(axis=1) @ np.array([1000, 0.3, 0.3])
    return float(((dealt - fair) ** 2).sum() + lacking)
