"""Learning on embeddings so that new locations are what counts: folds of whole locations.

How strong the penalty is, how far logits can be trusted, and what is said of a crop that nothing
was learnt from: each is asked of heads that did not see the crop's location.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from database_tools.core.weights import balance
from tf_classification.evaluation import calibration
from tf_classification.heads import head as heads
from tf_classification.heads.head import Basis, Floats, Head, Ints

log = logging.getLogger(__name__)

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
FOLDS = 5
_USUAL = 1.0
"""Taken unless another is better at more locations than chance would have it."""

_SURE = 2.0
"""Standard errors, by location, that another one must be better by."""

MOST_TO_CHOOSE = 10_000
"""Crops that the strength is chosen by."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a head is learnt from.

    Attributes:
        features: (n, views, F); each view is learnt, their mean is what is asked about.
        labels: (n,) positions of labels.
        locations: (n,) numbers of locations.
        weights: (n,) at least 0, before all labels are made to weigh the same.
        num_labels: L.
    """

    features: Floats
    labels: Ints
    locations: Ints
    weights: Floats
    num_labels: int

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, rows: Ints) -> Lesson:
        """Return the lesson of some crops."""
        columns = (self.labels[rows], self.locations[rows], self.weights[rows])
        return Lesson(self.features[rows], *columns, self.num_labels)


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of a lesson.

    Attributes:
        head: of features.
        strength: that was chosen.
        rows: (m,) crops that were asked about without their location: those whose label is at
            other ones too, and of many a sample.
        logits: (m, L) what was said of them.
    """

    head: Head
    strength: float
    rows: Ints
    logits: Floats


def learn(lesson: Lesson, seed: int) -> Learnt:
    """Choose the strength by folds, then learn from all.

    The sums are made on one processor, so their last bits are the same every time.  Only libraries
    that are there already obey: hence scikit-learn is imported above, not where it is called.
    """
    with threadpool_limits(1):
        rows = sample(lesson.labels, MOST_TO_CHOOSE, seed)
        strength, said, fair = choose(lesson.of(rows), seed)
        return Learnt(Learner(lesson, seed).head(strength), strength, rows[fair], said[fair])


def choose(lesson: Lesson, seed: int) -> tuple[float, Floats, npt.NDArray[np.bool_]]:
    """Choose the strength by folds; return it and what ``out_of_fold`` does for it."""
    said, fair = out_of_fold(lesson, STRENGTHS, seed)
    asked = lesson.of(np.flatnonzero(fair))
    known = {c: logits[fair] for c, logits in said.items()}
    strength = _best(known, asked) if len(asked) else _USUAL
    return strength, said[strength], fair


def out_of_fold(
    lesson: Lesson, strengths: Sequence[float], seed: int
) -> tuple[dict[float, Floats], npt.NDArray[np.bool_]]:
    """Ask about each crop heads that did not see its location.

    Returns:
        (n, L) logits by strength, and (n,) whether these heads had seen the crop's label at all.
    """
    fair = np.zeros(len(lesson), bool)
    said = {c: np.zeros((len(lesson), lesson.num_labels), np.float32) for c in strengths}
    for seen, unseen in folds(lesson.labels, lesson.locations, seed):
        learner = Learner(lesson.of(seen), seed)
        for strength, logits in said.items():
            logits[unseen] = learner.head(strength).logits(lesson.features[unseen])
        fair[unseen] = np.isin(lesson.labels[unseen], lesson.labels[seen])
    return said, fair


def folds(labels: Ints, locations: Ints, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows to learn from and rows to ask about, which share no location.

    Crops of one location only, or of one label in what would be learnt from, are dealt one by one.
    """
    number = min(FOLDS, len(np.unique(locations)), int(np.bincount(labels).max()))
    if number > 1:
        deal = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
        with warnings.catch_warnings():  # of labels with fewer crops than folds
            warnings.simplefilter("ignore", UserWarning)
            found = list(deal.split(labels, labels, locations))
        if all(len(np.unique(labels[seen])) > 1 for seen, _ in found):
            yield from found
            return
    log.warning("too few locations to choose by: crops of one location are in several folds")
    for seen, unseen in KFold(min(FOLDS, len(labels)), shuffle=True, random_state=seed).split(
        labels
    ):
        if len(np.unique(labels[seen])) > 1:
            yield seen, unseen


def sample(labels: Ints, most: int, seed: int) -> Ints:
    """Return rows, ascending, of at most about ``most``: rare labels whole, common ones in part."""
    counts = np.bincount(labels)
    each = largest_share(counts, most)
    return of_each(labels, each, seed)


def largest_share(counts: Ints, most: int) -> int:
    """Return how many crops of each label can be taken, so that there are at most ``most``."""
    each = int(counts.max(initial=1))
    while np.minimum(counts, each).sum() > most and each > 1:
        rest = most - counts[counts < each].sum()
        each = max(1, min(each - 1, int(rest // max((counts >= each).sum(), 1))))
    return each


def of_each(labels: Ints, most: int, seed: int) -> npt.NDArray[np.int64]:
    """Return rows, ascending: of each label ``most`` that are drawn, or all of fewer."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[place < most])


class Learner:
    """Learns heads of different strengths from one lesson."""

    def __init__(self, lesson: Lesson, seed: int) -> None:
        views, self._number = lesson.features.shape[1], lesson.num_labels
        few = lesson.features[sample(lesson.labels, MOST_TO_CHOOSE, seed)]
        self._basis = Basis.of(few.reshape(len(few) * views, -1), seed)
        self._points = self._basis.points(lesson.features.reshape(len(lesson) * views, -1))
        self._labels = np.repeat(lesson.labels, views)
        self._weights = balance(self._labels, np.repeat(lesson.weights, views) / views)

    def head(self, strength: float) -> Head:
        """Learn one of features."""
        found = heads.fit(self._points, self._labels, self._weights, self._number, strength)
        return self._basis.fold(found)


def _best(said: Mapping[float, Floats], lesson: Lesson) -> float:
    """Choose a strength by what heads of each said of crops whose location they had not seen.

    With few crops or locations all are equally good, or seem otherwise by chance.
    """
    costs = {c: _costs(logits, lesson) for c, logits in said.items()}
    best = min(costs, key=lambda c: (costs[c].sum(), c))
    gains = np.bincount(lesson.locations, costs[_USUAL] - costs[best])
    return best if gains.sum() > _SURE * np.sqrt((gains**2).sum()) else _USUAL


def _costs(logits: Floats, lesson: Lesson) -> Floats:
    """Return (n,) negative log-likelihoods at the best temperature, labels weighing alike."""
    fitted = calibration.temperature(logits, lesson.labels)
    sure = fitted.probabilities(logits)[np.arange(len(lesson)), lesson.labels]
    return -balance(lesson.labels, lesson.weights) * np.log(np.maximum(sure, 1e-6))
