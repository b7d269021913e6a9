"""Everything that a run needs, made in the right order from its configuration."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.core.sampling import EpochPlan, Sampling
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching
from tf_classification.data.examples import Dataset
from tf_classification.data.oversampling import OversamplingPlan
from tf_classification.models import networks, weights
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs import network, strategies
from tf_classification.runs.config import TrainConfig
from tf_classification.training import optimizers
from tf_classification.training.feeds import DatasetFeeds
from tf_classification.training.step import Rules, Step

log = logging.getLogger(__name__)

# For small sets: what is upright stays so, and colour, which tells of the place, often goes.
_LIGHT = {
    "scale": (0.5, 1.0),
    "rotation": 10.0,
    "vertical_flip": 0.0,
    "grayscale": 0.3,
    "jitter": 0.3,
}
_NONE = {
    "scale": (1.0, 1.0),
    "ratio": (1.0, 1.0),
    "rotation": 0.0,
    "horizontal_flip": 0.0,
    "vertical_flip": 0.0,
    "grayscale": 0.0,
    "jitter": 0.0,
}
_AUGMENTATIONS: dict[str, dict[str, object]] = {"full": {}, "light": _LIGHT, "none": _NONE}


@dataclass(frozen=True, eq=False)
class Session:
    """What a run consists of."""

    config: TrainConfig
    strategy: tf.distribute.Strategy
    dataset: Dataset
    plan: EpochPlan
    batching: Batching
    feeds: DatasetFeeds
    step: Step

    @property
    def model(self) -> keras.Model:
        """The network."""
        return self.step.model


def prepare(
    config: TrainConfig, strategy: tf.distribute.Strategy, *, pretrained: bool = True
) -> Session:
    """Read the dataset and build the network.

    Args:
        config: with a seed.
        strategy: made by ``strategies.make`` before anything else touched TensorFlow.
        pretrained: whether to load the weights that the configuration names.

    Raises:
        UserError: if the dataset or the machine does not allow what the configuration asks.
    """
    _check_machine(config, strategy)
    dataset = run_dataset.load(config, training=True)
    _check_dataset(dataset, config.min_crops)
    plan = _plan(config, dataset)
    worker, workers = strategies.worker_of(strategy)
    threads = config.num_workers or os.cpu_count() or 1
    batching = Batching(config.batch_size, config.size, worker, workers, threads)
    drawn = _with_tf_data(plan) if config.sample_from_datasets else plan
    feeds = DatasetFeeds(dataset, drawn, batching, _augmentation(config), config.epochs, strategy)
    # Random first weights, and the seeds of random layers.
    keras.utils.set_random_seed(config.seed or 0)
    with strategy.scope():
        model = _model(config, strategy, dataset.num_labels, feeds.steps_per_epoch)
        optimizer = optimizers.make(config, feeds.steps_per_epoch)
    if pretrained and config.pretrained:
        _load(config, model)
    rules = Rules(
        label_smoothing=config.label_smoothing,
        clip_norm=config.clip_norm,
        l2=optimizers.l2_of(config),
        ema=config.ema,
        jit_compile=config.jit_compile,
    )
    step = Step(model, optimizer, strategy, rules)
    return Session(config, strategy, dataset, plan, batching, feeds, step)


def _check_machine(config: TrainConfig, strategy: tf.distribute.Strategy) -> None:
    replicas = strategy.num_replicas_in_sync
    if config.jit_compile and replicas > 1:
        rule = "XLA cannot compile what replicas exchange within the network (BatchNorm)"
        raise UserError(f"--jit-compile goes with one device, not with {replicas}: {rule}")
    if config.batch_size % replicas:
        raise UserError(
            f"--batch-size {config.batch_size} does not divide by the {replicas} replicas"
        )
    if config.jit_compile and not tf.config.list_physical_devices("GPU"):
        raise UserError("--jit-compile needs a GPU: on a CPU it makes training ten times slower")


def _check_dataset(dataset: Dataset, min_crops: int) -> None:
    """Refuse what cannot be trained or judged; name what is merely odd."""
    if dataset.num_labels < 2:
        left = f"--min-crops {min_crops} leaves" if min_crops else "the dataset has"
        raise UserError(f"a classifier needs 2 labels, {left} {dataset.num_labels}")
    for split in ("train", "val"):
        if not len(dataset.splits[split]):
            raise UserError(f"the {split} split has no crop")
    if dataset.empty_labels:
        names = ", ".join(dataset.label_names[i] for i in dataset.empty_labels)
        log.info("labels without any crop, which keep their output: %s", names)
    for line in unjudged(dataset):
        log.warning("%s", line)


def unjudged(dataset: Dataset) -> list[str]:
    """Name the labels that are trained but have no crop in val, and in test, a line for each."""
    lines = []
    for split in ("val", "test"):
        counts = dataset.splits[split].counts(dataset.num_labels)
        missing = np.setdiff1d(np.flatnonzero(counts == 0), dataset.empty_labels)
        if len(dataset.splits[split]) and len(missing):
            names = ", ".join(dataset.label_names[i] for i in missing)
            lines.append(f"labels without a crop in {split}, which cannot be judged there: {names}")
    return lines


def _plan(config: TrainConfig, dataset: Dataset) -> EpochPlan:
    train = dataset.splits["train"]
    sampling = Sampling(
        power=config.power, max_per_location=config.max_per_location, seed=config.seed or 0
    )
    weights = run_dataset.confidence_weights(config, train.confidences)
    return EpochPlan(train.labels, sampling, weights, train.locations)


def _with_tf_data(plan: EpochPlan) -> OversamplingPlan:
    try:
        return OversamplingPlan(plan)
    except ValueError as error:
        raise UserError(f"--sample-from-datasets: {error}") from None


def _augmentation(config: TrainConfig) -> Augmentation:
    mixing = {name: getattr(config, name) for name in ("mixup", "cutmix", "rand_augment")}
    return Augmentation(**_AUGMENTATIONS[config.augmentation], **mixing)  # type: ignore[arg-type]


def _model(
    config: TrainConfig, strategy: tf.distribute.Strategy, num_labels: int, steps_per_epoch: int
) -> keras.Model:
    precision = config.mixed_precision
    return networks.build(
        config.model_name,
        num_labels,
        image_size=config.size,
        batchnorm_momentum=networks.momentum_for(steps_per_epoch),
        synchronized=strategy.num_replicas_in_sync > 1,
        dropout=config.dropout,
        conv_padding=network.conv_padding(config),
        dtype=f"mixed_{precision}" if precision else "float32",
    )


def _load(config: TrainConfig, model: keras.Model) -> None:
    if config.pretrained is True:
        taken = weights.load_imagenet(model, config.model_name)
    else:
        taken = weights.load(
            model, Path(str(config.pretrained)), config.model_name, new_labels=True
        )
    log.info("--pretrained: %s", taken)
