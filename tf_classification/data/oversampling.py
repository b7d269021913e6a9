"""Drawing labels with ``tf.data.Dataset.sample_from_datasets``, as TensorFlow's tutorial does.

An alternative to ``core.sampling.EpochPlan`` for up to 200 labels, for those who know this way.
It draws labels independently, so their numbers scatter; the plan's are exact, and it takes
seconds where this takes minutes (about 10,000 draws a second).  Crops of a label are used
equally often in both.

Source: tensorflow.org, "Classification on imbalanced data", oversampling; README, step 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from database_tools.core.sampling import EpochPlan, Indices, Sampling

MAX_LABELS = 200
"""More datasets than this make an iterator of a size and slowness that serves nobody."""


@dataclass(frozen=True, eq=False)
class OversamplingPlan:
    """Draws the crops of each epoch with the frequencies of a plan.

    Raises:
        ValueError: for more than ``MAX_LABELS`` labels, or a plan with weights of single crops
            or a limit for each location, which this way cannot follow.
    """

    plan: EpochPlan

    def __post_init__(self) -> None:
        if len(self.plan.frequencies) > MAX_LABELS:
            raise ValueError(f"{len(self.plan.frequencies)} labels, at most {MAX_LABELS} can be")
        if self.plan.weights is not None or self.sampling.max_per_location is not None:
            raise ValueError("weights of crops and a limit for each location need the plan")

    @property
    def sampling(self) -> Sampling:
        """How the plan draws."""
        return self.plan.sampling

    @property
    def size(self) -> int:
        """Number of draws in an epoch."""
        return self.plan.size

    def indices(self, epoch: int) -> Indices:
        """Return the crops of an epoch in the order of use, (size,) int64."""
        seed = int(np.random.SeedSequence([self.sampling.seed, epoch]).generate_state(1)[0] >> 1)
        drawn = oversample(self.plan, seed).take(self.size).batch(10_000)
        return np.concatenate(list(drawn.as_numpy_iterator()))


def oversample(plan: EpochPlan, seed: int) -> tf.data.Dataset:
    """Return an endless dataset of row numbers, scalar int64, with the plan's frequencies."""
    present = np.flatnonzero(plan.frequencies)
    # Repeat before mixing: a label that ran dry would stop being drawn.
    endless = [
        tf.data.Dataset.from_tensor_slices(np.flatnonzero(plan.labels == label))
        .shuffle(int((plan.labels == label).sum()), seed=seed, reshuffle_each_iteration=True)
        .repeat()
        for label in present
    ]
    frequencies = plan.frequencies[present]
    return tf.data.Dataset.sample_from_datasets(endless, frequencies, seed=seed)
