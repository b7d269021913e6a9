"""``--overfit-batch``: can this network, with these settings, learn one batch by heart?

A network that cannot will not learn a dataset either: labels that do not belong to their
pictures, a learning rate that is far off, pictures that are all black.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from database_tools.core.errors import UserError
from tf_classification.runs import strategies
from tf_classification.runs.config import TrainConfig
from tf_classification.training import failures, session
from tf_classification.training.session import Session

_STEPS = 200
_ENOUGH = 0.95  # of the batch right


def report(config: TrainConfig) -> str:
    """Train on the first batch only, without augmentation and decay; say how it went.

    Raises:
        UserError: if less than 95 % of the batch are right after 200 steps.
    """
    strategy = strategies.make(config.strategy, config.logical_cpus)
    config = replace(config, seed=config.seed or 0, weight_decay=0.0, augmentation="none")
    config = replace(config, mixup=0.0, cutmix=0.0, rand_augment=0)
    with failures.named(strategy, config.batch_size):
        return _learn(session.prepare(config, strategy))


def _learn(at_work: Session) -> str:
    batch = next(iter(at_work.feeds.training(0)))
    expected = math.log(at_work.dataset.num_labels)
    first = right = 0.0
    for step in range(_STEPS):
        losses, _ = at_work.step.train([batch])
        tally = at_work.step.take_tally()
        right = float(np.trace(tally.confusion) / max(tally.confusion.sum(), 1))
        first = first if step else losses[0]
        if right == 1 and losses[0] < 0.1:
            break
    said = (
        f"the first loss was {first:.2f} (guessing among {at_work.dataset.num_labels} labels:"
        f" {expected:.2f}); after {step + 1} steps it is {losses[0]:.3f} with {right:.0%} right"
    )
    if not right >= _ENOUGH:
        raise UserError(f"--overfit-batch: the batch was not learnt: {said}")
    return f"the batch was learnt by heart: {said}"
