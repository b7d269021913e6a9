"""Batches for the replicas of this worker: ``data.pipeline`` under a distribution strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from tf_classification.data import pipeline, transforms
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching
from tf_classification.data.examples import Dataset
from tf_classification.runs import strategies


class DatasetFeeds:
    """The batches of a dataset."""

    def __init__(
        self,
        dataset: Dataset,
        plan: pipeline.Plan,
        batching: Batching,
        augmentation: Augmentation,
        epochs: int,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.plan = plan
        self._dataset, self._batching = dataset, batching
        self._augmentation, self._epochs = augmentation, epochs
        self._strategy = strategy
        self.steps_per_epoch = batching.steps(plan.size)

    def training(self, start_step: int) -> Iterable[Any]:
        """Return the batches of all epochs from that step on."""
        return self._distributed(
            lambda: pipeline.training(
                self._dataset.splits["train"],
                self.plan,
                self._batching,
                self._augmentation,
                num_labels=self._dataset.num_labels,
                epochs=self._epochs,
                start_step=start_step,
            )
        )

    def evaluation(self, split: str) -> Iterable[Any]:
        """Return the batches of a split, each example once."""
        return self._distributed(
            lambda: pipeline.evaluation(
                self._dataset.splits[split], self._batching, transforms.decode_shrinking
            )
        )

    def _distributed(self, make: Callable[[], tf.data.Dataset]) -> Iterable[Any]:
        replicas = strategies.local_replicas(self._strategy)

        def for_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            batches = make()
            each = self._batching.local_size // replicas
            return batches if replicas == 1 else batches.rebatch(each, drop_remainder=True)

        return self._strategy.distribute_datasets_from_function(for_worker)
