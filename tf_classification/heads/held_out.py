"""What heads say of every crop of a dataset that saw nothing of its location.

Five heads, each learnt without a fifth of the locations, which it is then asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from tf_classification.embeddings.index import Embeddings
from tf_classification.evaluation import calibration
from tf_classification.heads import folds
from tf_classification.heads.folds import Learner, Lesson
from tf_classification.heads.head import Floats, Ints
from tf_classification.heads.request import MOST


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops with labels: (n,) rows of the embeddings, and numbers of labels and locations."""

    rows: Ints
    labels: Ints
    locations: Ints
    num_labels: int

    def lesson(self, found: Embeddings, chosen: Ints) -> Lesson:
        """Return what some of them teach."""
        columns = (self.labels[chosen], self.locations[chosen], np.ones(len(chosen)))
        return Lesson(found.features(self.rows[chosen]), *columns, self.num_labels)


def log_probabilities(
    found: Embeddings, crops: Crops, seed: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Ask of each crop a head that did not see its location.

    Returns:
        (n, L) logarithms of calibrated probabilities, and (n,) whether that head had seen the
        crop's label at all: else they say nothing of it.
    """
    with threadpool_limits(1):
        said, fair = _logits(found, crops, seed)
    heat = calibration.temperature(said[fair], crops.labels[fair]).temperature if any(fair) else 1
    scaled = said / np.float32(heat)
    scaled -= scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)), fair


def _logits(
    found: Embeddings, crops: Crops, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    few = folds.sample(crops.labels, folds.MOST_TO_CHOOSE, seed)
    strength, said, fair = folds.choose(crops.lesson(found, few), seed)
    if len(few) == len(crops.labels):
        return np.asarray(said, np.float32), fair
    logits = np.zeros((len(crops.labels), crops.num_labels), np.float32)
    fair = np.zeros(len(crops.labels), bool)
    for seen, unseen in folds.folds(crops.labels, crops.locations, seed):
        chosen = seen[folds.sample(crops.labels[seen], MOST // found.facts.views, seed)]
        head = Learner(crops.lesson(found, chosen), seed).head(strength)
        parts = [head.logits(features) for _, features in found.batches(crops.rows[unseen])]
        logits[unseen] = np.concatenate(parts)
        fair[unseen] = np.isin(crops.labels[unseen], crops.labels[seen])
    return logits, fair
