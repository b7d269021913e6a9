"""Thresholds that keep a promise: what can be accepted without a look.

The promise: the precision at new locations, of all accepted crops together and of each label
with its own threshold (counted per label, not jointly), is at least the target with 90 %
confidence.

The lowest threshold whose accepted crops look good enough is a winner's curse: among many
candidates some look good by chance.  Here candidates are tested in an order that is fixed before
anything is known of right and wrong, from the one that the confidences recommend most down to
lower ones, and the first that fails ends the walk.  So only one of them can be accepted by
mistake, and that in one case of ten.

Source: A. Angelopoulos et al., "Learn then Test" (2021), fixed sequence testing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import precision_bounds
from database_tools.core.precision_bounds import Floats, Judged

PROMISE = (
    "the precision at new locations, of all accepted crops together and of each label with its "
    "own threshold (counted per label, not jointly), is at least the target with 90 % confidence"
)
# Fewer locations do not tell how much locations differ: no threshold of one's own.
FEWEST_LOCATIONS = 8
_FEWEST = 20  # accepted crops of a candidate
_STEP = 1.15  # each next candidate accepts so many times as many


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What was chosen for C labels.

    Attributes:
        values: (C,) accept a prediction that is at least this sure; NaN: none of the label.
        own: (C,) bool, whether the label's own crops bear its threshold; else it is that of all
            labels together, which promises nothing of this label alone.
    """

    values: Floats
    own: npt.NDArray[np.bool_]


def choose(
    judged: Judged, predicted: npt.NDArray[np.integer], num_labels: int, target: float
) -> Thresholds:
    """Choose the thresholds of labels that keep a precision of ``target``, in (0, 1].

    ``judged`` are (N,) predictions that no threshold and no network was learnt from, with any
    location numbers, and ``predicted`` their labels.
    """
    values = np.full(num_labels, np.nan)
    _, place = np.unique(judged.place, return_inverse=True)
    judged = Judged(judged.confidence, judged.right, place)
    of_all = precision_bounds.spread(judged, judged.place)
    cells = judged.place * num_labels + predicted
    of_label = max(of_all, precision_bounds.spread(judged, cells))
    for label in np.unique(predicted):
        values[label] = lowest(judged.of(predicted == label), of_label, target)
    own = ~np.isnan(values)
    shared = _together(judged, values[predicted], of_all, target)
    borrow = [
        not own[i] and _fits(judged.of(predicted == i), shared, of_label, target)
        for i in range(num_labels)
    ]
    return Thresholds(np.where(borrow, shared, values), own)


def lowest(judged: Judged, spread: float, target: float) -> float:
    """Return the lowest threshold that keeps the target; NaN if none can be shown to."""
    ordered = judged.of(np.argsort(-judged.confidence, kind="stable"))
    heads = [ordered.of(slice(number)) for number in _candidates(ordered.confidence)]
    expected = [_bound(head, float(head.confidence.sum()), spread) for head in heads]
    found = np.nan
    for head in heads[int(np.argmax(expected)) if heads else 0 :]:
        if _bound(head, int(head.right.sum()), spread) < target:
            break
        found = float(head.confidence[-1])
    return found


def _bound(accepted: Judged, hits: float, spread: float) -> float:
    """Return what the precision is at least; 0 where too few locations were seen to say."""
    few = len(np.unique(accepted.place)) < FEWEST_LOCATIONS
    return 0.0 if few else precision_bounds.lower(accepted, hits, spread)


def _candidates(confidence: Floats) -> list[int]:
    """Return how many of the surest each candidate accepts; equals are accepted together."""
    number = len(confidence)
    if number < _FEWEST:
        return []
    last = np.flatnonzero(np.append(np.diff(confidence) != 0, True)) + 1
    steps = np.arange(np.log(number / _FEWEST) / np.log(_STEP))
    wanted = np.append(_FEWEST * _STEP**steps, number)
    return np.unique(last[np.searchsorted(last, wanted)]).tolist()


def _together(judged: Judged, own: Floats, spread: float, target: float) -> float:
    """Return the threshold of all labels, with which all that is accepted keeps the target.

    ``own`` is (N,), NaN where a label has none of its own.
    """
    start = lowest(judged, spread, target)
    if np.isnan(start):
        return start
    ordered = np.sort(judged.confidence)[::-1]
    for number in reversed(_candidates(ordered)):
        shared = float(ordered[number - 1])
        accepted = judged.of(judged.confidence >= np.where(np.isnan(own), shared, own))
        if shared >= start and _bound(accepted, int(accepted.right.sum()), spread) >= target:
            return shared
    return np.nan


def _fits(judged: Judged, shared: float, spread: float, target: float) -> bool:
    """Tell whether a label's own crops do not speak against the threshold of all labels."""
    accepted = judged.of(judged.confidence >= shared)
    wrong = int((~accepted.right).sum())
    return not wrong or precision_bounds.lower(accepted, wrong, spread) <= 1 - target
