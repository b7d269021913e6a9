"""Learning to tell animals that a head never learnt: see ``models.unknown``.

What is known animals' distance is asked of crops of val, or, where there are none, of each fold of
locations by what is learnt from the others.
"""

from __future__ import annotations

import logging
import math

import numpy as np
import numpy.typing as npt
from sklearn.covariance import ledoit_wolf_shrinkage
from threadpoolctl import threadpool_limits

from tf_classification.heads import folds
from tf_classification.heads.folds import Learner, Lesson
from tf_classification.heads.head import Floats, Head, Ints
from tf_classification.models import unknown
from tf_classification.models.unknown import Shape, Unknown

log = logging.getLogger(__name__)

_AXES = 128
Asked = tuple[Floats, Floats]
"""Squares (n,) and logits (n, L) of crops that nothing was learnt from."""


def shape(features: Floats, labels: Ints) -> Shape:
    """Find centres and covariance of directions; this is shrunk, as crops may be few.

    Args:
        features: (n, F).
        labels: (n,) numbers.

    Source: O. Ledoit and M. Wolf (2004), as scikit-learn has it.
    """
    found = unknown.directions(features)
    names, own = np.unique(labels, return_inverse=True)
    centres = np.stack([found[own == i].mean(axis=0) for i in range(len(names))])
    rest = found - centres[own]
    shrinkage = float(ledoit_wolf_shrinkage(rest, assume_centered=True))
    variances, axes = _axes(rest)
    mean = max(float(variances.mean()), 1e-12)
    shrunk = (1 - shrinkage) * variances + shrinkage * mean
    shrunk = np.maximum(shrunk, 1e-3 * mean)  # where all crops of a label are the same
    kept = axes.shape[1]
    rest_of = float(shrunk[kept:].mean())
    arrays = {"centres": centres, "axes": axes, "variances": shrunk[:kept]}
    return Shape(**{k: v.astype(np.float32) for k, v in arrays.items()}, rest=rest_of)


def _axes(rest: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the variances (F,) of (n, F), falling, and the axes (F, K) of the first of them."""
    number, features = rest.shape
    few = number < features  # what crops have in common is quicker found than what features have
    values, vectors = np.linalg.eigh((rest @ rest.T if few else rest.T @ rest) / number)
    variances = np.zeros(features)
    variances[: len(values)] = np.maximum(values[::-1], 0)
    real = np.count_nonzero(variances > 1e-9 * variances[0])
    kept = vectors[:, ::-1][:, : min(_AXES, features - 1, real)]
    return variances, rest.T @ kept / np.sqrt(number * variances[: kept.shape[1]]) if few else kept


def by_folds(lesson: Lesson, strength: float, seed: int) -> Asked:
    """Ask about crops of each fold of locations what the others teach."""
    squares, logits = [], []
    for seen, unseen in folds.folds(lesson.labels, lesson.locations, seed):
        unseen = unseen[np.isin(lesson.labels[unseen], lesson.labels[seen])]
        learnt = lesson.of(seen)
        features = lesson.features[unseen].mean(axis=1)
        squares.append(shape(learnt.features.mean(axis=1), learnt.labels).squares(features))
        logits.append(Learner(learnt, seed).head(strength).logits(features))
    return np.concatenate(squares), np.concatenate(logits)


def learn(
    lesson: Lesson, head: Head, strength: float, val: Floats, false_alarms: float, seed: int
) -> Unknown | None:
    """Learn what is known.

    Args:
        lesson: what the head was learnt from, or a sample of it.
        head: the head.
        strength: it was learnt with.
        val: (n, F) features of crops of known animals at other locations; may be none.
        false_alarms: share of known animals that may be taken for unknown ones.
        seed: of folds.

    Returns:
        None where there are too few crops to choose a threshold by.
    """
    with threadpool_limits(1):
        found = shape(lesson.features.mean(axis=1), lesson.labels)
        asked = (
            (found.squares(val), head.logits(val)) if len(val) else by_folds(lesson, strength, seed)
        )
    squares, logits = asked
    # of n + 1 crops alike, the next is beyond the r-th of n with a probability of 1 - r / (n + 1)
    rank = math.ceil((1 - false_alarms) * (len(squares) + 1))
    if rank > len(squares):
        log.warning("%d crops are too few to tell unknown animals by", len(squares))
        return None
    spreads = _spread(squares), _spread(logits.max(axis=1))
    threshold = np.sort(unknown.distances(squares, logits, spreads))[rank - 1]
    return Unknown(found, spreads, float(threshold))


def _spread(values: npt.NDArray[np.floating]) -> float:
    return float(values.std(dtype=np.float64)) or 1.0
