"""The loop around the training step: input, learning rate, checkpoints, log and summaries.

Killed at any moment, the same command goes on from the last checkpoint in ``train_dir``.
"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from database_tools.core.errors import UserError
from slim_legacy.datasets.descriptor import Dataset
from slim_legacy.training import checkpoints, learning_rate, log, records
from slim_legacy.training.moving_averages import decay_at
from slim_legacy.training.options import TrainOptions
from slim_legacy.training.summaries import Summaries
from slim_legacy.training.trainer import Trainer
from tf_classification.runs import strategies


def train(options: TrainOptions, dataset: Dataset) -> None:
    """Train until ``max_number_of_steps``.

    As in the original, a finished ``train_dir`` does exactly one more step.

    Raises:
        UserError: for what the user can mend: checkpoints, labels, devices, a loss that is not a
            number.
    """
    found = records.count(dataset, options.dataset_name, options.dataset_split_name)
    log.info(
        "One epoch of %s pictures is %s steps of %d",
        f"{found:,}",
        f"{math.ceil(found / (options.batch_size * options.num_clones)):,}",
        options.batch_size * options.num_clones,
    )
    keras.utils.set_random_seed(options.seed)
    flag = f"--num_clones={options.num_clones}"
    strategy = strategies.of_replicas(options.num_clones, on_cpu=options.clone_on_cpu, flag=flag)
    with strategy.scope():
        trainer = Trainer(options, dataset.num_classes - options.labels_offset)
        trainer.restore()
        how = records.Reading(
            trainer.network.image_size,
            options.batch_size * options.num_clones,
            dataset.num_classes - options.labels_offset,
            options.labels_offset,
            options.num_preprocessing_threads,
        )
        batches = records.training(
            dataset.data_sources,
            how,
            options.num_readers,
            options.seed,
            int(trainer.step.read_value()),
        )
        distributed = strategy.experimental_distribute_dataset(batches)
        try:
            _loop(trainer, iter(distributed), dataset.num_samples)
        except tf.errors.OpError as error:
            if mistake := records.explain(error):
                raise mistake from error
            raise


def _loop(
    trainer: Trainer, batches: Iterator[tuple[tf.Tensor, tf.Tensor]], num_samples: int
) -> None:
    o = trainer.options
    folder = Path(o.train_dir)
    steps_per_decay = learning_rate.decay_steps(num_samples, o)
    saved, summarised = Timer(o.save_interval_secs), Timer(o.save_summaries_secs)
    summaries = Summaries(folder, trainer.network, trainer.model)
    step = int(trainer.step.read_value())
    log.info("Starting Session.")
    if saved.due() and checkpoints.latest(folder) is None:
        _save(trainer, folder)
    try:
        while True:
            start = time.perf_counter()
            rate = learning_rate.at(step, steps_per_decay, o)
            average = decay_at(step, o.moving_average_decay or 0.0)
            images, labels = next(batches)
            loss = float(
                trainer.train_step(images, labels, tf.constant(rate), tf.constant(average))
            )
            step += 1
            if not math.isfinite(loss):
                raise UserError(f"the loss is {loss} at step {step}: lower --learning_rate?")
            if step % o.log_every_n_steps == 0:
                seconds = time.perf_counter() - start
                log.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, seconds)
            if summarised.due():
                log.info("Recording summary at step %d.", step)
                summaries.write(step, _numbers(trainer, rate, loss), _first(images))
            if o.max_number_of_steps is not None and step >= o.max_number_of_steps:
                break
            if saved.due():
                _save(trainer, folder)
    except KeyboardInterrupt:
        _save(trainer, folder)
        log.info("Stopped at step %d; the same command goes on from there", step)
        raise
    finally:
        summaries.close()
    log.info("Stopping Training.")
    log.info("Finished training! Saving model to disk.")
    _save(trainer, folder)
    log.info("To judge it: eval_image_classifier.py --checkpoint_path=%s", shlex.quote(str(folder)))


class Timer:
    """Says when something is due: at once, and then every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = time.monotonic()

    def due(self) -> bool:
        """Tell whether the time has come, and set the next time if so."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


def _save(trainer: Trainer, folder: Path) -> None:
    log.info("Saving checkpoint to path %s", folder / "model.ckpt")
    checkpoints.save(folder, int(trainer.step.read_value()), trainer.variables)


def _numbers(trainer: Trainer, rate: float, loss: float) -> dict[str, float]:
    """Name the scalars of a step as the original does."""
    decay = float(trainer.regularization())
    return {
        "learning_rate": rate,
        "total_loss": loss,
        "Losses/regularization_loss": decay,
        "Losses/clone_loss": loss - decay,
    }


def _first(images: tf.Tensor) -> tf.Tensor:
    """Return the batch of the first clone."""
    return tf.distribute.get_strategy().experimental_local_results(images)[0]
